"""Leases for periodic tasks that one of all processes does, with a note from one turn to the next.

Promises: of all processes on the store one gets the turn, and not before the period is over. A process that dies during
its turn leaves the earlier note unchanged, so that the next turn repeats the work.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from webhooks.queue.store.database import LOOKS


def take_turn(connection: sa.Connection, name: str, *, now: float, after: float) -> dict[str, Any] | None:
    """Take the turn when the last one began more than `after` seconds ago; return what was noted then, else None.

    `now` is in seconds since 1970. A last turn in the future comes from a clock that was put back: it counts as over,
    or there would be no turn until that time.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(LOOKS).values(name=name, began=now, seen="{}")
    is_due = sa.or_(LOOKS.c.began <= now - after, LOOKS.c.began > now + after)
    upsert = statement.on_conflict_do_update(index_elements=["name"], set_={"began": now}, where=is_due)
    seen = connection.execute(upsert.returning(LOOKS.c.seen)).scalar()
    return None if seen is None else dict(json.loads(seen))


def note(connection: sa.Connection, name: str, seen: dict[str, Any]) -> None:
    """Keep a note for the next turn."""
    connection.execute(LOOKS.update().where(LOOKS.c.name == name).values(seen=json.dumps(seen)))


def noted(connection: sa.Connection, name: str) -> dict[str, Any]:
    """Return the note as it is; empty where there is none."""
    seen = connection.execute(sa.select(LOOKS.c.seen).where(LOOKS.c.name == name)).scalar()
    return {} if seen is None else dict(json.loads(seen))
