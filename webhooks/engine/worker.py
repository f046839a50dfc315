"""A process that takes jobs off the queues: launching the engine, its one lock or its heartbeat, clearing up, stopping.

Promises: on SQLite one process works at a time, another waits and says so; on Postgres any number work, and the jobs of
one that died go on elsewhere within a minute. A stop hands over what can be handed over.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy.dialects import postgresql

from webhooks.engine import answers, ledger, queue, records
from webhooks.engine.database import WORKERS, Database, StoreUnavailable
from webhooks.engine.queue import Limits
from webhooks.engine.records import Record, State
from webhooks.engine.running import Runner

_LOG = logging.getLogger("reviewer.worker")

#: One process at a time works on a SQLite file, so what is left behind under this name is always a dead one's.
_SQLITE_EXECUTOR = "sqlite-worker"

#: The engine's own count of begins, far above ours: it must not give a job up before we do, with a reason.
_ENGINE_STARTS = 200

#: The engine counts starts in whole seconds on SQLite before Python 3.12: a window of 60 may be one short.
_MINUTE = 61.0

#: A job's workflow that is not in the engine although its row is live for so long (seconds) was lost.
_LOST_AFTER = 60.0


class Worker:
    """The working half of a process. `start` once, `stop` once."""

    def __init__(self, runner: Runner) -> None:
        """Store what does the work."""
        self._runner = runner
        self._lock: IO[str] | None = None
        self._threads: list[threading.Thread] = []
        self._launched = threading.Event()
        self._executor = ""
        self.trouble: str | None = None

    @property
    def is_standby(self) -> bool:
        """Whether it waits for another process to let go of the SQLite file."""
        return not self._launched.is_set() and self.trouble is None

    def start(self) -> None:
        """Begin to take work; where another process has the SQLite file, as soon as that one ends."""
        if self._take_lock():
            self._launch()
        else:
            _LOG.warning("another process works on %s; waiting for it to end", self._database.path)
            self._spawn("reviewer-standby", self._stand_by)
        self._spawn("reviewer-farewell", self._follow_main_thread)

    def stop(self, grace: float) -> None:
        """Take no more work, hand over what waits for answers, and wait up to `grace` seconds for the rest."""
        if self._runner.stopping.is_set():
            return
        self._runner.stop()
        if self._launched.is_set():
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=max(1, round(grace)))
            self._say_goodbye()
        for thread in self._threads:
            if thread is not threading.current_thread() and thread.name != "reviewer-farewell":
                thread.join(timeout=5.0)
        if self._lock is not None:
            self._lock.close()

    @property
    def _database(self) -> Database:
        return self._runner.database

    @property
    def _limits(self) -> Limits:
        return self._runner.limits

    def _spawn(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _take_lock(self) -> bool:
        """Take the one lock of a SQLite file; the system releases it however this process ends."""
        if not self._database.is_sqlite:
            return True
        if self._lock is None:
            path = Path(f"{self._database.path}.worker.lock")
            self._lock = path.open("a", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _stand_by(self) -> None:
        while not self._runner.stopping.wait(1.0):
            if self._take_lock():
                _LOG.warning("the other process ended; working")
                try:
                    self._launch()
                except Exception as error:  # noqa: BLE001 - a thread has nobody above it: /readyz tells
                    self.trouble = f"the engine could not start: {error}"
                    _LOG.error("%s", self.trouble)
                return

    def _launch(self) -> None:
        self._executor = (
            _SQLITE_EXECUTOR if self._database.is_sqlite else f"{socket.gethostname()}-{os.urandom(4).hex()}"
        )
        if not self._database.is_sqlite:
            # Before the launch: a peer takes the jobs of an executor that gives no sign of life.
            self._give_sign_of_life()
        self._register_workflows()
        config: DBOSConfig = {
            "name": queue.APPLICATION,
            "system_database_url": self._database.url,
            "executor_id": self._executor,
            "application_version": queue.APPLICATION_VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "run_migrations": False,
            "max_executor_threads": self._limits.parallel_jobs + self._limits.parallel_calls + 32,
            "sys_db_pool_size": 20,
            "scheduler_polling_interval_sec": 3600.0,  # we have no schedules
        }
        if self._database.is_sqlite:
            config["system_database_engine"] = self._database.engine
        DBOS(config=config)
        DBOS.launch()
        self._register_queues()
        self._launched.set()
        self._spawn("reviewer-upkeep", self._upkeep)

    def _register_workflows(self) -> None:
        runner = self._runner

        @DBOS.workflow(name=queue.REVIEWS, max_recovery_attempts=_ENGINE_STARTS)
        def review(job_id: str, attempt: int) -> str:
            return runner.job(job_id, attempt)

        @DBOS.workflow(name=queue.CALLS, max_recovery_attempts=_ENGINE_STARTS)
        def call(job_id: str, digest: str) -> str:
            return runner.call(job_id, digest)

    def _register_queues(self) -> None:
        DBOS.register_queue(
            queue.REVIEWS,
            partition_concurrency=1,
            worker_concurrency=self._limits.parallel_jobs,
            polling_interval_sec=self._limits.job_poll,
        )
        DBOS.register_queue(
            queue.CALLS,
            global_concurrency=self._limits.parallel_calls,
            limiter={"limit": self._limits.calls_per_minute, "period": _MINUTE},
            polling_interval_sec=self._limits.call_poll,
        )

    def _follow_main_thread(self) -> None:
        """Stop when the program ends: a server's main thread returns at SIGTERM, and then waits for ours for ever."""
        threading.main_thread().join()
        self.stop(grace=10.0)

    def _upkeep(self) -> None:
        Upkeep(self._runner, self._executor).run()

    def _give_sign_of_life(self) -> None:
        with self._database.write() as connection:
            give_sign_of_life(connection, self._executor)

    def _say_goodbye(self) -> None:
        """Let peers take over at once what could not be handed over."""
        if self._database.is_sqlite:
            return
        try:
            with self._database.write() as connection:
                connection.execute(WORKERS.delete().where(WORKERS.c.executor == self._executor))
        except StoreUnavailable as error:
            _LOG.warning("could not say goodbye: %s", error)


