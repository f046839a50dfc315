"""Ask a batch of prompts and read the replies, with follow-ups for lookups and for replies that cannot be used.

A reply that cannot be read, or that is no answer at all, is asked for once more: in smaller parts where it ran out of
tokens and can be divided, else with the reason. Then the fallback models are asked. Every prompt gets an Answer with a
value or an error, and with the cost of all calls made for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from reviewer.llm.errors import BrokenReply, ModelError, UnusableReply
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt, Usage
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.prompts import repair_prompt

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

    `calls` is the number of calls made for it, one after the other, without those to fallback models. Where the prompt
    was divided and a part has no answer, there are both: the value of the others, and `lost` names that part.
    """

    value: T | None
    error: ModelError | None
    usage: Usage
    models: frozenset[str]
    calls: int = 1
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SmallerPrompt(Generic[T]):
    """A part of a prompt that was too much for the model; `about` names what it is about."""

    prompt: Prompt
    read: ReplyReader[T]
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Division(Generic[T]):
    """The prompts that together ask for the same as a larger one, and how their values are joined.

    `left_out` names what none of them is about.
    """

    prompts: tuple[SmallerPrompt[T], ...]
    join: Callable[[Sequence[T]], T]
    left_out: tuple[str, ...] = ()


#: Takes a prompt, its reply, and how often the model may ask again after this; returns the prompt that shows what the
#: reply asked to see, None if it asked nothing or gets nothing.
Look = Callable[[Prompt, Reply, int], Prompt | None]
#: Divides a prompt into smaller ones; None where it cannot be divided.
Divide = Callable[[Prompt], Division[T] | None]


#: How often one prompt may ask to see more.
MAX_LOOKS = 4


def no_lookups(prompt: Prompt, reply: Reply, left: int) -> Prompt | None:
    """Show nothing."""
    del prompt, reply, left
    return None


def undivided(prompt: Prompt) -> None:
    """Divide nothing."""
    del prompt


def ask_and_read(
    batch: Sequence[tuple[Prompt, ReplyReader[T]]],
    ask: Ask,
    *,
    look: Look = no_lookups,
    divide: Divide[T] = undivided,
    follow_ups: int = 1,
) -> list[Answer[T]]:
    """Ask a batch and read the replies, with at most `follow_ups` more calls in a row for each prompt.

    A reply that asks to see code gets it, at most MAX_LOOKS times. One that cannot be used is asked for again, once.
    Calls to fallback models do not count: there are some only where the user set them.
    """
    pending = [_PendingAnswer(prompt, read, look, divide, follow_ups) for prompt, read in batch]
    _complete(pending, ask)
    return [question.answer() for question in pending]


def ask_and_read_both(
    first: Sequence[tuple[Prompt, ReplyReader[T]]],
    second: Sequence[tuple[Prompt, ReplyReader[U]]],
    ask: Ask,
    *,
    look: Look = no_lookups,
    divide: tuple[Divide[T], Divide[U]] = (undivided, undivided),
    follow_ups: int = 1,
) -> tuple[list[Answer[T]], list[Answer[U]]]:
    """Ask two groups with different kinds of reply in one batch, as `ask_and_read` does."""
    some = [_PendingAnswer(prompt, read, look, divide[0], follow_ups) for prompt, read in first]
    others = [_PendingAnswer(prompt, read, look, divide[1], follow_ups) for prompt, read in second]
    _complete([*some, *others], ask)
    return [question.answer() for question in some], [question.answer() for question in others]


def _complete(pending: Sequence[_PendingAnswer[Any]], ask: Ask) -> None:
    """Ask until every prompt has its answer: each round sends those that need another call."""
    while waiting := [question for top in pending for question in top.waiting()]:
        prompts = [question.prompt for question in waiting if question.prompt is not None]
        for question, prompt, reply in zip(waiting, prompts, ask(prompts), strict=True):
            question.take(prompt, reply)


