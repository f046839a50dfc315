"""Turns at writing, among the threads of one process.

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


class PriorityLock:
    """A lock that is given to the urgent first, and among equals in the order in which it was asked for."""

    def __init__(self) -> None:
        """Nobody holds it."""
        self._guard = threading.Lock()
        self._urgent: deque[threading.Lock] = deque()
        self._patient: deque[threading.Lock] = deque()
        self._is_taken = False

    def take(self, patience: float, *, urgent: bool = False) -> bool:
        """Wait for the turn, at most so many seconds; False when it did not come."""
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
                return True  # it came at the last moment
            line.remove(mine)
            return False

    def give(self) -> None:
        """Let the next have it."""
        with self._guard:
            if line := self._urgent or self._patient:
                line.popleft().release()
            else:
                self._is_taken = False


class QueuedConnection(sqlite3.Connection):
    """A connection whose writing transactions wait for their turn. SQLite's own waiting is left for other processes."""

    turns: PriorityLock
    _has_turn = False

    def begin(self, *, urgent: bool) -> None:
        """Begin a transaction that writes. Raises sqlite3.OperationalError when the store stays locked."""
        if not self.turns.take(PATIENCE, urgent=urgent):
            raise sqlite3.OperationalError("database is locked")
        self._has_turn = True
        try:
            self.execute("BEGIN IMMEDIATE")
        finally:
            self._give()

    def commit(self) -> None:
        """Commit, then let the next begin: after the disk has it, or the next would wait in SQLite after all."""
        try:
            super().commit()
        finally:
            self._give()

    def rollback(self) -> None:
        """Roll back, then let the next begin."""
        try:
            super().rollback()
        finally:
            self._give()

    def close(self) -> None:
        """Close; what was begun is rolled back."""
        super().close()
        if self._has_turn:
            self._has_turn = False
            self.turns.give()

    def _give(self) -> None:
        if self._has_turn and not self.in_transaction:
            self._has_turn = False
            self.turns.give()
