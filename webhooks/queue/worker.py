"""Work on the queues in this process: launch the engine, hold the SQLite lock or keep the heartbeat, and stop.

Promises: on SQLite one process works at a time, another waits and says so; on Postgres any number work, and the jobs of
a dead process continue elsewhere within a minute. A stop gives back the jobs that can be given back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from webhooks.queue import dbos_queue
from webhooks.queue.dbos_queue import QueueLimits
from webhooks.queue.job_work import place_of
from webhooks.queue.maintenance import Maintenance
from webhooks.queue.runner import JobRunner
from webhooks.queue.store import job_records
from webhooks.queue.store.database import Database
from webhooks.queue.store.job_state import JobState

_LOG = logging.getLogger("reviewer.worker")

#: One process at a time works on a SQLite file, so work that is found under this name belongs to a dead process.
_SQLITE_EXECUTOR = "sqlite-worker"

#: The engine's own limit of starts, far above ours: we give a job up first, with a reason.
_ENGINE_STARTS = 200


#: Seconds between two looks at the jobs that run.
_WATCH_PAUSE = 0.5


class Worker:
    """The worker of a process. `start` once, `stop` once."""

    def __init__(self, runner: JobRunner) -> None:
        """Store the runner."""
        self._runner = runner
        self._lock: IO[str] | None = None
        self._threads: list[threading.Thread] = []
        self._launched = threading.Event()
        self._maintenance: Maintenance | None = None
        self.trouble: str | None = None

    @property
    def is_standby(self) -> bool:
        """Whether it waits for another process to release the SQLite file."""
        return not self._launched.is_set() and self.trouble is None

    def start(self) -> None:
        """Begin to take work; where another process has the SQLite file, when that process ends."""
        if self._take_lock():
            self._launch()
        else:
            _LOG.warning("another process works on %s; waiting until it ends", self._database.path)
            self._spawn("reviewer-standby", self._stand_by)
        self._spawn("reviewer-farewell", self._follow_main_thread)

    def stop(self, grace: float) -> None:
        """Take no more work, give back the jobs that wait for answers, and wait up to `grace` seconds for the rest."""
        if self._runner.signals.stopping.is_set():
            return
        running = self._runner.running
        if running:
            ids = ", ".join(running[:5]) + (f" and {len(running) - 5} more" if len(running) > 5 else "")
            count = "1 job" if len(running) == 1 else f"{len(running)} jobs"
            _LOG.warning("stopping: waiting up to %.0f s for %s: %s", grace, count, ids)
        self._runner.stop()
        if self._launched.is_set():
            # The engine looks each second whether its work is over: ask it to wait only when there is some.
            timeout = max(1, round(grace)) if self._runner.running else 0
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=timeout)
        if self._runner.spool is not None:
            self._runner.spool.close()
        if self._runner.crashes is not None:
            self._runner.crashes.close()
        if self._maintenance is not None:
            self._maintenance.unregister()
        for thread in self._threads:
            if thread is not threading.current_thread() and thread.name != "reviewer-farewell":
                thread.join(timeout=5.0)
        # While a thread still works, no other process may: then the lock goes with the process.
        if self._lock is not None and not self._runner.running:
            self._lock.close()

    @property
    def _database(self) -> Database:
        return self._runner.database

    @property
    def _limits(self) -> QueueLimits:
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
            path = _lock_of(self._database.path)
            path.touch(mode=0o600)
            self._lock = path.open("a", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _stand_by(self) -> None:
        while not self._runner.signals.stopping.wait(1.0):
            if self._take_lock():
                _LOG.warning("the other process ended; working")
                try:
                    self._launch()
                except Exception as error:  # noqa: BLE001 - nothing above a thread would handle it; /readyz reports it
                    self.trouble = f"the engine could not start: {error}"
                    _LOG.error("%s", self.trouble)
                return

    def _launch(self) -> None:
        executor = _SQLITE_EXECUTOR if self._database.is_sqlite else f"{platform.node()}-{os.urandom(4).hex()}"
        # Before the launch: other workers take the jobs of an executor without a heartbeat.
        self._maintenance = Maintenance(self._runner, executor)
        self._maintenance.register()
        self._register_workflows()
        config: DBOSConfig = {
            "name": dbos_queue.APPLICATION,
            "system_database_url": self._database.url,
            "executor_id": executor,
            "application_version": dbos_queue.APPLICATION_VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "run_migrations": False,
            "max_executor_threads": self._limits.parallel_jobs + self._limits.parallel_calls + 32,
            "sys_db_pool_size": 10,  # with ours 24 a process: a Postgres server takes 100 by default
            "scheduler_polling_interval_sec": 3600.0,  # we have no schedules
        }
        if self._database.is_sqlite:
            config["system_database_engine"] = self._database.engine
        if self._runner.crashes is not None:
            self._runner.crashes.open(self._runner.suspect)
        if self._runner.spool is not None:
            self._runner.spool.open(self._runner.found)
        self._runner.queue.register(self._limits)
        DBOS(config=config)
        DBOS.launch()
        self._launched.set()
        self._spawn("reviewer-upkeep", self._maintenance.run)
        self._spawn("reviewer-watch", self._watch)

    def _watch(self) -> None:
        """Interrupt jobs whose own work takes too long, and show the system that Python still runs."""
        while not self._runner.signals.stopping.wait(_WATCH_PAUSE):
            self._runner.work_time.interrupt()
            if self._runner.crashes is not None:
                self._runner.crashes.alive()

    def _register_workflows(self) -> None:
        runner = self._runner

        @DBOS.workflow(name=dbos_queue.REVIEWS, max_recovery_attempts=_ENGINE_STARTS)
        def review(job_id: str, attempt: int) -> str:
            return runner.job(job_id, attempt)

        @DBOS.workflow(name=dbos_queue.ARRIVALS, max_recovery_attempts=_ENGINE_STARTS)
        def arrival(job_id: str) -> str:
            return look_at_arrival(runner, job_id)

        @DBOS.workflow(name=dbos_queue.CALLS, max_recovery_attempts=_ENGINE_STARTS)
        def call(job_id: str, digest: str) -> str:
            return runner.call(job_id, digest)

    def _follow_main_thread(self) -> None:
        """Stop when the program ends: a server's main thread returns at SIGTERM, and then waits for our threads."""
        threading.main_thread().join()
        self.stop(grace=10.0)