@dataclass(slots=True)
class _PendingAnswer(Generic[T]):
    """One prompt that is being answered. `prompt` is the next to ask, None when the answer is complete.

    `parts` are the smaller prompts that are asked in its place. `question` is the prompt without repair turns, as the
    fallback models get it.
    """

    prompt: Prompt | None
    read: ReplyReader[T]
    look: Look
    divide: Divide[T]
    follow_ups: int
    about: tuple[str, ...] = ()
    question: Prompt | None = None
    value: T | None = None
    error: ModelError | None = None
    usage: Usage = field(default_factory=Usage)
    attempts: tuple[Attempt, ...] = ()
    models: frozenset[str] = frozenset()
    calls: int = 0
    looks: int = 0
    repaired: bool = False
    division: Division[T] | None = None
    parts: tuple[_PendingAnswer[T], ...] = ()

    def waiting(self) -> list[_PendingAnswer[T]]:
        """Return what has to be asked next: this prompt, or some of its parts."""
        own = [self] if self.prompt is not None else []
        return own + [question for part in self.parts for question in part.waiting()]

    def answer(self) -> Answer[T]:
        """Return the complete answer."""
        if self.division is None:
            return Answer(self.value, self.error, self.usage, self.models, self.calls)
        answers = [part.answer() for part in self.parts]
        values = [answer.value for answer in answers if answer.value is not None]
        lost = [path for part, answer in zip(self.parts, answers, strict=True) if answer.error
                for path in (answer.lost or part.about)]  # fmt: skip
        return Answer(
            self.division.join(values) if values else None,
            next((answer.error for answer in answers if answer.error), None),
            sum((answer.usage for answer in answers), self.usage),
            self.models.union(*(answer.models for answer in answers)),
            self.calls + max(answer.calls for answer in answers),
            tuple(dict.fromkeys((*self.division.left_out, *lost))),
        )

    def take(self, prompt: Prompt, reply: Reply | ModelError) -> None:
        """Take the reply to `prompt`: it completes the answer, or `prompt` becomes the follow-up to ask."""
        self.prompt = None
        self.calls += not prompt.model
        self.usage += Usage.of(reply.attempts)
        self.attempts += reply.attempts
        if isinstance(reply, ModelError):
            self.models |= {attempt.model for attempt in reply.attempts}
            unusable = reply.unusable if isinstance(reply, BrokenReply) else None
            if unusable is None:
                self._end(reply)
            elif not self._read_before(prompt, unusable):
                self._ask_again(prompt, unusable, str(reply))
            return
        self.models |= {reply.model} - {""}
        try:
            self.value = self.read(reply.text, complete=reply.finish_reason == "stop")
        except Unreadable as unreadable:
            self._follow_up(prompt, reply, str(unreadable))

    def _end(self, error: ModelError) -> None:
        """End without an answer. The error carries the requests that were made for it, with their cost."""
        error.attempts = self.attempts
        self.error = error

    def _read_before(self, prompt: Prompt, unusable: UnusableReply) -> bool:
        """Read what stands before a leaked tool call, if it is a complete answer. Of prose nobody can tell."""
        if not unusable.text or prompt.task is Task.ASK:
            return False
        try:
            self.value = self.read(unusable.text, complete=False)
        except Unreadable:
            return False
        return True

    def _follow_up(self, prompt: Prompt, reply: Reply, problem: str) -> None:
        """Choose what follows a reply that is no answer: the lookup it asks for, or another attempt at the answer."""
        may_look = self.calls <= self.follow_ups and self.looks < MAX_LOOKS and not prompt.model
        # One call is kept for the answer to what this one shows.
        left = min(MAX_LOOKS - self.looks - 1, self.follow_ups - self.calls)
        shown = self.look(prompt, reply, left) if may_look else None
        if shown is not None:
            self.prompt, self.looks = shown, self.looks + 1
            return
        unusable = UnusableReply(
            problem,
            raw=reply.raw or reply.text,
            model=reply.model,
            ran_out=reply.finish_reason == "length",
            fallback=reply.fallback,
        )
        self._ask_again(prompt, unusable, "")

    def _ask_again(self, prompt: Prompt, unusable: UnusableReply, explanation: str) -> None:
        """Ask once more, in smaller parts or with the reason; then the fallback models; then end with the error."""
        question = self.question or prompt
        if not self.repaired and not prompt.model and self.calls <= self.follow_ups:
            self.repaired, self.question = True, prompt
            self.division = self.divide(prompt) if unusable.ran_out else None
            if self.division is None:
                self.prompt = repair_prompt(prompt, unusable.raw, unusable.problem)
            else:
                self.parts = tuple(self._part(smaller) for smaller in self.division.prompts)
        elif unusable.fallback:
            self.question = question
            self.prompt = replace(question, model=unusable.fallback)
        else:
            twice = ", twice" if self.repaired else ""
            asked = f", nor that of {prompt.model}" if prompt.model else ""
            self._end(
                BrokenReply(
                    explanation if explanation and not (twice or asked)
                    else f"The model's answer could not be read{twice}{asked}: {unusable.problem}"
                    " Run again, or choose another model."
                )
            )  # fmt: skip

    def _part(self, smaller: SmallerPrompt[T]) -> _PendingAnswer[T]:
        """Return a part to ask, with the follow-ups that are left."""
        left = self.follow_ups - self.calls
        return _PendingAnswer(smaller.prompt, smaller.read, self.look, self.divide, left, smaller.about)
