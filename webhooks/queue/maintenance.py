"""Maintain the queue beside a worker's jobs: heartbeats, take-over from dead workers, lost jobs, deleting old rows.

Promises: repeats until the worker stops, whatever fails; each part is safe in several processes at once.
"""

from __future__ import annotations

import logging
import time

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.dialects import postgresql

from webhooks.queue.runner import JobRunner
from webhooks.queue.store import answer_cache, billing, dismissals, history, job_records, reservations
from webhooks.queue.store.database import WORKERS, StoreUnavailable
from webhooks.queue.store.job_state import JobRecord, JobState

_LOG = logging.getLogger("reviewer.worker")


class Maintenance:
    """The maintenance thread of one worker."""

    def __init__(self, runner: JobRunner, executor: str) -> None:
        """Store the worker's runner and its name for the engine."""
        self._runner = runner
        self._executor = executor
        self._next_cleaning = 0.0

    def register(self) -> None:
        """Write the first heartbeat. Raises StoreUnavailable."""
        if self._has_peers:
            with self._runner.database.write() as connection:
                write_heartbeat(connection, self._executor)

    def unregister(self) -> None:
        """Remove the heartbeat, so that other workers take over at once what could not be given back."""
        if not self._has_peers:
            return
        try:
            with self._runner.database.write() as connection:
                connection.execute(WORKERS.delete().where(WORKERS.c.executor == self._executor))
        except StoreUnavailable as error:
            _LOG.warning("could not remove the heartbeat: %s", error)

    def run(self) -> None:
        """Repeat until the worker stops, also while the store is away."""
        limits = self._runner.limits
        pause = min(limits.heartbeat, limits.upkeep) if self._has_peers else limits.upkeep
        while True:
            try:
                self._once()
            except Exception as error:  # noqa: BLE001 - maintenance continues whatever happens
                _LOG.warning("maintenance failed: %s: %s", type(error).__name__, error)
            if self._runner.signals.stopping.wait(pause):
                return

    @property
    def _has_peers(self) -> bool:
        """Whether other processes may work on the same store."""
        return not self._runner.database.is_sqlite

    def _once(self) -> None:
        if self._has_peers:
            self._take_over()
        if time.monotonic() >= self._next_cleaning:
            self._next_cleaning = time.monotonic() + self._runner.limits.upkeep
            self._runner.queue.mend_times(time.time())
            self._requeue_lost()
            self._clean()

    def _take_over(self) -> None:
        """Queue the work of dead executors again: the engine does so only for its own name, at launch.

        Compares with the executors that have work under way: a process that noticed a missing heartbeat may have died.
        """
        with self._runner.database.write() as connection:
            write_heartbeat(connection, self._executor)
            alive = read_heartbeats(connection, newer_than=self._runner.limits.dead_after)
        dead = self._runner.queue.running_on() - alive
        if dead:
            _LOG.warning("taking over from %s", ", ".join(sorted(dead)))
            # Private, but the only way that counts attempts; pinned to 3.4 and held by a test.
            DBOS._recover_pending_workflows(sorted(dead))  # noqa: SLF001

    def _requeue_lost(self) -> None:
        """Queue jobs again whose workflow ended without them: the store was away, or another version queued it."""
        with self._runner.database.read() as connection:
            live = job_records.live(connection, now=time.time(), older_than=self._runner.limits.lost_after)
        present = self._runner.queue.live_jobs({record.id: record.attempt for record in live})
        for record in live:
            if record.id not in present:
                self._requeue(record)

    def _requeue(self, record: JobRecord) -> None:
        withdrawn = self._runner.queue.withdraw_other_versions(record.id)
        failures = record.failures + (withdrawn == 0)
        with self._runner.database.write() as connection:
            if withdrawn:
                answer_cache.forget_unanswered(connection, record.id)
            if failures >= self._runner.limits.failures:
                job_records.close(connection, record, JobState.FAILED, "its workflow was lost too often")
                return
            attempt = job_records.requeue(connection, record, None, "its workflow was lost", failures=failures)
            if attempt is not None:
                self._runner.queue.put_job(connection, record.job, attempt)

    def _clean(self) -> None:
        """Delete rows that are too old, and free their space."""
        limits, now = self._runner.limits, time.time()
        with self._runner.database.write() as connection:
            answer_cache.forget_ended(connection, before=now - limits.keep_answers)
            job_records.delete_ended(connection, before=now - limits.keep_jobs)
            billing.delete_old(connection, before=now - limits.keep_bill)
            reservations.forget_ended(connection)
            history.forget_old(connection, before=now - limits.keep_bill)
            dismissals.forget_old(connection, before=now - limits.keep_bill)
        self._clean_engine(before=now - limits.keep_workflows)
        if self._runner.database.is_sqlite:
            with self._runner.database.write() as connection:
                # Through the driver: the pragma works one page per row that is fetched, and says that it has none.
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA incremental_vacuum(2000)").fetchall()

    def _clean_engine(self, *, before: float) -> None:
        """Delete the engine's finished workflows: the record of deliveries is in our own tables."""
        while self._runner.queue.delete_over(before=before):
            if self._runner.signals.stopping.is_set():
                return


def write_heartbeat(connection: sa.Connection, executor: str) -> None:
    """Store that the executor is alive, by the database's clock."""
    statement = postgresql.insert(WORKERS).values(executor=executor, seen=_NOW)
    connection.execute(statement.on_conflict_do_update(index_elements=["executor"], set_={"seen": _NOW}))


def read_heartbeats(connection: sa.Connection, *, newer_than: float) -> set[str]:
    """Delete executors without a heartbeat for that many seconds; return the others."""
    connection.execute(WORKERS.delete().where(WORKERS.c.seen < _NOW - newer_than))
    return set(connection.execute(sa.select(WORKERS.c.executor)).scalars())


def live_workers(connection: sa.Connection, *, newer_than: float) -> set[str]:
    """Return the executors with a heartbeat within that many seconds."""
    return set(connection.execute(sa.select(WORKERS.c.executor).where(WORKERS.c.seen >= _NOW - newer_than)).scalars())


_NOW = sa.extract("epoch", sa.func.clock_timestamp()).cast(sa.Float)