def is_worked_on(store: Path) -> bool:
    """Whether a process works on that SQLite file: it holds the lock as long as it lives."""
    try:
        with _lock_of(store).open(encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock_of(store: Path) -> Path:
    return Path(f"{store}.worker.lock")


def look_at_arrival(runner: JobRunner, job_id: str) -> str:
    """Look at the comment of a job that was accepted, and queue the job or end it; return what was done.

    It waits for no other job, so that a busy worker acknowledges a command as fast as an idle one, and whoever may not
    give one delays nothing. Where the look fails, the job is queued all the same: it looks again before it works.
    """
    with runner.database.read() as connection:
        record = job_records.find(connection, job_id)
    if record is None or record.state is not JobState.QUEUED or record.attempt != 1:
        return "over"
    reason = ""
    try:
        reason = runner.work.admit(record.job) if runner.work.admit else ""
    except Exception as error:  # noqa: BLE001 - whatever failed, the job itself looks again
        _LOG.warning("could not look at a comment: %s", place_of(error), extra={"job": record.id, "key": record.key})
    with runner.database.write(urgent=True) as connection:
        if reason:
            job_records.close(connection, record, JobState.DONE, reason)
        else:
            runner.queue.put_job(connection, record.job, record.attempt)
    _LOG.info("comment looked at", extra={"job": record.id, "key": record.key, "reason": reason})
    return reason or "queued"
