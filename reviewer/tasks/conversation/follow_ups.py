"""A batch of prompts, answered: each reply read, followed up where it asks to see more or could not be read.

Promises: every prompt gets an Answer with a value or an error, never neither, and the bill of all that was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reviewer.llm.errors import BrokenReply, ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.usage import Usage
from reviewer.tasks.conversation.prompts import repair_prompt
from reviewer.tasks.conversation.replies import Unreadable


class ReplyReader(Protocol):
    """Reads one kind of reply; raises Unreadable."""

    def __call__(self, text: str, *, complete: bool) -> object:
        """Return the value. `complete`: the model ended by itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one prompt: a readable value, or the reason why there is none; and what it cost.

    `calls` are the turns that it took, one after the other.
    """

    value: object | None
    error: ModelError | None
    usage: Usage
    models: frozenset[str]
    calls: int = 1


#: A prompt and the reply to it in, the prompt that shows what the reply asked to see out; None when it asked nothing.
Look = Callable[[Prompt, Reply], Prompt | None]


def no_lookups(prompt: Prompt, reply: Reply) -> Prompt | None:
    """Show nothing."""
    del prompt, reply
    return None


_UNASKED = Answer(None, None, Usage(), frozenset(), 0)


def ask_and_read(
    batch: Sequence[tuple[Prompt, ReplyReader]], ask: Ask, *, look: Look = no_lookups, follow_ups: int = 1
) -> list[Answer]:
    """Ask a batch and read the replies; at most `follow_ups` more calls in a row for those that are no answer yet.

    A reply that asks to see something is given it, once; one that cannot be read is asked for again, once, with the
    reader's words.
    """
    turns = [_Turn(prompt, read) for prompt, read in batch]
    for left in reversed(range(follow_ups + 1)):
        waiting = [turn for turn in turns if turn.prompt is not None]
        for turn, reply in zip(
            waiting, ask([turn.prompt for turn in waiting if turn.prompt]) if waiting else (), strict=True
        ):
            turn.take(reply, look, last=not left)
    return [turn.answer for turn in turns]


@dataclass(slots=True)
class _Turn:
    """One prompt on its way to an answer. `prompt` is the next to ask, None when there is an answer."""

    prompt: Prompt | None
    read: ReplyReader
    answer: Answer = _UNASKED
    looked: bool = False
    mended: bool = False

    def take(self, reply: Reply | ModelError, look: Look, *, last: bool) -> None:
        """Take a reply: it is the answer, or there is one more prompt."""
        before, asked = self.answer, self.prompt
        one = _answer(reply, self.read)
        self.answer = replace(
            one, usage=before.usage + one.usage, models=before.models | one.models, calls=before.calls + 1
        )
        self.prompt = None
        if asked is None or not isinstance(one.value, _Mend):
            return
        more = None if last or self.looked else look(asked, one.value.reply)
        if more is not None:
            self.prompt, self.looked = more, True
        elif not (last or self.mended):
            self.prompt, self.mended = one.value.prompt(asked), True
        else:
            error = BrokenReply(
                f"The model's answer could not be read{', twice' if self.mended else ''}: {one.value.problem}"
            )
            self.answer = replace(self.answer, value=None, error=error)


@dataclass(frozen=True, slots=True)
class _Mend:
    """A reply that could not be read, and why."""

    reply: Reply
    problem: str

    def prompt(self, prompt: Prompt) -> Prompt:
        """Return the prompt continued by the reply and the reason."""
        return repair_prompt(prompt, self.reply, self.problem)


def _answer(reply: Reply | ModelError, read: ReplyReader) -> Answer:
    if isinstance(reply, ModelError):
        return Answer(None, reply, Usage.of(reply.attempts), frozenset(one.model for one in reply.attempts))
    models = frozenset({reply.model} - {""})
    try:
        value: object = read(reply.text, complete=reply.finish_reason == "stop")
    except Unreadable as error:
        value = _Mend(reply, str(error))
    return Answer(value, None, reply.usage, models)
