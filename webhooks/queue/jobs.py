"""The durable queue of jobs: accept, carry out, list, retry and cancel them. Other folders import only this module.

Promises: an accepted job is in the store before `accept` returns and is carried out however often processes are killed;
a delivery is accepted once; of one pull request one job runs at a time, and a newer head supersedes the jobs for older
ones; a model's answer is paid for once. What is carried out must be safe to repeat from the top at
any moment. Never stores secrets, and code only as long as its job needs it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reviewer.errors import ReviewerError
from reviewer.llm.usage import Usage
from webhooks.events.deliveries import Job, Trigger
from webhooks.queue import dbos_queue
from webhooks.queue.account import StoreAccount
from webhooks.queue.answer_spool import AnswerSpool
from webhooks.queue.attempt import JobAttempt, RunStopped
from webhooks.queue.crash_record import CrashRecord
from webhooks.queue.dbos_queue import DbosQueue, QueueLimits
from webhooks.queue.job_work import CarryOut, Complete, GiveUp, JobPostponed, JobWork, ReportedFailure
from webhooks.queue.maintenance import live_workers
from webhooks.queue.overview import JobsOverview
from webhooks.queue.runner import JobRunner
from webhooks.queue.store import answer_cache, billing, job_records, leases
from webhooks.queue.store.billing import ModelTotal, RepositoryUsage
from webhooks.queue.store.database import Database, StoreUnavailable
from webhooks.queue.store.dismissals import StoredDismissal, StoredMemory
from webhooks.queue.store.job_state import JobRecord, JobState
from webhooks.queue.store.learned import LearnedDismissals
from webhooks.queue.worker import Worker, is_worked_on

__all__ = [
    "CarryOut",
    "Complete",
    "GiveUp",
    "JobAttempt",
    "JobPostponed",
    "JobRecord",
    "JobState",
    "JobWork",
    "Jobs",
    "ModelTotal",
    "NoSuchJob",
    "QueueLimits",
    "ReportedFailure",
    "RepositoryUsage",
    "RunStopped",
    "StoreUnavailable",
    "StoredDismissal",
]


class NoSuchJob(ReviewerError):
    """There is no job with that id, or not in a state in which this can be done with it."""

    exit_code = 2


class Jobs:
    """The jobs in one store. `open` before use, `close` at the end; one process has one."""

    def __init__(self, url: str, limits: QueueLimits | None = None, folder: Path | None = None) -> None:
        """Store where the jobs are: `sqlite:///PATH` or `postgresql://...`. Nothing is opened yet.

        `folder` is for answers that are not yet in a Postgres store; with SQLite they are kept beside its file.
        """
        self._database = Database(url)
        self._folder = self._database.path.parent if self._database.is_sqlite else folder
        self._limits = limits or QueueLimits()
        self._queue: DbosQueue | None = None
        self._worker: Worker | None = None
        self._process = 0

    def open(self, *, create: bool = True) -> None:
        """Connect, and create or update the tables. Raises StoreUnavailable with what to do.

        Without `create` an embedded store that is not there is one of the errors.
        """
        if not create and self._database.is_sqlite and not self._database.path.exists():
            raise StoreUnavailable(
                f"there is no store {self._database.path}: start the App first, or set REVIEWER_DATA_DIR or"
                " DATABASE_URL to what the App has"
            )
        self._database.open()
        try:
            self._database.create_tables()
            dbos_queue.migrate(self._database)
            self._queue = DbosQueue.connect(self._database)
        except BaseException:
            self._database.close()
            raise
        self._process = os.getpid()

    def close(self, grace: float = 10.0) -> None:
        """Stop working, if this process works, waiting up to `grace` seconds, and disconnect."""
        self.stop(grace)
        if self._queue is not None:
            self._queue.close()
            self._queue = None
        self._database.close()

    def accept(self, job: Job) -> bool:
        """Put the job into the store, durably. False when its delivery was accepted before: then nothing is done.

        Raises StoreUnavailable; then the job is not in the store.
        """
        delay = self._limits.debounce if job.trigger is Trigger.SYNCHRONIZE else 0.0
        with self._database.write(urgent=True) as connection:
            is_new = job_records.add(connection, job)
            if is_new and job.comment_id is not None:
                self._queued().put_arrival(connection, job)
            elif is_new:
                self._queued().put_job(connection, job, 1, delay=delay)
            return is_new

    def start_worker(self, work: JobWork, *, is_guarded: bool = False) -> None:
        """Begin to carry jobs out, in threads of this process. Returns when it works or is on standby.

        On SQLite one process works at a time; another waits until that process ends. With `is_guarded`, the process
        ends itself when a job blocks it: then whoever started it has to start it again.
        """
        spool = AnswerSpool(self._folder) if self._folder else None
        crashes = CrashRecord(self._folder, self._limits.stuck_after) if is_guarded and self._folder else None
        self._worker = Worker(JobRunner(self._database, self._queued(), work, self._limits, spool, crashes))
        self._worker.start()

    def stop(self, grace: float = 10.0) -> None:
        """Take no more jobs; give back those that wait for the model, and wait up to `grace` seconds for the others."""
        if self._worker is not None:
            self._worker.stop(grace)

    def ready(self) -> str | None:
        """Return None when jobs can be accepted (and, if this process works, carried out), else the reason."""
        if self._worker is not None and self._worker.trouble:
            return self._worker.trouble
        try:
            self._queued()
            with self._database.read() as connection:
                job_records.counts(connection)
        except StoreUnavailable as error:
            return str(error)
        return None

    @property
    def is_standby(self) -> bool:
        """Whether this process waits for another one to release the SQLite store before it works."""
        return self._worker is not None and self._worker.is_standby

    def has_worker(self) -> bool:
        """Whether some process carries out the jobs of this store. Raises StoreUnavailable."""
        if self._database.is_sqlite:
            return is_worked_on(self._database.path)
        with self._database.read() as connection:
            return bool(live_workers(connection, newer_than=self._limits.dead_after))

    def records(self, states: Sequence[JobState] = tuple(JobState), limit: int = 50) -> list[JobRecord]:
        """Return the jobs in those states, newest first. Raises StoreUnavailable."""
        with self._database.read() as connection:
            return job_records.newest(connection, states, limit)

    def record(self, job_id: str) -> JobRecord:
        """Return the job with that id (the GUID of its delivery). Raises NoSuchJob, StoreUnavailable."""
        with self._database.read() as connection:
            record = job_records.find(connection, job_id)
        if record is None:
            raise NoSuchJob(f"there is no job {job_id}; `reviewer jobs list` shows those there are")
        return record

    def beginning_with(self, text: str, limit: int = 200) -> list[JobRecord]:
        """Return the jobs whose id or key begins with the text, newest first. Raises StoreUnavailable."""
        with self._database.read() as connection:
            return job_records.beginning_with(connection, text, limit)

    def retry(self, job_id: str) -> JobRecord:
        """Queue a job again that did not end as done; only a failed job keeps its answers. Raises NoSuchJob."""
        with self._database.write() as connection:
            record = job_records.retry(connection, job_id)
            if record is not None:
                self._queued().put_job(connection, record.job, record.attempt)
                return record
        state = self.record(job_id).state
        more = "; comment `/review` on the pull request to have it reviewed again" if state is JobState.DONE else ""
        raise NoSuchJob(f"job {job_id} cannot be retried: it is {state}{more}")

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a waiting or running job: a running one makes no further call and posts nothing.

        Raises NoSuchJob, StoreUnavailable.
        """
        with self._database.write() as connection:
            record = job_records.find(connection, job_id)
            if record is not None and job_records.close(
                connection, record, JobState.CANCELLED, "cancelled by an operator"
            ):
                answer_cache.forget(connection, job_id)
                return record
        raise NoSuchJob(f"job {job_id} cannot be cancelled: it is {self.record(job_id).state}")

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs are in each state. Raises StoreUnavailable."""
        with self._database.read() as connection:
            return job_records.counts(connection)

    def totals(self) -> list[ModelTotal]:
        """Return the usage so far, by model and outcome. Raises StoreUnavailable."""
        with self._database.read() as connection:
            return billing.totals(connection)

    def repositories(self, since: float, most: int) -> list[RepositoryUsage]:
        """Return what each repository used since that time, those that cost most; the others as one.

        Raises StoreUnavailable.
        """
        with self._database.read() as connection:
            return billing.repositories(connection, since=since, most=most)

    def errors(self) -> dict[str, int]:
        """Return how many jobs failed, by the name of the error's class. Raises StoreUnavailable."""
        with self._database.read() as connection:
            return job_records.errors(connection)

    def spent(
        self,
        *,
        repository: str | None = None,
        number: int | None = None,
        job_id: str | None = None,
        since: float = 0.0,
    ) -> Usage:
        """Return what was spent since that time (seconds since 1970), for budgets.

        `repository` (`owner/name`), `number` (of the pull request) and `job_id` narrow it. `cost_usd` is None as soon
        as the price of one call is not known. Raises StoreUnavailable.
        """
        with self._database.read() as connection:
            return billing.spent(connection, repository=repository, number=number, job_id=job_id, since=since)

    @property
    def overview(self) -> JobsOverview:
        """What operators look at."""
        return JobsOverview(self._database)

    def account(self, job: Job) -> StoreAccount:
        """Return what was spent before the job, and what it may reserve."""
        return StoreAccount(self._database, job)

    def memory(self, job: Job) -> StoredMemory:
        """Return what the job knows of dismissals in its repository."""
        before = self.record(job.delivery).accepted_at
        return StoredMemory(self._database, job.repository, before, job.installation_id)

    @property
    def learned(self) -> LearnedDismissals:
        """What was learned from dismissals, to be listed and forgotten."""
        return LearnedDismissals(self._database)

    def has_head(self, pull: str, head_sha: str, base_ref: str = "") -> bool:
        """Whether there is or was an automatic job for that head of the pull request, against that base branch.

        Raises StoreUnavailable.
        """
        with self._database.read() as connection:
            return job_records.has_head(connection, pull, head_sha, base_ref)

    def take_turn(self, name: str, *, after: float) -> dict[str, Any] | None:
        """Take the turn at a task that one process of all does, at most every `after` seconds.

        Returns what `note` kept in an earlier turn (at first nothing), or None: it is too early, or another process
        had the turn. Raises StoreUnavailable.
        """
        with self._database.write() as connection:
            return leases.take_turn(connection, name, now=time.time(), after=after)

    def note(self, name: str, seen: dict[str, Any]) -> None:
        """Keep what was seen in a turn, as JSON values, for the next one. Raises StoreUnavailable."""
        with self._database.write() as connection:
            leases.note(connection, name, seen)

    def _queued(self) -> DbosQueue:
        if self._queue is None:
            raise StoreUnavailable("the store is not open")
        if os.getpid() != self._process:
            raise StoreUnavailable("the store was opened before the process forked: run gunicorn without --preload")
        return self._queue
