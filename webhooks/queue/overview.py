"""Read what operators look at: jobs with their step, a job's calls, money and reviews by day, findings, errors, queue.

Promises: never writes; a `scope` of installations bounds every answer. Each answer is one short transaction.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from webhooks.queue.store import history, leases
from webhooks.queue.store.database import ANSWERS, CALLS, JOBS, WORKERS, Database
from webhooks.queue.store.job_state import LIVE, JobRecord, JobState, record_of

#: The installations whose jobs may be seen; None: all.
Scope = Collection[int] | None

_DAY = 86_400
_NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class CallProgress:
    """How many prompts a job has put, and how many are answered."""

    asked: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job in the list. `place` orders jobs by arrival."""

    place: int
    record: JobRecord
    progress: CallProgress


@dataclass(frozen=True, slots=True)
class BilledCall:
    """One request to the model."""

    at: float
    task: str
    model: str
    outcome: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal | None
    seconds: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What a repository had on a day (days since 1970). `unpriced` counts calls whose price is not known."""

    day: int
    repository: str
    cost_usd: Decimal = Decimal(0)
    calls: int = 0
    unpriced: int = 0
    reviews: int = 0


@dataclass(frozen=True, slots=True)
class FailedCalls:
    """Calls of one model that failed in the same way."""

    model: str
    outcome: str
    count: int
    last_at: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue now. `workers` is None on SQLite, where one process works."""

    oldest_queued_at: float | None
    calls_under_way: int
    workers: int | None


