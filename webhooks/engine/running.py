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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reviewer.asking import Ask, Prompt, Reply, prompt_digest
from reviewer.errors import ModelError, ModelUnavailable, ReviewerError
from webhooks.deliveries import Job
from webhooks.engine import answers, ledger, records
from webhooks.engine.database import Database, StoreUnavailable
from webhooks.engine.queue import Limits, Queue
from webhooks.engine.records import Record, State

_LOG = logging.getLogger("reviewer.jobs")

#: How long a wait for answers looks away at most, in seconds: answers of other processes are found by looking.
_GLANCE = 0.25

#: How often a wait looks for calls that ended without an answer, in glances.
_GLANCES_TO_CHECK = 40

_T = TypeVar("_T")

#: A reason is for a list on a terminal.
_LONGEST_REASON = 500


class Stopped(BaseException):
    """The job must not go on: superseded, cancelled, taken over, or the process is stopping.

    Like KeyboardInterrupt not an Exception, so that nobody between `ask` and the engine takes it for a failure.
    """


#: Carries out a job from the top; returns what there is to know of it, as JSON values. `wanted` turns False when the
#: job is superseded or cancelled: then nothing must be posted any more.
CarryOut = Callable[[Job, Ask, Callable[[], bool]], dict[str, Any]]

#: Asks the model once; raises ModelError.
Complete = Callable[[Prompt], Reply]

