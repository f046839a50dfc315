"""What happened to jobs, and what became of findings: for the pages of operators. Holds no code.

Promises: each entry is part of the transaction that changed the job. An older version on the same store writes none, so
that a job may have gaps here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from webhooks.queue.store.database import JOBS, METADATA

EVENTS = sa.Table(
    "reviewer_job_events",
    METADATA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("reviewer_job_events_job", "job"),
)

#: How many findings of a pull request are open, fixed and dismissed, by severity, as its last review found.
FATES = sa.Table(
    "reviewer_fates",
    METADATA,
    sa.Column("pull", sa.Text, primary_key=True),
    sa.Column("severity", sa.Text, primary_key=True),
    sa.Column("fate", sa.Text, primary_key=True),
    sa.Column("installation", sa.BigInteger),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)


def note(connection: sa.Connection, job_id: str, what: str, reason: str = "") -> None:
    """Enter that something happened to the job now."""
    connection.execute(EVENTS.insert().values(job=job_id, at=time.time(), what=what, reason=reason[:500]))


def events_of(connection: sa.Connection, job_id: str) -> list[tuple[float, str, str]]:
    """Return when, what and why, in order."""
    query = sa.select(EVENTS.c.at, EVENTS.c.what, EVENTS.c.reason).where(EVENTS.c.job == job_id)
    return [(row.at, row.what, row.reason) for row in connection.execute(query.order_by(EVENTS.c.seq))]


def keep_fates(connection: sa.Connection, job_id: str, result: Mapping[str, Any] | None) -> None:
    """Replace what is known of the findings of the job's pull request, if its review says so."""
    fates = (result or {}).get("fates")
    if not isinstance(fates, dict):
        return
    row = connection.execute(sa.select(JOBS.c.pull, JOBS.c.installation).where(JOBS.c.id == job_id)).one()
    connection.execute(FATES.delete().where(FATES.c.pull == row.pull))
    rows = [
        {
            "pull": row.pull,
            "severity": severity,
            "fate": fate,
            "installation": row.installation,
            "at": time.time(),
            "count": count,
        }
        for severity, counts in fates.items()
        for fate, count in counts.items()
    ]
    if rows:
        connection.execute(FATES.insert(), rows)


def forget_old(connection: sa.Connection, *, before: float) -> None:
    """Delete the events of jobs that are gone, and what pull requests without a review since then had."""
    kept = sa.exists().where(JOBS.c.id == EVENTS.c.job)
    connection.execute(EVENTS.delete().where(~kept))
    connection.execute(FATES.delete().where(FATES.c.at < before))
