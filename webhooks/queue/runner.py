"""One job carried out, one call made: what the engine's workflows do.

Promises: a job that crashes at any instant is begun again from the top, and finds the answers that were paid for; a
job that is superseded, cancelled or taken over stops before its next call; a failure that may pass is tried again
later, any other ends the job with its reason. This is the one place that catches everything.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError, ModelUnavailable
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.serialization import prompt_digest
from webhooks.events.deliveries import Job
from webhooks.queue import answer_cache, billing, job_records
from webhooks.queue.answer_cache import Packed
from webhooks.queue.answer_spool import AnswerSpool
from webhooks.queue.attempt import JobAttempt, RunStopped, StopReason, WorkerSignals
from webhooks.queue.database import Database, StoreUnavailable
from webhooks.queue.dbos_queue import DbosQueue, QueueLimits
from webhooks.queue.job_records import JobRecord, JobState

_LOG = logging.getLogger("reviewer.jobs")

#: How long a job that a stopping worker gives back waits, in seconds: until that worker takes no more.
_HANDOVER = 2.0

_T = TypeVar("_T")

#: A reason is for a list on a terminal.
_LONGEST_REASON = 500


#: Carries out a job from the top and returns what there is to know of it, as JSON values.
CarryOut = Callable[[Job, JobAttempt], dict[str, Any]]

#: Asks the model once; raises ModelError.
Complete = Callable[[Prompt], Reply]

#: Tells people that a job is given up, and why. Not called after ToldFailure.
GiveUp = Callable[[Job, str], None]


@dataclass(frozen=True, slots=True)
class JobWork:
    """What a worker is given to do its work with. `give_up` is called once, before a job is put on the failed list."""

    carry_out: CarryOut
    complete: Complete
    give_up: GiveUp | None = None


class ToldFailure(ReviewerError):
    """The job failed and people were told so already: it goes on the failed list, and no more is said."""


class PoisonJob(ReviewerError):
    """The job brings its workers down: it is given up."""


@dataclass(slots=True)
class JobRunner:
    """Carries out jobs and calls for the engine, in as many threads as it likes."""

    database: Database
    queue: DbosQueue
    work: JobWork
    limits: QueueLimits
    spool: AnswerSpool | None = None
    signals: WorkerSignals = field(default_factory=WorkerSignals)
    _under_way: set[tuple[str, object]] = field(default_factory=set)
    _suspect: str | None = None
    _suspecting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_busy(self) -> bool:
        """Whether a job or a call is under way."""
        return bool(self._under_way)

    def job(self, job_id: str, attempt: int) -> str:
        """Carry out one attempt of a job and return how it ended."""
        try:
            with self._busy(job_id, attempt):
                return self._job(job_id, attempt)
        finally:
            if self._suspect == job_id:
                self._suspect = None

    def call(self, job_id: str, digest: str) -> str:
        """Make one call to the model, store its answer and its bill, and return how it ended."""
        with self._busy(job_id, digest):
            return self._call(job_id, digest)

    def stop(self) -> None:
        """Hand over what waits for answers; what is under way besides runs on."""
        self.signals.stop()

    @contextmanager
    def _busy(self, job_id: str, part: object) -> Iterator[None]:
        self._under_way.add((job_id, part))
        try:
            yield
        finally:
            self._under_way.discard((job_id, part))

    def _job(self, job_id: str, attempt: int) -> str:
        owner = secrets.token_hex(8)
        record = self._patiently(lambda: self._begin(job_id, attempt, owner))
        if record is None:
            return "over"
        _LOG.info("job begins", extra={"job": record.id, "key": record.key, "attempt": attempt})
        ending = self._carried_out(record, owner)
        _LOG.info("job ends", extra={"job": record.id, "key": record.key, "ending": ending})
        return ending

    def _call(self, job_id: str, digest: str) -> str:
        asked = self._patiently(lambda: self._asked(job_id, digest))
        if asked is None:
            return "over"
        job, prompt = asked
        answer = self._complete(prompt)
        packed = answer_cache.packed(answer)
        kept = self.spool if isinstance(answer, Reply) else None
        if kept is not None:
            kept.keep(job_id, digest, packed)
        self._patiently(lambda: self._store(job, prompt, answer, packed))
        if kept is not None:
            kept.stored()
        self.signals.tell(job_id)
        return answer.kind if isinstance(answer, ModelError) else "ok"

    def found(self, job_id: str, digest: str, packed: Packed) -> None:
        """Store an answer that a killed process left in its spool, if its job still waits for it."""
        asked = self._asked(job_id, digest)
        if asked is not None:
            self._store(*asked, answer_cache.unpacked(packed), packed)

    def _store(self, job: Job, prompt: Prompt, answer: Reply | ModelError, packed: Packed) -> None:
        # Urgent: what waits is paid for.
        with self.database.write(urgent=True) as connection:
            answer_cache.answer(connection, job.delivery, prompt_digest(prompt), packed)
            billing.enter(connection, job, prompt, answer)

    def _begin(self, job_id: str, attempt: int, owner: str) -> JobRecord | None:
        """Mark the attempt as running; None when it has had its turn, or must leave its place to others."""
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
            again = job_records.requeue(
                connection, record, None, reason, failures=record.failures, starts=record.starts
            )
            if again is not None:
                self.queue.put_job(connection, record.job, again, delay=self.limits.crowd_wait * _jitter(0.5, 1.5))
            return None

    def _must_wait(self, connection: sa.Connection, record: JobRecord) -> str | None:
        """Return why the job may not begin now, or None."""
        if job_records.running_beside(connection, record) >= self.limits.jobs_per_installation:
            return "waits for others of its installation"
        if record.starts * 2 >= self.limits.starts and not self._is_only_suspect(record.id):
            return "waits for another that was running when a worker died"
        return None

    def _is_only_suspect(self, job_id: str) -> bool:
        """Claim the one place for a job that saw its worker die often: side by side, one would condemn all."""
        with self._suspecting:
            self._suspect = self._suspect or job_id
            return self._suspect == job_id

    def _asked(self, job_id: str, digest: str) -> tuple[Job, Prompt] | None:
        with self.database.read() as connection:
            prompt = answer_cache.prompt_to_ask(connection, job_id, digest)
            record = job_records.find(connection, job_id)
        return None if prompt is None or record is None else (record.job, prompt)

    def _complete(self, prompt: Prompt) -> Reply | ModelError:
        try:
            return self.work.complete(prompt)
        except ModelError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever it is, the job that waits must hear of it
            _LOG.error("call failed unexpectedly: %s", _where(error))
            return ModelUnavailable(f"the call failed unexpectedly: {_where(error)}")

    def _carried_out(self, record: JobRecord, owner: str) -> str:
        run = JobAttempt(self.database, self.queue, self.signals, record, owner)
        try:
            self._refuse_poison(record)
            run.check()
            result = self.work.carry_out(record.job, run)
        except RunStopped:
            return self._stopped(record, owner, run.stop_reason)
        except Exception as error:  # noqa: BLE001 - the engine's edge: every failure becomes a state with a reason
            return self._failed(record, owner, error)
        if run.stop_reason is not None:
            return self._stopped(record, owner, run.stop_reason)
        return self._end(record, owner, JobState.DONE, "", result)

    def _refuse_poison(self, record: JobRecord) -> None:
        if record.starts > self.limits.starts:
            raise PoisonJob(f"it brought its worker down {self.limits.starts} times")

    def _stopped(self, record: JobRecord, owner: str, unwanted: StopReason | None) -> str:
        """End a run that did not come to its end: it is not wanted any more, or its worker stops."""
        if unwanted is None:
            return self._hand_back(record, owner, "its worker stopped", delay=_HANDOVER)
        if unwanted.becomes is None:
            return "taken over"
        return self._end(record, owner, unwanted.becomes, unwanted.reason, None)

    def _failed(self, record: JobRecord, owner: str, error: Exception) -> str:
        """Queue the job again when the failure may pass, else put it on the failed list."""
        reason = _reason(error)
        _LOG.warning("job failed: %s", reason, extra={"job": record.id, "key": record.key})
        failures = record.failures + 1
        # An OSError is the network or the disk: it may pass.
        if getattr(error, "retryable", isinstance(error, OSError)) and failures < self.limits.failures:
            delay = self._backoff(failures, getattr(error, "retry_after", None))
            return self._hand_back(record, owner, reason, delay=delay, failures=failures)
        if not isinstance(error, ToldFailure):
            self._give_up(record, reason)
        return self._end(record, owner, JobState.FAILED, reason, None)

    def _backoff(self, failures: int, retry_after: float | None) -> float:
        """Return the wait before the next attempt: growing, with jitter, and never shorter than what was asked for."""
        delay = self.limits.backoff * 4.0 ** (failures - 1) * _jitter(0.5, 1.5)
        return min(max(delay, retry_after or 0.0), self.limits.longest_backoff)

    def _give_up(self, record: JobRecord, reason: str) -> None:
        # Whatever brought the worker down may be this very call: tell once, not for ever.
        if self.work.give_up is None or record.starts > self.limits.starts + 1:
            return
        try:
            self.work.give_up(record.job, reason)
        except Exception as error:  # noqa: BLE001 - the job failed already; its reason must still be stored
            _LOG.warning("could not tell that the job failed: %s", _reason(error), extra={"job": record.id})

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

        return "queued again" if self._patiently(requeue) else "taken over"

    def _end(self, record: JobRecord, owner: str, state: JobState, reason: str, result: dict[str, Any] | None) -> str:
        def end() -> bool:
            with self.database.write() as connection:
                ended = job_records.end(connection, record.id, owner, state, reason, result)
                # A failed job keeps its answers for a while: an operator's retry does not pay for them again.
                if ended and state is not JobState.FAILED:
                    answer_cache.forget(connection, record.id)
                return ended

        return state.value if self._patiently(end) else "taken over"

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do it, again and again while the store is away: what was paid for must be written down."""
        while True:
            try:
                return act()
            except StoreUnavailable as error:
                _LOG.warning("waiting for the store: %s", error)
                if self.signals.stopping.wait(1.0):
                    raise


def _jitter(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads load, guards nothing


def _reason(error: Exception) -> str:
    """Say what happened, for an operator: our own errors in their words, any other by name and place.

    The words of other errors may quote what they choked on, and that may be code.
    """
    known = isinstance(error, ReviewerError) or hasattr(error, "retryable")
    if isinstance(error, ToldFailure):
        return str(error)[:_LONGEST_REASON]
    return (f"{type(error).__name__}: {error}" if known else _where(error))[:_LONGEST_REASON]


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
