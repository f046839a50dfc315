"""Give the threads of one process turns at writing to the store.

Promises: what is urgent, a delivery that GitHub waits to be answered, goes next; of the others, whoever asked first.
SQLite's own way of waiting is to sleep for longer and longer times while others slip in: with a worker's threads
writing beside it, a delivery waited for half a second.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque

#: How long a transaction waits for its turn, in seconds; longer means that something holds the store for good.
PATIENCE = 30.0

#: How long an urgent one waits for its turn, and then for other processes: GitHub waits ten seconds for an answer.
URGENT_PATIENCE = 4.0


class PriorityLock:
    """A lock that goes to urgent waiters first, and otherwise to waiters in the order of their requests."""

    def __init__(self) -> None:
        """Create the lock, free."""
        self._guard = threading.Lock()
        self._urgent: deque[threading.Lock] = deque()
        self._patient: deque[threading.Lock] = deque()
        self._is_taken = False

    def acquire(self, patience: float, *, urgent: bool = False) -> bool:
        """Wait for the lock, at most so many seconds; False when it was not free in time."""
        line = self._urgent if urgent else self._patient
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            line.append(mine)
        if mine.acquire(timeout=patience):
            return True
        with self._guard:
            if mine not in line:
                return True  # it was passed on at the last moment
            line.remove(mine)
            return False

    def release(self) -> None:
        """Pass the lock to the next waiter."""
        with self._guard:
            if line := self._urgent or self._patient:
                line.popleft().release()
            else:
                self._is_taken = False


class QueuedConnection(sqlite3.Connection):
    """A connection whose writing transactions wait for the lock. SQLite's own waiting is for other processes."""

    lock: PriorityLock
    _has_lock = False
    _patience = 0.0

    def begin(self, *, urgent: bool) -> None:
        """Begin a transaction that writes. Raises sqlite3.OperationalError when the store stays locked."""
        patience = URGENT_PATIENCE if urgent else PATIENCE
        if not self.lock.acquire(patience, urgent=urgent):
            raise sqlite3.OperationalError("database is locked")
        self._has_lock = True
        try:
            if patience != self._patience:
                self.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
                self._patience = patience
            self.execute("BEGIN IMMEDIATE")
        finally:
            self._release()

    def commit(self) -> None:
        """Commit, then pass the lock on: only when the disk has it, or the next would wait inside SQLite."""
        try:
            super().commit()
        finally:
            self._release()

    def rollback(self) -> None:
        """Roll back, then pass the lock on."""
        try:
            super().rollback()
        finally:
            self._release()

    def close(self) -> None:
        """Close; an open transaction is rolled back."""
        super().close()
        if self._has_lock:
            self._has_lock = False
            self.lock.release()

    def _release(self) -> None:
        if self._has_lock and not self.in_transaction:
            self._has_lock = False
            self.lock.release()
