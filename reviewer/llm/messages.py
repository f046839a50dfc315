"""The values for asking a model: messages, prompts, replies. Nothing here makes a call.

`Ask` is the only effect of the core. Tests pass a function, the command line and the Action pass
`reviewer.llm.client.Client.ask`, the server passes a durable step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reviewer.llm.errors import ModelError
from reviewer.llm.usage import Attempt, Usage


class Task(StrEnum):
    """What a prompt asks for. The line `# Task: NAME` stands in the last user message, behind the change."""

    FINDINGS = "findings"
    VERIFY = "verify"
    TESTS = "tests"
    REFACTOR = "refactor"
    ASK = "ask"
    EDIT = "edit"
    PROVE = "prove"
    FIX = "fix"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message: `role` is `system` (first, exactly one), `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to the model.

    The first of `messages` is the only system message. `max_tokens` limits the reply, thinking included. `may_look_up`
    allows the model to ask once for code instead of answering; the task then says how. `model` is the
    fallback model to begin with, empty for the configured one.
    """

    task: Task
    messages: tuple[Message, ...]
    max_tokens: int = 16_384
    temperature: float = 0.2
    may_look_up: bool = False
    model: str = ""

    def followed_by(self, *more: Message) -> Prompt:
        """Return the prompt with more messages: for example a repair turn after an unreadable reply."""
        return replace(self, messages=(*self.messages, *more))


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's answer.

    `text` is the visible answer without think blocks. `raw` is the assistant message as received, to be sent back
    unchanged in a repair turn. `model` is the id of the model that the service reports. `fallback` is the model that
    may be asked next if the reply cannot be read.
    """

    text: str
    raw: str = ""
    model: str = ""
    finish_reason: str = "stop"
    attempts: tuple[Attempt, ...] = field(default=())
    fallback: str = ""

    @property
    def usage(self) -> Usage:
        """The usage of this reply, failed attempts included."""
        return Usage.of(self.attempts)


#: Takes a batch of prompts and returns an answer for each, in the same order: a Reply or a typed error.
Ask = Callable[[Sequence[Prompt]], "list[Reply | ModelError]"]
