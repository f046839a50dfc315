"""The words for asking a model: prompt, reply, attempt, usage. Values only; nothing here makes a call.

`Ask` is the one effect of the core. A test passes a function, the command line and the Action pass
`reviewer.minimax.Client.ask`, the server passes a durable step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reviewer.errors import ModelError


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
