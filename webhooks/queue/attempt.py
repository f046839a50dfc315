"""One attempt of a job: it asks the model durably, and notices when the job is not wanted any more.

Promises: every prompt and every answer is in the store, by content, before it is used; an attempt that is not wanted
stops before its next call. Never decides how the job ends.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from reviewer.llm.errors import ModelError, ModelUnavailable
from reviewer.llm.messages import LONGEST_WAIT, Prompt, Reply, leads_of
from reviewer.llm.serialization import prompt_digest
from webhooks.queue.dbos_queue import DbosQueue
from webhooks.queue.store import answer_cache, job_records
from webhooks.queue.store.database import Database
from webhooks.queue.store.job_state import JobRecord, JobState
from webhooks.telemetry.spans import step

#: Seconds between two queries while waiting: answers that other processes store are found only by querying.
_QUERY_PAUSE = 0.5

#: Every how many queries a wait checks for calls that ended without an answer.
_CHECK_EVERY = 20


class RunStopped(BaseException):
    """The job must not go on: superseded, cancelled, taken over, or the process is stopping.

    Like KeyboardInterrupt not an Exception, so that no code between `ask` and the engine handles it as a failure.
    """


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a run must stop, and the new state of its job; None: another run has the job now."""

    reason: str
    becomes: JobState | None = None


@dataclass(slots=True)
class WorkerSignals:
    """Signals between the threads of one worker: an answer arrived, or the worker stops."""

    stopping: threading.Event = field(default_factory=threading.Event)
    _bells: dict[str, threading.Event] = field(default_factory=dict)

    def tell(self, job_id: str) -> None:
        """Wake the thread that waits for answers of that job; the others need not query."""
        if bell := self._bells.get(job_id):
            bell.set()

    def stop(self) -> None:
        """Signal that the worker stops."""
        self.stopping.set()
        for bell in list(self._bells.values()):
            bell.set()

    @contextmanager
    def bell(self, job_id: str) -> Iterator[threading.Event]:
        """Give an event that is set when an answer of the job arrives."""
        bell = self._bells[job_id] = threading.Event()
        try:
            yield bell
        finally:
            if self._bells.get(job_id) is bell:
                del self._bells[job_id]


class JobAttempt:
    """One attempt of a job under way: its `ask` and its `is_wanted`."""

    def __init__(
        self, database: Database, queue: DbosQueue, signals: WorkerSignals, record: JobRecord, owner: str
    ) -> None:
        """Store the job and the worker. `stop_reason` is set once the job is not wanted any more."""
        self._database = database
        self._queue = queue
        self._signals = signals
        self._record = record
        self._owner = owner
        self.stop_reason: StopReason | None = None

    @property
    def is_repeated(self) -> bool:
        """Whether the job was begun before: then some of its work may be done."""
        return self._record.attempt > 1 or self._record.starts > 1

    @property
    def waited(self) -> float:
        """Seconds since the job was accepted."""
        return time.time() - self._record.accepted_at

    def is_wanted(self) -> bool:
        """Whether the job shall still be carried out: False once it is superseded or cancelled; then post nothing.

        Raises RunStopped when another run has the job: then do nothing at all.
        """
        if self.stop_reason is None:
            with self._database.read() as connection:
                self.stop_reason = self._read_stop_reason(connection)
        if self.stop_reason is not None and self.stop_reason.becomes is None:
            raise RunStopped
        return self.stop_reason is None

    def check(self) -> None:
        """Raise RunStopped when the job is not wanted any more."""
        if not self.is_wanted():
            raise RunStopped

    def ask(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Ask all prompts in parallel and return the answers in order. Raises RunStopped.

        Each answer is stored when it arrives: for the same prompt, this job gets the same reply again at no cost. Of
        three or more prompts that begin alike, one goes ahead: the others follow after its answer or LONGEST_WAIT.
        """
        self.check()
        digests = [prompt_digest(prompt) for prompt in prompts]
        leads = leads_of(prompts)
        with step("ask the model", reviewer__prompts=len(prompts)), self._signals.bell(self._record.id) as bell:
            if leads:
                self._put({digests[place]: prompt for place, prompt in enumerate(prompts) if place not in leads})
                self._wait({digests[lead] for lead in leads.values()}, bell, seconds=LONGEST_WAIT)
            self._put(dict(zip(digests, prompts, strict=True)))
            found = self._wait(set(digests), bell)
        return [found[digest] for digest in digests]

    def _put(self, prompts: dict[str, Prompt]) -> None:
        """Store the prompts by their digests, and queue those that are not answered or under way."""
        job_id, attempt = self._record.id, self._record.attempt
        prepared = answer_cache.packed_prompts(prompts)
        with self._database.write() as connection:
            due = answer_cache.put(connection, job_id, attempt, prepared)
            self._queue.put_calls(connection, job_id, attempt, due)

    def _wait(
        self, digests: set[str], bell: threading.Event, *, seconds: float = math.inf
    ) -> dict[str, Reply | ModelError]:
        """Wait for these answers, or so many seconds, and return those that are there."""
        found: dict[str, Reply | ModelError] = {}
        queries = 0
        deadline = time.monotonic() + seconds
        while True:
            bell.clear()
            with self._database.read() as connection:
                found |= answer_cache.known_answers(connection, self._record.id, digests - found.keys())
                if len(found) == len(digests):
                    return found
                self.stop_reason = self.stop_reason or self._read_stop_reason(connection)
            self.check()
            if self._signals.stopping.is_set():
                raise RunStopped
            queries += 1
            if queries % _CHECK_EVERY == 0:
                self._answer_lost_calls()
            if (left := deadline - time.monotonic()) <= 0:
                return found
            bell.wait(min(_QUERY_PAUSE, left))

    def _answer_lost_calls(self) -> None:
        """Store an error for calls that the engine lost, so that no job waits for ever: the job is then retried."""
        job_id = self._record.id
        with self._database.read() as connection:
            under_way = answer_cache.under_way(connection, job_id)
        none = answer_cache.packed(ModelUnavailable("the call ended without an answer"))
        lost = under_way.keys() - self._queue.live_calls(job_id, under_way)
        with self._database.write() as connection:
            for digest in lost:
                # Does nothing where the answer arrived in the meantime.
                answer_cache.answer(connection, job_id, digest, none)

    def _read_stop_reason(self, connection: sa.Connection) -> StopReason | None:
        state, owner = job_records.job_state(connection, self._record.id)
        if state is JobState.CANCELLED:
            return StopReason("cancelled by an operator", state)
        if owner != self._owner:
            return StopReason("taken over")
        newer = job_records.superseding(connection, self._record.job)
        return None if newer is None else StopReason(f"superseded by {newer}", JobState.SUPERSEDED)
