"""Ask a batch of prompts and read the replies, with one follow-up for a lookup and one for an unreadable reply.

Every prompt gets an Answer with either a value or an error, and with the cost of all calls made for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from reviewer.llm.errors import BrokenReply, ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.usage import Usage
from reviewer.tasks.conversation.prompts import repair_prompt
from reviewer.tasks.conversation.replies import Unreadable

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)


class ReplyReader(Protocol[T_co]):
    """Reads one kind of reply; raises Unreadable."""

    def __call__(self, text: str, *, complete: bool) -> T_co:
        """Return the value. `complete`: the model ended its reply itself."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The result of one prompt: a value, or the error that says why there is none; and what it cost.

    `calls` is the number of calls made for it, one after the other.
    """

    value: T | None
    error: ModelError | None
    usage: Usage
    models: frozenset[str]
    calls: int = 1


#: Takes a prompt and its reply; returns the prompt that shows what the reply asked to see, None if it asked nothing.
Look = Callable[[Prompt, Reply], Prompt | None]


def no_lookups(prompt: Prompt, reply: Reply) -> Prompt | None:
    """Show nothing."""
    del prompt, reply
    return None


def ask_and_read(
    batch: Sequence[tuple[Prompt, ReplyReader[T]]], ask: Ask, *, look: Look = no_lookups, follow_ups: int = 1
) -> list[Answer[T]]:
    """Ask a batch and read the replies, with at most `follow_ups` more calls in a row for each prompt.

    A reply that asks to see code gets it, once. One that cannot be read is asked for again, once, with the reason.
    """
    pending = [_PendingAnswer(prompt, read) for prompt, read in batch]
    _complete(pending, ask, look, follow_ups)
    return [question.answer() for question in pending]


def ask_and_read_both(
    first: Sequence[tuple[Prompt, ReplyReader[T]]],
    second: Sequence[tuple[Prompt, ReplyReader[U]]],
    ask: Ask,
    *,
    look: Look = no_lookups,
    follow_ups: int = 1,
) -> tuple[list[Answer[T]], list[Answer[U]]]:
    """Ask two groups with different kinds of reply in one batch, as `ask_and_read` does."""
    some = [_PendingAnswer(prompt, read) for prompt, read in first]
    others = [_PendingAnswer(prompt, read) for prompt, read in second]
    _complete([*some, *others], ask, look, follow_ups)
    return [question.answer() for question in some], [question.answer() for question in others]


def _complete(pending: Sequence[_PendingAnswer[Any]], ask: Ask, look: Look, follow_ups: int) -> None:
    """Ask until every prompt has its answer: each round sends those that need another call."""
    for rounds_left in reversed(range(follow_ups + 1)):
        waiting = [(question, question.prompt) for question in pending if question.prompt is not None]
        replies = ask([prompt for _, prompt in waiting]) if waiting else []
        for (question, prompt), reply in zip(waiting, replies, strict=True):
            question.take(prompt, reply, look, last=not rounds_left)


@dataclass(slots=True)
class _PendingAnswer(Generic[T]):
    """One prompt that is being answered. `prompt` is the next to ask, None when the answer is complete."""

    prompt: Prompt | None
    read: ReplyReader[T]
    value: T | None = None
    error: ModelError | None = None
    usage: Usage = field(default_factory=Usage)
    models: frozenset[str] = frozenset()
    calls: int = 0
    looked: bool = False
    repaired: bool = False

    def answer(self) -> Answer[T]:
        """Return the complete answer."""
        return Answer(self.value, self.error, self.usage, self.models, self.calls)

    def take(self, prompt: Prompt, reply: Reply | ModelError, look: Look, *, last: bool) -> None:
        """Take the reply to `prompt`: it completes the answer, or `prompt` becomes the follow-up to ask."""
        self.prompt = None
        self.calls += 1
        if isinstance(reply, ModelError):
            self.usage += Usage.of(reply.attempts)
            self.models |= {attempt.model for attempt in reply.attempts}
            self.error = reply
            return
        self.usage += reply.usage
        self.models |= {reply.model} - {""}
        try:
            self.value = self.read(reply.text, complete=reply.finish_reason == "stop")
        except Unreadable as unreadable:
            self._follow_up(prompt, reply, look, str(unreadable), last=last)

    def _follow_up(self, prompt: Prompt, reply: Reply, look: Look, problem: str, *, last: bool) -> None:
        """Choose what follows a reply that is no answer: the lookup it asks for, a repair request, or the error."""
        shown = None if last or self.looked else look(prompt, reply)
        if shown is not None:
            self.prompt, self.looked = shown, True
        elif not (last or self.repaired):
            self.prompt, self.repaired = repair_prompt(prompt, reply, problem), True
        else:
            twice = ", twice" if self.repaired else ""
            self.error = BrokenReply(f"The model's answer could not be read{twice}: {problem}")
