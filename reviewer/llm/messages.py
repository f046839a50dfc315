"""The words for asking a model: prompt, reply, attempt, usage. Values only; nothing here makes a call.

`Ask` is the one effect of the core. A test passes a function, the command line and the Action pass
`reviewer.llm.client.Client.ask`, the server passes a durable step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reviewer.errors import MODEL_ERRORS, ModelError


class Task(StrEnum):
    """What a prompt asks for. The first line of its system message is `# Task: NAME`."""

    FINDINGS = "findings"
    VERIFY = "verify"
    TESTS = "tests"
    REFACTOR = "refactor"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message: `role` is `system` (first, exactly one), `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to the model.

    `messages` begins with the one system message. `max_tokens` bounds the reply, thinking included.
    """

    task: Task
    messages: tuple[Message, ...]
    max_tokens: int = 16_384
    temperature: float = 0.2

    def followed_by(self, *more: Message) -> Prompt:
        """Return the same prompt, continued: a repair turn after a reply that could not be read."""
        return Prompt(self.task, (*self.messages, *more), self.max_tokens, self.temperature)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request to the model, whatever came of it.

    `outcome` is `ok` or a `ModelError.kind`. `cost_usd` is None where the model's price is not known.
    `estimated` marks figures that are ours because the reply carried no usage.
    """

    model: str
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    seconds: float = 0.0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What a review or a reply cost. `cost_usd` is None as soon as one part of it is unknown."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        """Add two bills; an unknown price makes the sum unknown."""
        cost = None
        if self.cost_usd is not None and other.cost_usd is not None:
            cost = self.cost_usd + other.cost_usd
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            cost,
        )

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Usage:
        """Sum the attempts: each is one call."""
        total = cls()
        for one in attempts:
            total += cls(1, one.prompt_tokens, one.completion_tokens, one.cost_usd)
        return total


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answered.

    `text` is the visible answer, think blocks removed. `raw` is the assistant message as it came, to be sent
    back unchanged in a repair turn. `model` is the id the service says it served.
    """

    text: str
    raw: str = ""
    model: str = ""
    finish_reason: str = "stop"
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def usage(self) -> Usage:
        """The bill of this reply, failed attempts included."""
        return Usage.of(self.attempts)


#: A batch of prompts in, an answer for each in the same order out: a Reply, or the typed reason why there is none.
Ask = Callable[[Sequence[Prompt]], "list[Reply | ModelError]"]


def attempt_to_json(attempt: Attempt) -> dict[str, Any]:
    """Return the attempt as JSON values, for a checkpoint or a ledger."""
    return {
        "model": attempt.model,
        "outcome": attempt.outcome,
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "cost_usd": None if attempt.cost_usd is None else str(attempt.cost_usd),
        "seconds": attempt.seconds,
        "estimated": attempt.estimated,
    }


def attempt_from_json(value: dict[str, Any]) -> Attempt:
    """Return the attempt that `attempt_to_json` wrote."""
    cost = value["cost_usd"]
    return Attempt(**{**value, "cost_usd": None if cost is None else Decimal(cost)})


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """Return the prompt as JSON values, for a checkpoint."""
    return {
        "task": prompt.task.value,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
    }


def prompt_from_json(value: dict[str, Any]) -> Prompt:
    """Return the prompt that `prompt_to_json` wrote."""
    return Prompt(
        task=Task(value["task"]),
        messages=tuple(Message(one["role"], one["content"]) for one in value["messages"]),
        max_tokens=value["max_tokens"],
        temperature=value["temperature"],
    )


def prompt_digest(prompt: Prompt) -> str:
    """Return the SHA-256 of the prompt, in hexadecimal: two prompts that ask for the same have the same digest."""
    text = json.dumps(prompt_to_json(prompt), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def answer_to_json(answer: Reply | ModelError) -> dict[str, Any]:
    """Return a reply, or the reason why there is none, as JSON values: `error` holds the kind of a failure."""
    attempts = [attempt_to_json(attempt) for attempt in answer.attempts]
    if isinstance(answer, ModelError):
        return {
            "error": answer.kind,
            "message": str(answer),
            "retry_after": answer.retry_after,
            "attempts": attempts,
        }
    return {
        "text": answer.text,
        "raw": answer.raw,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "attempts": attempts,
    }


def answer_from_json(value: dict[str, Any]) -> Reply | ModelError:
    """Return what `answer_to_json` wrote. A failure of a kind that is no longer known comes back as ModelError."""
    attempts = tuple(attempt_from_json(attempt) for attempt in value["attempts"])
    if "error" in value:
        error = MODEL_ERRORS.get(value["error"], ModelError)
        return error(value["message"], attempts=attempts, retry_after=value["retry_after"])
    return Reply(value["text"], value["raw"], value["model"], value["finish_reason"], attempts)