class Upkeep:
    """What a worker does besides: signs of life, taking over from the dead, finding what was lost, clearing up."""

    def __init__(self, runner: Runner, executor: str) -> None:
        """Store whose upkeep it is."""
        self._runner = runner
        self._executor = executor
        self._next_clearing = 0.0

    def run(self) -> None:
        """Keep on until the worker stops. The store being away is waited out."""
        limits = self._runner.limits
        pause = limits.upkeep if self._runner.database.is_sqlite else limits.heartbeat
        while True:
            try:
                self._once()
            except Exception as error:  # noqa: BLE001 - upkeep goes on whatever happens; the next round may be better
                _LOG.warning("upkeep failed: %s: %s", type(error).__name__, error)
            if self._runner.stopping.wait(min(pause, limits.upkeep)):
                return

    def _once(self) -> None:
        if not self._runner.database.is_sqlite:
            self._take_over()
        if time.monotonic() >= self._next_clearing:
            self._next_clearing = time.monotonic() + self._runner.limits.upkeep
            self._requeue_lost()
            self._clear()

    def _take_over(self) -> None:
        """Queue the work of dead executors again: the engine does so only for its own name, at launch.

        Looks at who has work under way, not at whose sign of life went out: whoever saw that may have died since.
        """
        with self._runner.database.write() as connection:
            give_sign_of_life(connection, self._executor)
            alive = signs_of_life(connection, newer_than=self._runner.limits.dead_after)
        dead = self._runner.queue.running_on() - alive
        if dead:
            _LOG.warning("taking over from %s", ", ".join(sorted(dead)))
            # Private, but the only way that counts attempts; pinned to 3.4 and held by a test.
            DBOS._recover_pending_workflows(sorted(dead))  # noqa: SLF001

    def _requeue_lost(self) -> None:
        """Queue jobs again whose workflow ended without them: the store went away at the wrong moment."""
        with self._runner.database.read() as connection:
            live = records.live(connection, accepted_before=time.time() - _LOST_AFTER)
        present = self._runner.queue.live_jobs({record.id: record.attempt for record in live})
        for record in live:
            if record.id not in present:
                self._requeue(record)

    def _requeue(self, record: Record) -> None:
        failures = record.failures + 1
        with self._runner.database.write() as connection:
            if failures >= self._runner.limits.failures:
                records.close(connection, record, State.FAILED, "its workflow was lost, again and again")
                return
            attempt = records.requeue(connection, record, None, "its workflow was lost", failures=failures)
            if attempt is not None:
                self._runner.queue.put_job(connection, record.job, attempt)

    def _clear(self) -> None:
        """Delete what is kept no longer and give the space back."""
        limits, now = self._runner.limits, time.time()
        with self._runner.database.write() as connection:
            answers.forget_ended(connection, before=now - limits.keep_answers)
            records.delete_ended(connection, before=now - limits.keep_jobs)
            ledger.delete_old(connection, before=now - limits.keep_bill)
        # Ours is the record of deliveries, so the engine's may go; but not while they count for the limit per minute.
        while self._runner.queue.delete_over(before=now - 600.0) and not self._runner.stopping.is_set():
            pass
        if self._runner.database.is_sqlite:
            with self._runner.database.write() as connection:
                # Through the driver: the pragma works one page per row that is fetched, and says that it has none.
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA incremental_vacuum(2000)").fetchall()


def give_sign_of_life(connection: sa.Connection, executor: str) -> None:
    """Write down that the executor is alive, by the database's clock."""
    statement = postgresql.insert(WORKERS).values(executor=executor, seen=_NOW)
    connection.execute(statement.on_conflict_do_update(index_elements=["executor"], set_={"seen": _NOW}))


def signs_of_life(connection: sa.Connection, *, newer_than: float) -> set[str]:
    """Forget the executors without a sign of life for that many seconds; return the others."""
    connection.execute(WORKERS.delete().where(WORKERS.c.seen < _NOW - newer_than))
    return set(connection.execute(sa.select(WORKERS.c.executor)).scalars())


_NOW = sa.extract("epoch", sa.func.clock_timestamp()).cast(sa.Float)
