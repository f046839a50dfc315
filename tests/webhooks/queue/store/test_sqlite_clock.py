"""The clock that the engine's tables read, on whatever SQLite there is."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from webhooks.queue.store.database import Database
from webhooks.queue.store.sqlite_clock import define_clock

pytestmark = pytest.mark.slow  # opens a database

#: What the engine's tables say from Python 3.12 on.
TABLE = "CREATE TABLE t (name TEXT, at BIGINT NOT NULL DEFAULT (unixepoch('subsec') * 1000))"


def test_the_store_knows_the_time(tmp_path: Path) -> None:
    """A row gets the milliseconds at which it was written, also beyond the connection that made the table."""
    before = time.time()
    for path in (tmp_path / "store", tmp_path / "store"):
        database = Database(f"sqlite:///{path}")
        database.open()
        with database.write() as connection:
            connection.exec_driver_sql(TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
            connection.exec_driver_sql("INSERT INTO t (name) VALUES ('x')")
            rows = connection.exec_driver_sql("SELECT at FROM t").scalars().all()
        database.close()
    assert len(rows) == 2
    assert all(before - 0.01 <= at / 1000 <= time.time() + 0.01 for at in rows)


def test_what_sqlite_has_itself_stays() -> None:
    """Newer SQLite keeps its own function; ours answers nothing but the one call of the engine."""
    if sqlite3.sqlite_version_info >= (3, 38, 0):
        with closing(sqlite3.connect(":memory:")) as own:
            define_clock(own, (3, 42, 0))
            assert own.execute("SELECT unixepoch('1970-01-02')").fetchone() == (86400,)
    with closing(sqlite3.connect(":memory:")) as ours:
        define_clock(ours, (3, 41, 2))
        with pytest.raises(sqlite3.OperationalError):
            ours.execute("SELECT unixepoch('now')")
