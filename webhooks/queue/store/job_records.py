"""Read and write the rows of jobs. Every function takes a connection, so that callers decide what is one transaction.

A job is queued, then running, then done, failed, superseded or cancelled; an operator may queue it again. Each time it
is queued its `attempt` is increased: a workflow with an older attempt does nothing. `owner` is the token of the one run
that may write: a run that was presumed dead finds another token and stops.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from webhooks.events.deliveries import Job, Trigger
from webhooks.queue.store import history
from webhooks.queue.store.database import JOBS
from webhooks.queue.store.job_state import LIVE, JobRecord, JobState, record_of

#: The reason of a job that is tried again after its worker crashed or was blocked.
CRASHED = "it crashed or blocked its worker"


def add(connection: sa.Connection, job: Job) -> bool:
    """Insert the job as queued, attempt 1. False when its delivery was accepted before."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(JOBS)
        .values(
            id=job.delivery,
            key=job.key,
            pull=job.pull,
            installation=job.installation_id,
            automatic=job.is_automatic,
            head=job.head_sha,
            updated_at=job.updated_at,
            job=json.dumps(job.to_json()),
            state=JobState.QUEUED.value,
            reason="",
            attempt=1,
            failures=0,
            starts=0,
            accepted_at=time.time(),
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(JOBS.c.seq)
    )
    return connection.execute(statement).first() is not None


def find(connection: sa.Connection, job_id: str) -> JobRecord | None:
    """Return the job with that id, or None."""
    row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).first()
    return None if row is None else record_of(row)


def beginning_with(connection: sa.Connection, text: str, limit: int) -> list[JobRecord]:
    """Return the jobs whose id or key begins with the text, newest first."""
    fits = sa.or_(JOBS.c.id.startswith(text, autoescape=True), JOBS.c.key.startswith(text, autoescape=True))
    query = sa.select(JOBS).where(fits).order_by(JOBS.c.seq.desc()).limit(limit)
    return [record_of(row) for row in connection.execute(query)] if text else []


def errors(connection: sa.Connection) -> dict[str, int]:
    """Return how many jobs in the store failed, by the name of the error's class."""
    failed = sa.select(JOBS.c.result, sa.func.count()).where(JOBS.c.state == JobState.FAILED.value)
    found: dict[str, int] = {}
    for result, count in connection.execute(failed.group_by(JOBS.c.result)):
        name = str((json.loads(result) if result else {}).get("error") or "unknown")
        found[name] = found.get(name, 0) + count
    return found


def newest(connection: sa.Connection, states: Sequence[JobState], limit: int) -> list[JobRecord]:
    """Return the jobs in those states, newest first."""
    query = sa.select(JOBS).where(JOBS.c.state.in_([state.value for state in states]))
    return [record_of(row) for row in connection.execute(query.order_by(JOBS.c.seq.desc()).limit(limit))]


def live(connection: sa.Connection, *, now: float, older_than: float) -> list[JobRecord]:
    """Return the jobs that are queued or running and were accepted more than `older_than` seconds before `now`.

    Also those that were accepted after `now`: the clock was put back, so their age is unknown.
    """
    is_old = sa.or_(JOBS.c.accepted_at < now - older_than, JOBS.c.accepted_at > now)
    query = sa.select(JOBS).where(JOBS.c.state.in_(LIVE), is_old)
    return [record_of(row) for row in connection.execute(query)]


def has_head(connection: sa.Connection, pull: str, head_sha: str, base_ref: str = "") -> bool:
    """Whether there is or was an automatic job for that head of the pull request against that base, however it ended.

    Jobs of older releases do not name their base: they count for any.
    """
    query = sa.select(JOBS).where(JOBS.c.pull == pull, JOBS.c.head == head_sha, JOBS.c.automatic == sa.true())
    return any(_fits_base(record_of(row).stored, base_ref) for row in connection.execute(query))


