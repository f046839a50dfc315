"""The engine's queues: add a job or a model call, read what is queued, delete what is over.

Promises: a job or call that is added twice is queued once; adding is part of the caller's transaction. The
engine's rows hold ids only: no code, no secrets, and JSON instead of pickles, so that they survive a change of classes.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatusString

from webhooks.events.deliveries import Job
from webhooks.queue.store.database import Database, store_errors

#: The name under which the engine keeps our workflows.
APPLICATION = "reviewer"

#: The engine runs only workflows of its own version, by default a hash of the source: with each deploy all running jobs
#: would be stuck. So it is constant; raise it only when the arguments of a workflow change. Jobs of the old version are
#: then withdrawn and queued again (`Maintenance`), with the answers that were paid for.
APPLICATION_VERSION = "1"

#: The engine counts starts in whole seconds on SQLite before Python 3.12: a window of 60 may be one short.
_MINUTE = 61.0

#: By how many seconds the clocks of machines on one store may differ.
_SKEW = 10.0

ARRIVALS = "arrivals"
REVIEWS = "reviews"
CALLS = "calls"

_RUNNING = WorkflowStatusString.PENDING.value
_LIVE = [WorkflowStatusString.ENQUEUED.value, WorkflowStatusString.DELAYED.value, _RUNNING]
_OVER = [status.value for status in WorkflowStatusString if status.value not in _LIVE]


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much at once, and how often again. Times are in seconds.

    Per worker process: `parallel_jobs`, and `parallel_arrivals` of comments, which are looked at beside them. Across
    all processes: `jobs_per_installation`, so that one busy organisation leaves room for the others (those above wait
    about `crowd_wait` and look again); `parallel_calls` and `calls_per_minute` to the model (MiniMax allows 200 to 500
    requests a minute and slows down above about ten at once). `debounce` is how long a push waits for the next one.
    `failures` is how often a job may fail for a passing reason, with waits of about `backoff`, four times that, and so
    on, up to `longest_backoff`. `starts` is how often an attempt may begin: each begin but the first is a worker
    that died; from half of that on it runs beside no other such job, so that no other job is blamed for it.
    A job's own work, which is neither waiting nor asking, may take `work_seconds` of processor time an attempt. A
    worker that cannot run Python for `stuck_after` ends itself, and each of its jobs has one more try.
    `job_poll` and `call_poll` are how often a worker looks for work. On Postgres, a worker gives a sign of life
    each `heartbeat` and counts as dead after `dead_after`. Ended jobs are kept for `keep_jobs`, prompts of failed
    ones for `keep_answers`, the bill for `keep_bill`, the engine's own rows for `keep_workflows` (more than a
    minute, or they do not count for `calls_per_minute`); `upkeep` is the time between two clearings. A job accepted
    more than `lost_after` ago that the engine does not know was lost, and is queued again.
    """

    parallel_jobs: int = 16
    parallel_arrivals: int = 8
    jobs_per_installation: int = 8
    crowd_wait: float = 5.0
    parallel_calls: int = 10
    calls_per_minute: int = 180
    debounce: float = 5.0
    failures: int = 6
    backoff: float = 15.0
    longest_backoff: float = 3600.0
    starts: int = 20
    work_seconds: float = 60.0
    stuck_after: float = 20.0
    job_poll: float = 0.5
    call_poll: float = 0.2
    heartbeat: float = 5.0
    dead_after: float = 40.0
    keep_jobs: float = 30 * 86_400.0
    keep_answers: float = 86_400.0
    keep_bill: float = 400 * 86_400.0
    keep_workflows: float = 600.0
    lost_after: float = 60.0
    upkeep: float = 60.0

    def delay_after(self, failures: int, retry_after: float | None) -> float:
        """Return the seconds before the next attempt: growing, with jitter, and at least what GitHub asked for."""
        delay = self.backoff * 4.0 ** (failures - 1) * jitter(0.5, 1.5)
        return min(max(delay, retry_after or 0.0), self.longest_backoff)


def jitter(low: float, high: float) -> float:
    """Return a number between the two, so that not everything happens at once."""
    return random.uniform(low, high)  # noqa: S311 - spreads load, guards nothing


def migrate(database: Database) -> None:
    """Create or update the engine's own tables. Safe in several processes at once."""
    # It logs every step of the migration, and advertises its hosted service.
    logging.getLogger("dbos").setLevel(logging.WARNING)
    with store_errors():
        DBOS.migrate(database.url)


