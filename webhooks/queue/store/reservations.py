"""Reserve what a job is about to spend, so that jobs which run at once keep a ceiling together.

Promises: reading what is left and reserving it are one step over all processes on the store. What a job reserved counts
until it is released, or until the job is over: a worker that dies leaves nothing behind for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from webhooks.events.deliveries import Job
from webhooks.operator_settings.spending import SpendingLimit, SpendingPart
from webhooks.queue.store.billing import NANO, known_cost, person_of, within
from webhooks.queue.store.database import JOBS, RESERVED
from webhooks.queue.store.job_state import LIVE

#: Any number, the same in every process: two must not read what is left at the same time (Postgres).
_LOCK = 7_770_002


def reserve(connection: sa.Connection, job: Job, usd: Decimal, limits: Sequence[SpendingLimit]) -> SpendingLimit | None:
    """Reserve the dollars for the job and return None, or reserve nothing and return the limit that stands against it.

    A limit stands against it when it is spent, or when what other jobs reserved leaves too little. Where the job has
    what is left for itself it may go on: its plan was made to fit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    for limit in limits:
        spent = known_cost(connection, limit.part).cost_usd or Decimal(0)
        others = held(connection, limit.part, besides=job.delivery)
        if spent >= limit.usd or (others and spent + others + usd > limit.usd):
            return limit
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    amount = {"nano_usd": int((usd * NANO).to_integral_value())}
    row = {"job": job.delivery, "repository": job.repository, "number": job.number, "person": person_of(job), **amount}
    statement = insert(RESERVED).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["job"], set_=amount))
    return None


def held(connection: sa.Connection, part: SpendingPart, *, besides: str = "") -> Decimal:
    """Return what jobs that are not over have reserved of that part, `besides` one of them."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(RESERVED.c.nano_usd), 0))
        .join(JOBS, JOBS.c.id == RESERVED.c.job)
        .where(JOBS.c.state.in_(LIVE), RESERVED.c.job != besides, *within(RESERVED, part))
    )
    return Decimal(int(connection.execute(query).scalar_one())) / NANO


def release(connection: sa.Connection, job_id: str) -> None:
    """Give back what the job reserved: it is on the bill by now, or was not spent."""
    connection.execute(RESERVED.delete().where(RESERVED.c.job == job_id))


def forget_ended(connection: sa.Connection) -> int:
    """Delete what jobs reserved that are over or gone; return how many rows."""
    live = sa.exists().where(JOBS.c.id == RESERVED.c.job, JOBS.c.state.in_(LIVE))
    return connection.execute(RESERVED.delete().where(~live)).rowcount
