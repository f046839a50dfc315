"""A batch of prompts, answered: each reply read, and asked for once more where it could not be read.

Promises: every prompt gets an Answer with a value or an error, never neither, and the bill of all that was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reviewer.asking import Ask, Prompt, Reply, Usage
from reviewer.errors import BrokenReply, ModelError
from reviewer.prompting import repair
from reviewer.replies import Unreadable


class Read(Protocol):
    """Reads one kind of reply; raises Unreadable."""

    def __call__(self, text: str, *, complete: bool) -> object:
        """Return the value. `complete`: the model ended by itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one prompt: a readable value, or the reason why there is none; and what it cost."""

    value: object | None
    error: ModelError | None
    usage: Usage
    models: frozenset[str]


def answers_to(batch: Sequence[tuple[Prompt, Read]], ask: Ask) -> list[Answer]:
    """Ask a batch, read the replies, and ask once more, with the reader's words, where that failed."""
    prompts = [prompt for prompt, _ in batch]
    first = [_answer(reply, read) for reply, (_, read) in zip(ask(prompts), batch, strict=True)] if batch else []
    again = [index for index, answer in enumerate(first) if isinstance(answer.value, _Mend)]
    if not again:
        return first
    repairs = [first[index].value.prompt(prompts[index]) for index in again]  # type: ignore[union-attr]
    for index, reply in zip(again, ask(repairs), strict=True):
        second = _answer(reply, batch[index][1])
        usage, models = first[index].usage + second.usage, first[index].models | second.models
        if isinstance(second.value, _Mend):
            error = BrokenReply(f"The model's answer could not be read, twice: {second.value.problem}")
            second = Answer(None, error, usage, models)
        first[index] = replace(second, usage=usage, models=models)
    return first


@dataclass(frozen=True, slots=True)
class _Mend:
    """A reply that could not be read, and why."""

    reply: Reply
    problem: str

    def prompt(self, prompt: Prompt) -> Prompt:
        """Return the prompt continued by the reply and the reason."""
        return repair(prompt, self.reply, self.problem)


def _answer(reply: Reply | ModelError, read: Read) -> Answer:
    if isinstance(reply, ModelError):
        return Answer(None, reply, Usage.of(reply.attempts), frozenset(one.model for one in reply.attempts))
    models = frozenset({reply.model} - {""})
    try:
        value: object = read(reply.text, complete=reply.finish_reason == "stop")
    except Unreadable as error:
        value = _Mend(reply, str(error))
    return Answer(value, None, reply.usage, models)
