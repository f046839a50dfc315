"""Jobs and a worker whose work each test sets; the jobs and prompts that the tests use."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reviewer.asking import Ask, Attempt, Message, Prompt, Reply, Task
from webhooks.commands import Command
from webhooks.deliveries import Job, Trigger
from webhooks.jobs import Jobs, Limits, Record, Run, Work

QUICK = Limits(job_poll=0.05, call_poll=0.05, debounce=0.6, backoff=0.05, failures=3, upkeep=0.2)

numbers = itertools.count(1)


def eventually(condition: Callable[[], Any], what: str, within: float = 15.0) -> Any:
    """Wait until the condition holds and return its value; fail with `what` after so many seconds."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        threading.Event().wait(0.02)
    return value


def automatic(
    head: str = "a",
    *,
    number: int | None = None,
    updated: str = "2026-01-01T00:00:00Z",
    trigger: Trigger = Trigger.OPENED,
    installation: int | None = None,
) -> Job:
    number = number or next(numbers)
    sha = head * 40
    return Job(
        key=f"octo/hello#{number}@{sha}",
        repository="octo/hello",
        number=number,
        trigger=trigger,
        delivery=str(uuid.uuid4()),
        head_sha=sha,
        installation_id=installation,
        updated_at=updated,
    )


def command(*, number: int | None = None) -> Job:
    number = number or next(numbers)
    return Job(
        key=f"octo/hello#{number}@head+1",
        repository="octo/hello",
        number=number,
        trigger=Trigger.COMMAND,
        delivery=str(uuid.uuid4()),
        command=Command.REVIEW,
        comment_id=1,
    )


def prompt(text: str) -> Prompt:
    return Prompt(Task.FINDINGS, (Message("system", f"# Task: findings\n{text}"),))


class Desk:
    """Jobs and a worker whose work each test sets: `carry_out` by delivery, `complete` by a word in the prompt."""

    def __init__(self, url: str, limits: Limits = QUICK) -> None:
        self.jobs = Jobs(url, limits)
        self.asked: Counter[str] = Counter()
        self.carried: Counter[str] = Counter()
        self.given_up: dict[str, str] = {}
        self._work: dict[str, Callable[[Job, Ask, Callable[[], bool]], dict[str, Any]]] = {}
        self._answers: dict[str, Callable[[], Reply]] = {}

    def on(self, job: Job, work: Callable[[Job, Ask, Callable[[], bool]], dict[str, Any]]) -> Job:
        self._work[job.delivery] = work
        return job

    def answering(self, text: str, answer: Callable[[], Reply]) -> None:
        self._answers[text] = answer

    def work(self) -> Work:
        return Work(self._carry_out, self._complete, lambda job, reason: self.given_up.update({job.delivery: reason}))

    def ended(self, job: Job, within: float = 15.0) -> Record:
        record = eventually(
            lambda: (found := self.jobs.record(job.delivery)).state.is_final and found, f"the end of {job.key}", within
        )
        assert isinstance(record, Record)
        return record

    def _carry_out(self, job: Job, run: Run) -> dict[str, Any]:
        self.carried[job.delivery] += 1
        return self._work.get(job.delivery, lambda *_: {})(job, run.ask, run.wanted)

    def _complete(self, prompt: Prompt) -> Reply:
        text = prompt.messages[0].content.split("\n")[1]
        self.asked[text] += 1
        if text in self._answers:
            return self._answers[text]()
        return Reply(f"re: {text}", attempts=(Attempt("MiniMax-M2.1", "ok", 100, 10, Decimal("0.000021")),))
