"""Record every request to the model with its cost, for budgets and operators. Holds no code."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.usage import Usage
from webhooks.events.deliveries import Job
from webhooks.operator_settings.spending import SpendingPart
from webhooks.queue.store.database import CALLS

NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class ModelTotal:
    """The total usage of one model's requests with one outcome. `usage.calls` counts requests."""

    model: str
    outcome: str
    usage: Usage


def person_of(job: Job) -> str:
    """Return the login under which the job is billed: who caused it, in lower case; "" where that is not known."""
    return (job.actor or "").lower()


def enter(connection: sa.Connection, job: Job, prompt: Prompt, answer: Reply | ModelError) -> None:
    """Record every attempt that was made for the answer."""
    now = time.time()
    rows = [
        {
            "at": now,
            "job": job.delivery,
            "repository": job.repository,
            "number": job.number,
            "installation": job.installation_id,
            "person": person_of(job),
            "task": prompt.task.value,
            "model": attempt.model,
            "outcome": attempt.outcome,
            "prompt_tokens": attempt.prompt_tokens,
            "completion_tokens": attempt.completion_tokens,
            # Whole nanodollars: sums in SQL stay exact, in every database.
            "cost_nano_usd": None if attempt.cost_usd is None else int((attempt.cost_usd * NANO).to_integral_value()),
            "estimated": attempt.estimated,
            "seconds": attempt.seconds,
        }
        for attempt in answer.attempts
    ]
    if rows:
        connection.execute(CALLS.insert(), rows)


def spent(
    connection: sa.Connection,
    *,
    repository: str | None = None,
    number: int | None = None,
    job_id: str | None = None,
    since: float = 0.0,
) -> Usage:
    """Return what was spent since that time (seconds since 1970), narrowed to a repository, pull request or job.

    `cost_usd` is None as soon as the price of one call is not known.
    """
    query = sa.select(*_SUMS).where(CALLS.c.at >= since)
    for column, value in ((CALLS.c.repository, repository), (CALLS.c.number, number), (CALLS.c.job, job_id)):
        if value is not None:
            query = query.where(column == value)
    return _usage(connection.execute(query).one())


def totals(connection: sa.Connection) -> list[ModelTotal]:
    """Return the usage of all requests by model and outcome."""
    groups = (CALLS.c.model, CALLS.c.outcome)
    rows = connection.execute(sa.select(*groups, *_SUMS).group_by(*groups).order_by(*groups))
    return [ModelTotal(row.model, row.outcome, _usage(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class RepositoryUsage:
    """What one repository has used; `repository` is empty for all the others together."""

    repository: str
    usage: Usage


def repositories(connection: sa.Connection, *, since: float, most: int) -> list[RepositoryUsage]:
    """Return what each repository used since that time: those that cost most, then all the others as one."""
    names = CALLS.c.repository
    query = sa.select(names, *_SUMS).where(CALLS.c.at >= since).group_by(names)
    rows = connection.execute(query.order_by(sa.desc("cost"), names)).all()
    found = [RepositoryUsage(row.repository, _known_usage(row)) for row in rows]
    others = sum((total.usage for total in found[most:]), Usage())
    return [*found[:most], *([RepositoryUsage("", others)] if found[most:] else [])]


def delete_old(connection: sa.Connection, *, before: float) -> int:
    """Delete entries from before that time; return how many."""
    return connection.execute(CALLS.delete().where(CALLS.c.at < before)).rowcount


def known_cost(connection: sa.Connection, part: SpendingPart) -> Usage:
    """Return what was spent on that part; `cost_usd` is the sum of the costs that are known, never None."""
    query = sa.select(*_SUMS).where(CALLS.c.at >= part.since, *within(CALLS, part))
    return _known_usage(connection.execute(query).one())


def within(table: sa.Table, part: SpendingPart) -> list[sa.ColumnElement[bool]]:
    """Return the conditions under which a row belongs to the part, but for its time."""
    values = {"repository": part.repository or None, "number": part.number, "person": part.person.lower() or None}
    return [table.c[name] == value for name, value in values.items() if value is not None]


_SUMS = (
    sa.func.count().label("calls"),
    sa.func.coalesce(sa.func.sum(CALLS.c.prompt_tokens), 0).label("prompt_tokens"),
    sa.func.coalesce(sa.func.sum(CALLS.c.completion_tokens), 0).label("completion_tokens"),
    sa.func.coalesce(sa.func.sum(CALLS.c.cost_nano_usd), 0).label("cost"),
    sa.func.count(CALLS.c.cost_nano_usd).label("priced"),
)


def _known_usage(row: Any) -> Usage:
    cost = Decimal(int(row.cost)) / NANO
    return Usage(int(row.calls), int(row.prompt_tokens), int(row.completion_tokens), cost)


def _usage(row: sa.Row[tuple[int, ...]]) -> Usage:
    cost = Decimal(int(row.cost)) / NANO if row.priced == row.calls else None
    return Usage(int(row.calls), int(row.prompt_tokens), int(row.completion_tokens), cost)