#: Tells people that a job is given up, and why.
GiveUp = Callable[[Job, str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is given to do its work with. `give_up` is called once, before a job is put on the failed list."""

    carry_out: CarryOut
    complete: Complete
    give_up: GiveUp | None = None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Why a run must stop, and what its job becomes; None: that is another run's business now."""

    reason: str
    becomes: State | None = None


class PoisonJob(ReviewerError):
    """The job brings its workers down: it is given up."""


@dataclass(slots=True)
class Runner:
    """Carries out jobs and calls for the engine. `stopping` is set when the process ends; then jobs are handed over."""

    database: Database
    queue: Queue
    work: Work
    limits: Limits
    stopping: threading.Event = field(default_factory=threading.Event)
    answered: threading.Condition = field(default_factory=threading.Condition)

    def job(self, job_id: str, attempt: int) -> str:
        """Carry out one attempt of a job and return how it ended."""
        owner = secrets.token_hex(8)
        record = self._patiently(lambda: self._begin(job_id, attempt, owner))
        if record is None:
            return "over"
        _LOG.info("job begins", extra={"job": record.id, "key": record.key, "attempt": attempt})
        ending = self._carried_out(record, owner)
        _LOG.info("job ends", extra={"job": record.id, "key": record.key, "ending": ending})
        return ending

    def call(self, job_id: str, digest: str) -> str:
        """Make one call to the model, store its answer and its bill, and return how it ended."""
        asked = self._patiently(lambda: self._asked(job_id, digest))
        if asked is None:
            return "over"
        job, prompt = asked
        answer = self._complete(prompt)

        def store() -> None:
            with self.database.write() as connection:
                answers.answer(connection, job_id, digest, answer)
                ledger.enter(connection, job, prompt, answer)

        self._patiently(store)
        with self.answered:
            self.answered.notify_all()
        return answer.kind if isinstance(answer, ModelError) else "ok"

    def stop(self) -> None:
        """Hand over what waits for answers; what is under way besides runs on."""
        self.stopping.set()
        with self.answered:
            self.answered.notify_all()

    def _begin(self, job_id: str, attempt: int, owner: str) -> Record | None:
        """Mark the attempt as running; None when it has had its turn, or must leave its place to others."""
        with self.database.write() as connection:
            record = records.find(connection, job_id)
            if record is None or record.attempt != attempt or record.state.is_final:
                return None
            if records.running_beside(connection, record) < self.limits.jobs_per_installation:
                return records.begin(connection, job_id, attempt, owner)
            again = records.requeue(
                connection, record, None, "waits for others of its installation", failures=record.failures
            )
            if again is not None:
                self.queue.put_job(connection, record.job, again, delay=_jitter(2.0, 10.0))
            return None

    def _asked(self, job_id: str, digest: str) -> tuple[Job, Prompt] | None:
        with self.database.read() as connection:
            prompt = answers.prompt_to_ask(connection, job_id, digest)
            record = records.find(connection, job_id)
        return None if prompt is None or record is None else (record.job, prompt)

    def _complete(self, prompt: Prompt) -> Reply | ModelError:
        try:
            return self.work.complete(prompt)
        except ModelError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever it is, the job that waits must hear of it
            _LOG.error("call failed unexpectedly: %s", _where(error))
            return ModelUnavailable(f"the call failed unexpectedly: {_where(error)}")

    def _carried_out(self, record: Record, owner: str) -> str:
        run = Run(self, record, owner)
        try:
            self._refuse_poison(record)
            run.check()
            result = self.work.carry_out(record.job, run.ask, run.wanted)
        except Stopped:
            return self._stopped(record, owner, run.unwanted)
        except Exception as error:  # noqa: BLE001 - the engine's edge: every failure becomes a state with a reason
            return self._failed(record, owner, error)
        if run.unwanted is not None:
            return self._stopped(record, owner, run.unwanted)
        return self._end(record, owner, State.DONE, "", result)

    def _refuse_poison(self, record: Record) -> None:
        if record.starts > self.limits.starts:
            raise PoisonJob(f"it brought its worker down {self.limits.starts} times")

    def _stopped(self, record: Record, owner: str, unwanted: Unwanted | None) -> str:
        """End a run that did not come to its end: it is not wanted any more, or its worker stops."""
        if unwanted is None:
            return self._hand_back(record, owner, "its worker stopped")
        if unwanted.becomes is None:
            return unwanted.reason
        return self._end(record, owner, unwanted.becomes, unwanted.reason, None)

    def _failed(self, record: Record, owner: str, error: Exception) -> str:
        """Queue the job again when the failure may pass, else put it on the failed list."""
        reason = _reason(error)
        _LOG.warning("job failed: %s", reason, extra={"job": record.id, "key": record.key})
        failures = record.failures + 1
        # An OSError is the network or the disk: it may pass.
        if getattr(error, "retryable", isinstance(error, OSError)) and failures < self.limits.failures:
            delay = self._backoff(failures, getattr(error, "retry_after", None))
            return self._hand_back(record, owner, reason, delay=delay, failures=failures)
        self._give_up(record, reason)
        return self._end(record, owner, State.FAILED, reason, None)

    def _backoff(self, failures: int, retry_after: float | None) -> float:
        """Return the wait before the next attempt: growing, with jitter, and never shorter than what was asked for."""
        delay = self.limits.backoff * 4.0 ** (failures - 1) * _jitter(0.5, 1.5)
        return min(max(delay, retry_after or 0.0), self.limits.longest_backoff)

    def _give_up(self, record: Record, reason: str) -> None:
        # Whatever brought the worker down may be this very call: tell once, not for ever.
        if self.work.give_up is None or record.starts > self.limits.starts + 1:
            return
        try:
            self.work.give_up(record.job, reason)
        except Exception as error:  # noqa: BLE001 - the job failed already; its reason must still be stored
            _LOG.warning("could not tell that the job failed: %s", _reason(error), extra={"job": record.id})

    def _hand_back(
        self, record: Record, owner: str, reason: str, *, delay: float = 0.0, failures: int | None = None
    ) -> str:
        """Queue the job again, for any worker."""

        def requeue() -> bool:
            with self.database.write() as connection:
                count = record.failures if failures is None else failures
                attempt = records.requeue(connection, record, owner, reason, failures=count)
                if attempt is not None:
                    self.queue.put_job(connection, record.job, attempt, delay=delay)
                return attempt is not None

        return "queued again" if self._patiently(requeue) else "taken over"

    def _end(self, record: Record, owner: str, state: State, reason: str, result: dict[str, Any] | None) -> str:
        def end() -> bool:
            with self.database.write() as connection:
                ended = records.end(connection, record.id, owner, state, reason, result)
                # A failed job keeps its answers for a while: an operator's retry does not pay for them again.
                if ended and state is not State.FAILED:
                    answers.forget(connection, record.id)
                return ended

        return state.value if self._patiently(end) else "taken over"

    def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do it, again and again while the store is away: what was paid for must be written down."""
        while True:
            try:
                return act()
            except StoreUnavailable as error:
                _LOG.warning("waiting for the store: %s", error)
                if self.stopping.wait(1.0):
                    raise


class Run:
    """One attempt of a job under way: its `ask` and its `wanted`."""

    def __init__(self, runner: Runner, record: Record, owner: str) -> None:
        """Store what the run is about. `unwanted` is set once the job is not wanted any more."""
        self._runner = runner
        self._record = record
        self._owner = owner
        self.unwanted: Unwanted | None = None

    def wanted(self) -> bool:
        """Whether the job shall still be carried out; when not, never again."""
        if self.unwanted is None:
            self.unwanted = self._look()
        return self.unwanted is None

    def check(self) -> None:
        """Raise Stopped when the job is not wanted any more."""
        if not self.wanted():
            raise Stopped

    def ask(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Have every prompt asked, in parallel, and return the answers in order. Raises Stopped.

        Each answer is stored when it comes: asked again with the same prompt, this job gets the same reply, at no cost.
        """
        self.check()
        by_digest = {prompt_digest(prompt): prompt for prompt in prompts}
        job_id, attempt = self._record.id, self._record.attempt
        with self._runner.database.write() as connection:
            due = answers.put(connection, job_id, attempt, by_digest)
            self._runner.queue.put_calls(connection, job_id, attempt, due)
        found = self._wait(set(by_digest))
        return [found[prompt_digest(prompt)] for prompt in prompts]

    def _wait(self, digests: set[str]) -> dict[str, Reply | ModelError]:
        found: dict[str, Reply | ModelError] = {}
        glances = 0
        while True:
            with self._runner.database.read() as connection:
                found |= answers.given(connection, self._record.id, digests - found.keys())
            if len(found) == len(digests):
                return found
            self.check()
            if self._runner.stopping.is_set():
                raise Stopped
            glances += 1
            if glances % _GLANCES_TO_CHECK == 0:
                self._mend()
            with self._runner.answered:
                self._runner.answered.wait(_GLANCE)

    def _mend(self) -> None:
        """Give calls that the engine lost an answer, so that nobody waits for ever: the job is then tried again."""
        job_id = self._record.id
        with self._runner.database.read() as connection:
            under_way = answers.under_way(connection, job_id)
        lost = under_way.keys() - self._runner.queue.live_calls(job_id, under_way)
        with self._runner.database.write() as connection:
            for digest in lost:
                # Does nothing where the answer came between the two looks.
                answers.answer(connection, job_id, digest, ModelUnavailable("the call ended without an answer"))

    def _look(self) -> Unwanted | None:
        with self._runner.database.read() as connection:
            if not records.holds(connection, self._record.id, self._owner):
                return Unwanted("taken over")
            newer = records.superseding(connection, self._record.job)
        return None if newer is None else Unwanted(f"superseded by {newer}", State.SUPERSEDED)


def _jitter(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads load, guards nothing


def _reason(error: Exception) -> str:
    """Say what happened, for an operator: our own errors in their words, any other by name and place.

    The words of other errors may quote what they choked on, and that may be code.
    """
    known = isinstance(error, ReviewerError) or hasattr(error, "retryable")
    return (f"{type(error).__name__}: {error}" if known else _where(error))[:_LONGEST_REASON]


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
