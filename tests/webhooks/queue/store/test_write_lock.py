"""Turns at writing: deliveries first, then whoever asked first; no turn is ever lost."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import sqlalchemy

from tests.fixtures.waiting import wait_until
from webhooks.queue.store.database import Database, StoreUnavailable
from webhooks.queue.store.write_lock import PriorityLock


class Line:
    """Threads that take their turn one after another and write down when they had it."""

    def __init__(self, turns: PriorityLock) -> None:
        self._turns = turns
        self._threads: list[threading.Thread] = []
        self.had: list[str] = []

    def join(self, name: str, *, urgent: bool = False) -> None:
        def wait() -> None:
            assert self._turns.acquire(15.0, urgent=urgent)
            self.had.append(name)
            self._turns.release()

        before = len(self._turns._urgent) + len(self._turns._patient)
        self._threads.append(threading.Thread(target=wait))
        self._threads[-1].start()
        wait_until(lambda: len(self._turns._urgent) + len(self._turns._patient) > before, f"{name} stands in line")

    def end(self) -> list[str]:
        for thread in self._threads:
            thread.join(15)
        return self.had


def test_the_urgent_first_then_in_order():
    """Who is urgent goes next, however many wait; the others go in the order in which they came."""
    turns = PriorityLock()
    line = Line(turns)
    assert turns.acquire(1.0)
    for name in ("first", "second", "third"):
        line.join(name)
    line.join("delivery", urgent=True)
    turns.release()
    assert line.end() == ["delivery", "first", "second", "third"]


def test_who_gives_up_leaves_the_line():
    """Who waited in vain is not given the turn later, and the next one is."""
    turns = PriorityLock()
    assert turns.acquire(1.0)
    assert not turns.acquire(0.01)
    turns.release()
    assert turns.acquire(0.0)


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/store.sqlite3")
    database.open()
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    yield database
    database.close()


def test_a_transaction_that_fails_gives_its_turn_back(database):
    """After an error in it, after a store that was locked by another process, and after a commit, others can write."""
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (1)")
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"), database.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    with database.write(urgent=True) as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT n FROM t").scalars().all() == [2]


def test_readers_do_not_wait(database):
    """While one transaction writes, another reads what was there before."""
    with database.write() as writing:
        writing.exec_driver_sql("INSERT INTO t VALUES (3)")
        with database.read() as reading:
            assert reading.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
