"""Give older SQLite the clock that the engine reads: `unixepoch('subsec')`, seconds since 1970 with a fraction.

On Python 3.12 and later the engine's tables take the time of a row from it. SQLite knows it since 3.42, Debian 12 and
Ubuntu 22.04 have older ones, which give NULL or know no such function: then not one job could be stored.
https://www.sqlite.org/lang_datefunc.html
"""

from __future__ import annotations

import sqlite3
import time

#: The first SQLite that has the clock itself.
_KNOWS = (3, 42, 0)


def define_clock(connection: sqlite3.Connection, version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> None:
    """Define the function on a connection, where SQLite of this version does not have it."""
    if version < _KNOWS:
        connection.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(modifier: str) -> float:
    """Return the time with milliseconds. Only the engine's own call is answered, since nobody makes another."""
    if modifier != "subsec":
        raise ValueError(modifier)
    return round(time.time(), 3)
