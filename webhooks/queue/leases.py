"""Looks at the world that one process at a time takes: whose turn it is, and what the last one saw.

Promises: of all processes on the store one gets the turn, and not before the given time is over. Whoever dies during
its turn leaves what was seen before, so that the next one looks again.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from webhooks.queue.database import LOOKS


def take_turn(connection: sa.Connection, name: str, *, now: float, after: float) -> dict[str, Any] | None:
    """Take the turn when the last one began more than `after` seconds ago; return what was noted then, else None.

    `now` is in seconds since 1970. A last turn that lies in the future is one of a clock that was put back: it counts
    as over, or nobody would look until that time has come.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(LOOKS).values(name=name, began=now, seen="{}")
    is_due = sa.or_(LOOKS.c.began <= now - after, LOOKS.c.began > now + after)
    upsert = statement.on_conflict_do_update(index_elements=["name"], set_={"began": now}, where=is_due)
    seen = connection.execute(upsert.returning(LOOKS.c.seen)).scalar()
    return None if seen is None else dict(json.loads(seen))


def note(connection: sa.Connection, name: str, seen: dict[str, Any]) -> None:
    """Note what was seen, for the next turn."""
    connection.execute(LOOKS.update().where(LOOKS.c.name == name).values(seen=json.dumps(seen)))
