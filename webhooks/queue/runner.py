"""Carry out one job, or make one model call: the functions behind the engine's workflows.

Promises: a job that crashes at any moment is begun again from the top, and finds the answers that were paid for; a job
that is superseded, cancelled or taken over stops before its next call; a transient failure is retried later, any other
ends the job with its reason. This is the one place that catches every exception.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from reviewer.llm.errors import ModelError, ModelUnavailable
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.serialization import prompt_digest
from webhooks.events.deliveries import Job, Trigger
from webhooks.queue.answer_spool import AnswerSpool
from webhooks.queue.attempt import JobAttempt, RunStopped, StopReason, WorkerSignals
from webhooks.queue.crash_record import CrashRecord
from webhooks.queue.dbos_queue import DbosQueue, QueueLimits, jitter
from webhooks.queue.job_work import JobPostponed, JobWork, PoisonJob, ReportedFailure, WorkTooLong, place_of, reason_of
from webhooks.queue.store import answer_cache, billing, job_records
from webhooks.queue.store.answer_cache import Packed
from webhooks.queue.store.database import Database, StoreUnavailable
from webhooks.queue.store.job_state import JobRecord, JobState
from webhooks.queue.work_time import WorkInterrupted, WorkTime
from webhooks.telemetry.work_spans import call_span, job_span, tell_answer, tell_ending

_LOG = logging.getLogger("reviewer.jobs")

#: Seconds that a job waits which a stopping worker gives back: until that worker takes no more jobs.
_HANDOVER = 2.0
_T = TypeVar("_T")


@dataclass(slots=True)
class JobRunner:
    """Carries out jobs and model calls for the engine. Safe for threads."""

    database: Database
    queue: DbosQueue
    work: JobWork
    limits: QueueLimits
    spool: AnswerSpool | None = None
    crashes: CrashRecord | None = None
    work_time: WorkTime = field(default_factory=WorkTime)
    signals: WorkerSignals = field(default_factory=WorkerSignals)
    _running: set[tuple[str, object]] = field(default_factory=set)
    _suspect: str | None = None
    _suspecting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> list[str]:
        """Return the ids of the jobs that run, or for which a call runs."""
        return sorted({job_id for job_id, _ in list(self._running)})

    def job(self, job_id: str, attempt: int) -> str:
        """Carry out one attempt of a job and return how it ended."""
        try:
            with self._busy(job_id, attempt):
                return self._job(job_id, attempt)
        finally:
            if self._suspect == job_id:
                self._suspect = None

    def call(self, job_id: str, digest: str) -> str:
        """Make one call to the model, store its answer and its cost, and return how it ended."""
        with self._busy(job_id, digest):
            return self._call(job_id, digest)

    def stop(self) -> None:
        """Give back the jobs that wait for answers; everything else runs on."""
        self.signals.stop()

    @contextmanager
    def _busy(self, job_id: str, part: object) -> Iterator[None]:
        self._running.add((job_id, part))
        try:
            yield
        finally:
            self._running.discard((job_id, part))

    def _job(self, job_id: str, attempt: int) -> str:
        owner = secrets.token_hex(8)
        record = self._retry_while_store_is_away(lambda: self._begin(job_id, attempt, owner))
        if record is None:
            return "over"
        with job_span(self.work.tracer, record) as span:
            _LOG.info("job begins", extra={"job": record.id, "key": record.key, "attempt": attempt})
            ending = self._carried_out(record, owner)
            _LOG.info("job ends", extra={"job": record.id, "key": record.key, "ending": ending})
            tell_ending(span, ending, failed=ending == JobState.FAILED.value)
        return ending

    def _call(self, job_id: str, digest: str) -> str:
        asked = self._retry_while_store_is_away(lambda: self._asked(job_id, digest))
        if asked is None:
            return "over"
        record, prompt = asked
        job = record.job
        with call_span(self.work.tracer, record, prompt) as span:
            answer = self._complete(prompt)
            tell_answer(span, answer)
        packed = answer_cache.packed(answer)
        kept = self.spool if isinstance(answer, Reply) else None
        if kept is not None:
            kept.keep(job_id, digest, packed)
        self._retry_while_store_is_away(lambda: self._store(job, prompt, answer, packed))
        if kept is not None:
            kept.stored()
        self.signals.tell(job_id)
        return answer.kind if isinstance(answer, ModelError) else "ok"

    def found(self, job_id: str, digest: str, packed: Packed) -> None:
        """Store an answer that a killed process left in its spool, if its job still needs it."""
        asked = self._asked(job_id, digest)
        if asked is not None:
            self._store(asked[0].job, asked[1], answer_cache.unpacked(packed), packed)

    def _store(self, job: Job, prompt: Prompt, answer: Reply | ModelError, packed: Packed) -> None:
        with self.database.write(urgent=True) as connection:  # the answer is paid for
            answer_cache.answer(connection, job.delivery, prompt_digest(prompt), packed)
            billing.enter(connection, job, prompt, answer)

    def _begin(self, job_id: str, attempt: int, owner: str) -> JobRecord | None:
        """Mark the attempt as running; None when it is outdated, or has to wait for other jobs."""
        with self.database.write() as connection:
            record = job_records.find(connection, job_id)
            if record is None or record.attempt != attempt or record.state.is_final:
                return None
            if (same := job_records.same_before(connection, record)) is not None:
                job_records.close(connection, record, JobState.SUPERSEDED, f"the same head is reviewed by job {same}")
                return None
            reason = self._must_wait(connection, record)
            if reason is None:
                return job_records.begin(connection, job_id, attempt, owner)
            if record.reason.startswith(job_records.CRASHED):  # a suspect that waits stays one
                reason = f"{job_records.CRASHED}; {reason}"
            again = job_records.requeue(
                connection, record, None, reason, failures=record.failures, starts=record.starts
            )
            if again is not None:
                self.queue.put_job(connection, record.job, again, delay=self.limits.crowd_wait * jitter(0.5, 1.5))
            return None

    def _must_wait(self, connection: sa.Connection, record: JobRecord) -> str | None:
        """Return why the job may not begin now, or None."""
        is_short = record.stored["trigger"] == Trigger.MERGE_GROUP.value  # and a queue waits for it
        if not is_short and job_records.running_beside(connection, record) >= self.limits.jobs_per_installation:
            return "waits for other jobs of its installation"
        if record.starts * 2 >= self.limits.starts and not self._is_only_suspect(record.id):
            return "waits for another job that was running when a worker died"
        return None

    def _is_only_suspect(self, job_id: str) -> bool:
        """Run jobs that repeatedly crashed their worker one at a time, to identify the culprit."""
        with self._suspecting:
            self._suspect = self._suspect or job_id
            return self._suspect == job_id

    def _asked(self, job_id: str, digest: str) -> tuple[JobRecord, Prompt] | None:
        with self.database.read() as connection:
            prompt = answer_cache.prompt_to_ask(connection, job_id, digest)
            record = job_records.find(connection, job_id)
        return None if prompt is None or record is None else (record, prompt)

    def _complete(self, prompt: Prompt) -> Reply | ModelError:
        try:
            return self.work.complete(prompt)
        except ModelError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the job that waits must get an answer, whatever failed
            _LOG.error("call failed unexpectedly: %s", place_of(error))
            return ModelUnavailable(f"the call failed unexpectedly: {place_of(error)}")

    def _carried_out(self, record: JobRecord, owner: str) -> str:
        run = JobAttempt(self.database, self.queue, self.signals, record, owner)
        try:
            self._refuse_poison(record)
            run.check()
            with self._watched(record.id):
                result = self.work.carry_out(record.job, run)
        except WorkInterrupted:
            return self._failed(record, owner, WorkTooLong(self.limits.work_seconds))
        except RunStopped:
            return self._stopped(record, owner, run.stop_reason)
        except Exception as error:  # noqa: BLE001 - every failure becomes a state with a reason
            return self._failed(record, owner, error)
        if run.stop_reason is not None:
            return self._stopped(record, owner, run.stop_reason)
        return self._end(record, owner, JobState.DONE, "", result)

    @contextmanager
    def _watched(self, job_id: str) -> Iterator[None]:
        """Bound the job's own work, and remember that it runs, should the process die of it."""
        if self.crashes is not None:
            self.crashes.begin(job_id)
        try:
            with self.work_time.limited(self.limits.work_seconds):
                yield
        finally:
            if self.crashes is not None:
                self.crashes.end(job_id)

    def suspect(self, job_ids: list[str]) -> None:
        """Remember that these jobs ran when their worker crashed or was blocked: the second time, a job is given up."""
        with self.database.write() as connection:
            job_records.suspect(connection, job_ids, weight=self.limits.starts // 2 - 1, most=self.limits.starts)

    def _refuse_poison(self, record: JobRecord) -> None:
        if record.starts > self.limits.starts and record.reason.startswith(job_records.CRASHED):
            raise PoisonJob("it crashed or blocked its worker twice, so it is not tried again")
        if record.starts > self.limits.starts:
            raise PoisonJob(f"it crashed its worker {self.limits.starts} times")

    def _stopped(self, record: JobRecord, owner: str, stop: StopReason | None) -> str:
        """End a run that was stopped: its job is not wanted any more, or its worker stops."""
        if stop is None:
            return self._hand_back(record, owner, "its worker stopped", delay=_HANDOVER)
        if stop.becomes is None:
            return "taken over"
        return self._end(record, owner, stop.becomes, stop.reason, None)

    def _failed(self, record: JobRecord, owner: str, error: Exception) -> str:
        """Queue the job again after a transient failure, else mark it as failed."""
        reason = reason_of(error)
        if isinstance(error, JobPostponed):
            return self._hand_back(record, owner, str(error), delay=error.seconds)
        _LOG.warning("job failed: %s", reason, extra={"job": record.id, "key": record.key})
        failures = record.failures + 1
        # An OSError comes from the network or the disk, and may be transient.
        if getattr(error, "retryable", isinstance(error, OSError)) and failures < self.limits.failures:
            delay = self.limits.delay_after(failures, getattr(error, "retry_after", None))
            return self._hand_back(record, owner, reason, delay=delay, failures=failures)
        if not isinstance(error, ReportedFailure):
            self._give_up(record, reason)
        useless = isinstance(error, ReportedFailure) and error.answers_are_useless
        kind = {"error": getattr(error, "kind", type(error).__name__)}
        return self._end(record, owner, JobState.FAILED, reason, kind, keep_answers=not useless)

    def _give_up(self, record: JobRecord, reason: str) -> None:
        # The crash may come from this very call: report once, not for ever.
        if self.work.give_up is None or record.starts > self.limits.starts + 1:
            return
        try:
            self.work.give_up(record.job, reason)
        except Exception as error:  # noqa: BLE001 - the job failed already, and its reason must still be stored
            _LOG.warning("could not report that the job failed: %s", reason_of(error), extra={"job": record.id})

    def _hand_back(
        self, record: JobRecord, owner: str, reason: str, *, delay: float = 0.0, failures: int | None = None
    ) -> str:
        """Queue the job again, for any worker."""

        def requeue() -> bool:
            with self.database.write() as connection:
                count = record.failures if failures is None else failures
                attempt = job_records.requeue(connection, record, owner, reason, failures=count)
                if attempt is not None:
                    self.queue.put_job(connection, record.job, attempt, delay=delay)
                return attempt is not None

        return "queued again" if self._retry_while_store_is_away(requeue) else "taken over"

    def _end(
        self,
        record: JobRecord,
        owner: str,
        state: JobState,
        reason: str,
        result: dict[str, Any] | None,
        *,
        keep_answers: bool = False,
    ) -> str:
        def end() -> bool:
            with self.database.write() as connection:
                ended = job_records.end(connection, record.id, owner, state, reason, result)
                # A failed job keeps its answers for a while: an operator's retry does not pay for them again.
                if ended and not keep_answers:
                    answer_cache.forget(connection, record.id)
                return ended

        return state.value if self._retry_while_store_is_away(end) else "taken over"

    def _retry_while_store_is_away(self, act: Callable[[], _T]) -> _T:
        """Retry until the store is back: answers that were paid for must be stored."""
        while True:
            try:
                return act()
            except StoreUnavailable as error:
                _LOG.warning("waiting for the store: %s", error)
                if self.signals.stopping.wait(1.0):
                    raise
