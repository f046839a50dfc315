"""The words for asking a model: prompt, reply, attempt, usage. Values only; nothing here makes a call.

`Ask` is the one effect of the core. A test passes a function, the command line and the Action pass
`reviewer.llm.client.Client.ask`, the server passes a durable step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reviewer.llm.errors import ModelError
from reviewer.llm.usage import Attempt, Usage


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