def _fits_base(job: dict[str, Any], base_ref: str) -> bool:
    """Whether a stored job is, as far as is known, against that base branch."""
    known = job.get("base_ref", "")
    return not known or not base_ref or known == base_ref


def same_before(connection: sa.Connection, record: JobRecord) -> str | None:
    """Return the id of an earlier job for the same head, when one of the two came from the search for missed pulls.

    The App found the head by itself and then the missed webhook arrived, or the other way round. Two webhooks for one
    head both count: a draft that becomes ready for review keeps its head.
    """
    mine, other = JOBS.alias(), JOBS.alias()
    is_same = sa.and_(
        other.c.pull == mine.c.pull,
        other.c.head == mine.c.head,
        other.c.automatic == sa.true(),
        other.c.seq < mine.c.seq,
        other.c.state.in_([*LIVE, JobState.DONE.value]),
    )
    query = sa.select(other).join(mine, is_same).where(mine.c.id == record.id, mine.c.automatic == sa.true())
    for row in connection.execute(query):
        earlier = record_of(row)
        if not _fits_base(earlier.stored, record.stored.get("base_ref", "")):
            continue
        is_done = not earlier.state.is_final or (earlier.result or {}).get("state") == "reviewed"
        if is_done and Trigger.MISSED.value in {record.stored["trigger"], earlier.stored["trigger"]}:
            return earlier.id
    return None


def counts(connection: sa.Connection) -> dict[JobState, int]:
    """Return how many jobs are in each state."""
    rows = connection.execute(sa.select(JOBS.c.state, sa.func.count()).group_by(JOBS.c.state))
    return dict.fromkeys(JobState, 0) | {JobState(state): count for state, count in rows}


def begin(connection: sa.Connection, job_id: str, attempt: int, owner: str) -> JobRecord | None:
    """Mark the attempt as running under that owner. None when it is outdated or the job has ended."""
    statement = (
        JOBS.update()
        .where(JOBS.c.id == job_id, JOBS.c.attempt == attempt, JOBS.c.state.in_(LIVE))
        .values(
            state=JobState.RUNNING.value, owner=owner, starts=JOBS.c.starts + 1, started_at=time.time(), ended_at=None
        )
        .returning(JOBS)
    )
    row = connection.execute(statement).first()
    if row is not None:
        history.note(connection, job_id, "begun", f"attempt {attempt}")
    return None if row is None else record_of(row)


def running_beside(connection: sa.Connection, record: JobRecord) -> int:
    """Return how many other jobs of the job's installation are running; 0 without an installation.

    Until the transaction ends, no other process counts for the same installation.
    """
    installation = record.stored.get("installation_id")
    if installation is None:
        return 0
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(installation)))
    query = sa.select(sa.func.count()).where(
        JOBS.c.state == JobState.RUNNING.value, JOBS.c.installation == installation, JOBS.c.id != record.id
    )
    return int(connection.execute(query).scalar_one())


def end(
    connection: sa.Connection,
    job_id: str,
    owner: str,
    state: JobState,
    reason: str,
    result: dict[str, Any] | None = None,
) -> bool:
    """End the job. False when another owner has it by now."""
    statement = (
        JOBS.update()
        .where(JOBS.c.id == job_id, JOBS.c.owner == owner, JOBS.c.state == JobState.RUNNING.value)
        .values(
            state=state.value,
            reason=reason,
            ended_at=time.time(),
            result=None if result is None else json.dumps(result),
            owner=None,
        )
    )
    has_ended = connection.execute(statement).rowcount > 0
    if has_ended:
        history.note(connection, job_id, state.value, reason)
        history.keep_fates(connection, job_id, result)
    return has_ended


def suspect(connection: sa.Connection, job_ids: Sequence[str], *, weight: int, most: int) -> None:
    """Count running jobs as begun `weight` times more, at most `most` in all: their worker crashed."""
    starts = sa.case((JOBS.c.starts + weight < most, JOBS.c.starts + weight), else_=most)
    statement = JOBS.update().where(JOBS.c.id.in_(job_ids), JOBS.c.state == JobState.RUNNING.value)
    connection.execute(statement.values(starts=starts, reason=CRASHED))