class JobsOverview:
    """The answers."""

    def __init__(self, database: Database) -> None:
        """Store the database, which must be open when something is asked."""
        self._database = database

    def jobs(
        self, scope: Scope, *, states: Sequence[JobState], text: str = "", before: int | None = None, limit: int = 50
    ) -> list[ListedJob]:
        """Return jobs in those states whose key or reason holds the text, newest first."""
        query = sa.select(JOBS.c.seq).where(_within(JOBS, scope))
        if set(states) != set(JobState):  # or the database would sort all jobs
            query = query.where(JOBS.c.state.in_([state.value for state in states]))
        if text:
            query = query.where(
                sa.or_(JOBS.c.key.icontains(text, autoescape=True), JOBS.c.reason.icontains(text, autoescape=True))
            )
        if before is not None:
            query = query.where(JOBS.c.seq < before)
        with self._database.read() as connection:
            places = list(connection.execute(query.order_by(JOBS.c.seq.desc()).limit(limit)).scalars())
            rows = list(connection.execute(sa.select(JOBS).where(JOBS.c.seq.in_(places)).order_by(JOBS.c.seq.desc())))
            progress = _progress(connection, [row.id for row in rows if row.state in LIVE])
        return [ListedJob(row.seq, record_of(row), progress.get(row.id, CallProgress())) for row in rows]

    def job(self, scope: Scope, job_id: str) -> tuple[ListedJob, list[BilledCall], list[tuple[float, str, str]]] | None:
        """Return a job, its calls, and when what happened to it and why; None where there is none in the scope."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id, _within(JOBS, scope))).first()
            if row is None:
                return None
            progress = _progress(connection, [row.id]).get(row.id, CallProgress())
            calls = connection.execute(sa.select(CALLS).where(CALLS.c.job == job_id).order_by(CALLS.c.seq))
            return (
                ListedJob(row.seq, record_of(row), progress),
                [_call(call) for call in calls],
                history.events_of(connection, job_id),
            )

    def counts(self, scope: Scope) -> dict[JobState, int]:
        """Return how many jobs are in each state."""
        query = sa.select(JOBS.c.state, sa.func.count()).where(_within(JOBS, scope)).group_by(JOBS.c.state)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return dict.fromkeys(JobState, 0) | {JobState(state): count for state, count in rows}

    def days(self, scope: Scope, *, since: float) -> list[DayTotal]:
        """Return dollars, calls and reviews by day and repository since that time (seconds since 1970)."""
        found: dict[tuple[int, str], dict[str, Any]] = {}
        with self._database.read() as connection:
            for row in connection.execute(_costs_by_day(scope, since)):
                found[int(row.day), row.repository] = {
                    "cost_usd": Decimal(int(row.cost)) / _NANO,
                    "calls": row.calls,
                    "unpriced": row.calls - row.priced,
                }
            for row in connection.execute(_reviews_by_day(scope, since)):
                values = found.setdefault((int(row.day), row.pull.partition("#")[0]), {})
                values["reviews"] = values.get("reviews", 0) + row.reviews
        return [DayTotal(day, repository, **values) for (day, repository), values in sorted(found.items())]

    def fates(self, scope: Scope) -> dict[tuple[str, str], int]:
        """Return how many findings there are, by severity and fate."""
        table = history.FATES
        query = sa.select(table.c.severity, table.c.fate, sa.func.sum(table.c.count)).where(_within(table, scope))
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(table.c.severity, table.c.fate)).all()
        return {(severity, fate): int(count) for severity, fate, count in rows}

    def failed_calls(self, scope: Scope, *, since: float) -> list[FailedCalls]:
        """Return the failures of calls since that time, by model and kind, the most frequent first."""
        count, last = sa.func.count(), sa.func.max(CALLS.c.at)
        query = sa.select(CALLS.c.model, CALLS.c.outcome, count, last)
        query = query.where(CALLS.c.at >= since, CALLS.c.outcome != "ok", _within(CALLS, scope))
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(CALLS.c.model, CALLS.c.outcome).order_by(count.desc())).all()
        return [FailedCalls(*row) for row in rows]

    def queue(self, scope: Scope) -> QueueState:
        """Return the state of the queue."""
        oldest = sa.select(sa.func.min(JOBS.c.accepted_at)).where(
            JOBS.c.state == JobState.QUEUED.value, _within(JOBS, scope)
        )
        calls = sa.select(sa.func.count()).select_from(
            ANSWERS.join(JOBS, JOBS.c.id == ANSWERS.c.job)
        )  # those of jobs that ended wait for nothing
        calls = calls.where(JOBS.c.state.in_(LIVE), ANSWERS.c.answer.is_(None), _within(JOBS, scope))
        with self._database.read() as connection:
            workers = None
            if not self._database.is_sqlite:
                since = sa.extract("epoch", sa.func.clock_timestamp()).cast(sa.Float) - 40.0
                workers = connection.execute(
                    sa.select(sa.func.count()).select_from(WORKERS).where(WORKERS.c.seen >= since)
                ).scalar_one()
            return QueueState(connection.execute(oldest).scalar(), int(connection.execute(calls).scalar_one()), workers)

    def seen_deliveries(self) -> dict[str, Any]:
        """Return what was noted of deliveries: the `first` and the `last`, each with `at` and `event`."""
        with self._database.read() as connection:
            return leases.noted(connection, RECEIVED)

    def note_delivery(self, event: str) -> None:
        """Remember that a delivery came now. The first is kept."""
        now = {"at": time.time(), "event": event}
        with self._database.write() as connection:
            leases.take_turn(connection, RECEIVED, now=time.time(), after=0.0)
            seen = leases.noted(connection, RECEIVED)
            leases.note(connection, RECEIVED, {"first": seen.get("first", now), "last": now})


#: Under this name is noted when deliveries came.
RECEIVED = "received"


def _within(table: sa.Table, scope: Scope) -> sa.ColumnElement[bool]:
    return sa.true() if scope is None else table.c.installation.in_(list(scope))


def _progress(connection: sa.Connection, job_ids: list[str]) -> dict[str, CallProgress]:
    if not job_ids:
        return {}
    query = sa.select(ANSWERS.c.job, sa.func.count(), sa.func.count(ANSWERS.c.answer))
    rows = connection.execute(query.where(ANSWERS.c.job.in_(job_ids)).group_by(ANSWERS.c.job))
    return {job: CallProgress(asked, answered) for job, asked, answered in rows}


def _day_of(column: sa.Column[Any]) -> sa.ColumnElement[int]:
    return sa.cast(column, sa.BigInteger) // _DAY


def _costs_by_day(scope: Scope, since: float) -> sa.Select[Any]:
    day = _day_of(CALLS.c.at).label("day")
    query = sa.select(
        day,
        CALLS.c.repository,
        sa.func.count().label("calls"),
        sa.func.count(CALLS.c.cost_nano_usd).label("priced"),
        sa.func.coalesce(sa.func.sum(CALLS.c.cost_nano_usd), 0).label("cost"),
    )
    return query.where(CALLS.c.at >= since, _within(CALLS, scope)).group_by(day, CALLS.c.repository)


def _reviews_by_day(scope: Scope, since: float) -> sa.Select[Any]:
    """Count the jobs that ended as a review: their result says so."""
    day = _day_of(JOBS.c.ended_at).label("day")
    query = sa.select(day, JOBS.c.pull, sa.func.count().label("reviews")).where(
        JOBS.c.state == JobState.DONE.value,
        JOBS.c.ended_at >= since,
        JOBS.c.result.contains('"state": "reviewed"', autoescape=True),
        _within(JOBS, scope),
    )
    return query.group_by(day, JOBS.c.pull)


def _call(row: Any) -> BilledCall:
    return BilledCall(
        at=row.at,
        task=row.task,
        model=row.model,
        outcome=row.outcome,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cost_usd=None if row.cost_nano_usd is None else Decimal(row.cost_nano_usd) / _NANO,
        seconds=row.seconds,
        estimated=row.estimated,
    )