class DbosQueue:
    """The engine's queues. `close` closes the client; the database is the caller's."""

    def __init__(self, client: DBOSClient) -> None:
        """Store the client; see `connect`."""
        self._client = client

    @classmethod
    def connect(cls, database: Database) -> DbosQueue:
        """Return the queues in that database, which must be open and migrated. Raises StoreUnavailable."""
        with store_errors():
            return cls(
                DBOSClient(
                    system_database_engine=database.engine,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name=APPLICATION,
                    retry_connection_errors=False,
                )
            )

    def close(self) -> None:
        """Close the client."""
        self._client.destroy()

    def register(self, limits: QueueLimits) -> None:
        """Store the limits where every worker reads them, before it is launched."""
        self._client.register_queue(
            ARRIVALS, worker_concurrency=limits.parallel_arrivals, polling_interval_sec=limits.call_poll
        )
        self._client.register_queue(
            REVIEWS,
            partition_concurrency=1,
            worker_concurrency=limits.parallel_jobs,
            polling_interval_sec=limits.job_poll,
        )
        self._client.register_queue(
            CALLS,
            global_concurrency=limits.parallel_calls,
            limiter={"limit": limits.calls_per_minute, "period": _MINUTE},
            polling_interval_sec=limits.call_poll,
        )

    def put_arrival(self, connection: sa.Connection, job: Job) -> None:
        """Add the look at a comment that comes before its job: it waits for no other job."""
        options = self._options(ARRIVALS, f"arrival:{job.delivery}")
        self._client.enqueue_in_transaction(connection, options, job.delivery)

    def put_job(self, connection: sa.Connection, job: Job, attempt: int, *, delay: float = 0.0) -> None:
        """Add an attempt of the job, to be taken after `delay` seconds. Jobs of one pull request run one by one."""
        options = self._options(REVIEWS, _job_workflow(job.delivery, attempt), delay=delay)
        options["queue_partition_key"] = job.pull
        self._client.enqueue_in_transaction(connection, options, job.delivery, attempt)

    def put_calls(self, connection: sa.Connection, job_id: str, attempt: int, digests: list[str]) -> None:
        """Add model calls. The first call of each job comes before the second of any, so a large job blocks none."""
        for place, digest in enumerate(digests, start=1):
            options = self._options(CALLS, _call_workflow(job_id, attempt, digest))
            options["priority"] = place
            self._client.enqueue_in_transaction(connection, options, job_id, digest)

    def live_jobs(self, attempts: dict[str, int]) -> set[str]:
        """Return those of the jobs (id -> attempt) whose workflow waits or runs."""
        ids = {_job_workflow(job_id, attempt): job_id for job_id, attempt in attempts.items()}
        return {ids[workflow] for workflow in self._live(list(ids))}

    def live_calls(self, job_id: str, attempts: dict[str, int]) -> set[str]:
        """Return those of the job's calls (digest -> attempt) whose workflow waits or runs."""
        ids = {_call_workflow(job_id, attempt, digest): digest for digest, attempt in attempts.items()}
        return {ids[workflow] for workflow in self._live(list(ids))}

    def withdraw_other_versions(self, job_id: str) -> int:
        """Cancel the job's workflows of another version; return how many.

        This version does not carry them out, but they would count for the limits for ever.
        """
        with store_errors():
            found = self._client.list_workflows(
                workflow_id_prefix=[_job_workflow(job_id, ""), f"call:{job_id}:"],
                status=_LIVE,
                load_input=False,
                load_output=False,
            )
            old = [workflow.workflow_id for workflow in found if workflow.app_version != APPLICATION_VERSION]
            if old:
                self._client.cancel_workflows(old)
        return len(old)

    def running_on(self) -> set[str]:
        """Return the executors that have work under way, dead or alive."""
        with store_errors():
            running = self._client.list_workflows(status=_RUNNING, load_input=False, load_output=False)
        return {workflow.executor_id for workflow in running if workflow.executor_id}

    def delete_over(self, *, before: float, limit: int = 500) -> int:
        """Delete workflows that were over before that time (seconds since 1970), oldest first; return how many."""
        with store_errors():
            over = self._client.list_workflows(
                status=_OVER,
                completed_before=datetime.fromtimestamp(before, UTC).isoformat(),
                limit=limit,
                load_input=False,
                load_output=False,
            )
            ids = [workflow.workflow_id for workflow in over]
            if ids:
                self._client.delete_workflows(ids)
        return len(ids)

    def mend_times(self, now: float) -> None:
        """Correct times in the future, after a clock was put back; `now` is in seconds since 1970.

        Delayed workflows would wait until then, and calls that ended then would count for this minute.
        """
        future = datetime.fromtimestamp(now + _SKEW, UTC).isoformat()
        with store_errors():
            delayed = self._client.list_workflows(
                status=WorkflowStatusString.DELAYED.value, start_time=future, load_input=False, load_output=False
            )
            for workflow in delayed:
                self._client.set_workflow_delay(workflow.workflow_id, delay_seconds=0.0)
            over = self._client.list_workflows(
                status=_OVER, completed_after=future, limit=500, load_input=False, load_output=False
            )
            if over:
                self._client.delete_workflows([workflow.workflow_id for workflow in over])

    def _live(self, workflows: list[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(workflows), 500):
            with store_errors():
                statuses = self._client.list_workflows(
                    workflow_ids=workflows[start : start + 500],
                    status=_LIVE,
                    app_version=APPLICATION_VERSION,
                    load_input=False,
                    load_output=False,
                )
            found |= {status.workflow_id for status in statuses}
        return found

    def _options(self, queue: str, workflow: str, *, delay: float = 0.0) -> EnqueueOptions:
        options: EnqueueOptions = {
            "workflow_name": queue,
            "queue_name": queue,
            "workflow_id": workflow,
            "app_version": APPLICATION_VERSION,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        return options


def _job_workflow(job_id: str, attempt: int | str) -> str:
    return f"job:{job_id}:{attempt}"


def _call_workflow(job_id: str, attempt: int, digest: str) -> str:
    return f"call:{job_id}:{attempt}:{digest}"