def requeue(
    connection: sa.Connection, record: JobRecord, owner: str | None, reason: str, *, failures: int, starts: int = 0
) -> int | None:
    """Queue a live job again and return its new attempt. None when another run has it by now.

    `owner` is the token of the run that gives it back; None when no run has it. `starts` is how often the new attempt
    counts as begun.
    """
    held = JOBS.c.owner == owner if owner is not None else sa.true()
    statement = (
        JOBS.update()
        .where(JOBS.c.id == record.id, JOBS.c.attempt == record.attempt, JOBS.c.state.in_(LIVE), held)
        .values(
            state=JobState.QUEUED.value,
            reason=reason,
            attempt=JOBS.c.attempt + 1,
            failures=failures,
            starts=starts,
            owner=None,
        )
        .returning(JOBS.c.attempt)
    )
    attempt = connection.execute(statement).scalar()
    if attempt is not None:
        history.note(connection, record.id, "queued again", reason)
    return attempt


def retry(connection: sa.Connection, job_id: str) -> JobRecord | None:
    """Queue a job again that ended without being done. None when there is none with that id.

    A job that is done would only find its own review, and its record would be lost.
    """
    statement = (
        JOBS.update()
        .where(JOBS.c.id == job_id, JOBS.c.state.not_in([*LIVE, JobState.DONE.value]))
        .values(
            state=JobState.QUEUED.value,
            reason="retried by an operator",
            attempt=JOBS.c.attempt + 1,
            failures=0,
            starts=0,
            owner=None,
            ended_at=None,
            result=None,
        )
        .returning(JOBS)
    )
    row = connection.execute(statement).first()
    if row is not None:
        history.note(connection, job_id, "queued again", "retried by an operator")
    return None if row is None else record_of(row)


def close(connection: sa.Connection, record: JobRecord, state: JobState, reason: str) -> bool:
    """End a live job whoever has it: its run notices and stops. False when its attempt changed meanwhile."""
    statement = (
        JOBS.update()
        .where(JOBS.c.id == record.id, JOBS.c.attempt == record.attempt, JOBS.c.state.in_(LIVE))
        .values(state=state.value, reason=reason, ended_at=time.time(), owner=None)
    )
    is_closed = connection.execute(statement).rowcount > 0
    if is_closed:
        history.note(connection, record.id, state.value, reason)
    return is_closed


def job_state(connection: sa.Connection, job_id: str) -> tuple[JobState | None, str | None]:
    """Return the job's state and the token of the run that has it; None where there is none."""
    row = connection.execute(sa.select(JOBS.c.state, JOBS.c.owner).where(JOBS.c.id == job_id)).first()
    return (None, None) if row is None else (JobState(row.state), row.owner)


def superseding(connection: sa.Connection, job: Job) -> str | None:
    """Return the key of a job for a newer head, or another base, of the same pull request, or None.

    Newer by the pull request's own `updated_at`, since webhooks overtake each other; in the same second neither is, and
    the head that GitHub reports decides when the jobs are carried out. Only automatic jobs supersede others or are
    superseded: a command is for the head that there is when it is carried out.
    """
    if not job.is_automatic:
        return None
    query = sa.select(JOBS.c.key).where(
        JOBS.c.pull == job.pull,
        JOBS.c.automatic == sa.true(),
        sa.or_(JOBS.c.head != job.head_sha, JOBS.c.key != job.key),
        JOBS.c.updated_at > job.updated_at,
    )
    return connection.execute(query.order_by(JOBS.c.updated_at.desc()).limit(1)).scalar()


def delete_ended(connection: sa.Connection, *, before: float) -> int:
    """Delete the jobs that ended before that time; return how many."""
    return connection.execute(JOBS.delete().where(JOBS.c.state.not_in(LIVE), JOBS.c.ended_at < before)).rowcount
