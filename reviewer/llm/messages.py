"""The values for asking a model: messages, prompts, replies, and which prompt goes ahead. Nothing here makes a call.

`Ask` is the only effect of the core. Tests pass a function, the command line and the Action pass
`reviewer.llm.client.Client.ask`, the server passes a durable step.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
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


#: How hosts say why the model ended, in OpenAI's words. What is not named here stays as it is: the answer may be cut.
_FINISH_REASONS = {
    "end_turn": "stop", "stop_sequence": "stop", "eos": "stop", "eos_token": "stop", "completed": "stop",
    "max_tokens": "length", "max_output_tokens": "length", "model_length": "length", "token_limit": "length",
    "safety": "content_filter", "sensitive": "content_filter", "prohibited_content": "content_filter",
    "blocklist": "content_filter", "recitation": "content_filter", "refusal": "content_filter",
    "network_error": "error", "insufficient_system_resource": "error", "abort": "error", "cancelled": "error",
}  # fmt: skip


#: What hosts send as data, instead of as a comment, to keep a stream alive:
#: https://github.com/mnfst/llm-gateway/issues/2053
_SIGN_OF_LIFE = re.compile(r"\s*+(?::|\[?(?:ping|keep[-_ ]?alive|heartbeat)\]?\s*+\Z)", re.IGNORECASE)


def is_sign_of_life(data: str) -> bool:
    """Whether the data of an event of the stream says only that the service still works."""
    return _SIGN_OF_LIFE.match(data) is not None


def finish_reason_of(word: str) -> str:
    """Return why the model ended, in OpenAI's words: `stop`, `length`, `content_filter`, `tool_calls` or `error`."""
    plain = word.strip().lower().replace("-", "_")
    return _FINISH_REASONS.get(plain, plain)


#: Takes a batch of prompts and returns an answer for each, in the same order: a Reply or a typed error.
Ask = Callable[[Sequence[Prompt]], "list[Reply | ModelError]"]


# ----------------------------------------------------------------------- which prompt goes ahead of others

#: A batch with fewer prompts of one part sends them at once: waiting would cost more time than it saves money.
LEAST_PROMPTS = 3

#: Seconds that the others wait for the first at most.
LONGEST_WAIT = 5.0

_TASK = "\n# Task: "


def beginning_of(prompt: Prompt) -> tuple[str, str]:
    """Return what a prompt shares with others about the same part: the system message, and what stands before its task.

    A continued conversation shares nothing: its beginning has been read already.
    """
    if len(prompt.messages) != 2:
        return ("", "")
    system, user = (message.content for message in prompt.messages)
    shown, task, _ = user.partition(_TASK)
    return (system, shown) if task else ("", "")


def leads_of(prompts: Sequence[Prompt]) -> dict[int, int]:
    """Return, for the index of each prompt that has to wait, the index of the one that goes ahead of it."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[beginning_of(prompt)].append(index)
    groups.pop(("", ""), None)
    large = (members for members in groups.values() if len(members) >= LEAST_PROMPTS)
    return {index: lead for lead, *others in large for index in others}


@dataclass(frozen=True, slots=True)
class Warming:
    """Signals of one batch: which prompt waits for which, and which answers have begun.

    A service keeps the beginning of a prompt once it has read it. So where a batch holds three or more prompts that
    begin alike, the others wait until the answer to the first begins to stream, has failed, or LONGEST_WAIT is over.
    """

    leads: dict[int, int]
    _begun: dict[int, threading.Event] = field(default_factory=dict)

    @classmethod
    def of(cls, prompts: Sequence[Prompt]) -> Warming:
        """Return the signals of a batch."""
        leads = leads_of(prompts)
        return cls(leads, {lead: threading.Event() for lead in leads.values()})

    @property
    def order(self) -> tuple[int, ...]:
        """The leads, so that a pool of threads takes them first."""
        return tuple(dict.fromkeys(self.leads.values()))

    def begin(self, index: int) -> None:
        """Note that the answer to that prompt has begun, or ended."""
        if index in self._begun:
            self._begun[index].set()

    def wait(self, index: int) -> None:
        """Wait until the prompt may be sent."""
        if index in self.leads:
            self._begun[self.leads[index]].wait(LONGEST_WAIT)
