"""Divide a prompt that was too much for the model into two: each with half of the code, or with half of the claims.

Makes prompts and asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reviewer.llm.messages import Message, Prompt
from reviewer.tasks.conversation.follow_ups import Division, ReplyReader, SmallerPrompt
from reviewer.tasks.planning.chunks import Chunk, halves

T = TypeVar("T")

#: The claims of a prompt, each by its index among all.
Claims = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DivisionByCode(Generic[T]):
    """Makes prompts about parts of a change, and divides them again: by their files, or a file by its hunks."""

    read: ReplyReader[T]
    join: Callable[[Sequence[T]], T]
    _made: dict[tuple[Message, ...], tuple[Chunk, Callable[[Chunk], Prompt]]] = field(default_factory=dict, init=False)

    def prompt(self, part: Chunk, make: Callable[[Chunk], Prompt]) -> Prompt:
        """Return the prompt that `make` makes of the part, and remember how it was made."""
        prompt = make(part)
        self._made[prompt.messages] = (part, make)
        return prompt

    def __call__(self, prompt: Prompt) -> Division[T] | None:
        """Return the prompts about halves of the part; None if it is a single hunk."""
        # A lookup may have added messages to the first two.
        part, make = self._made.get(prompt.messages[:2], (None, None))
        if part is None or make is None or len(smaller := halves(part)) < 2:
            return None
        prompts = (SmallerPrompt(self.prompt(half, make), self.read, half.paths) for half in smaller)
        return Division(tuple(prompts), self.join)


@dataclass(frozen=True, slots=True)
class DivisionByClaims(Generic[T]):
    """Makes prompts about numbered claims, and divides them again.

    `reader` returns the reader of a reply about claims of which so many others stand before them in the whole.
    """

    reader: Callable[[int], ReplyReader[T]]
    join: Callable[[Sequence[T]], T]
    _made: dict[tuple[Message, ...], tuple[int, Claims, Callable[[Claims], Prompt]]] = field(
        default_factory=dict, init=False
    )

    def prompt(self, claims: Claims, make: Callable[[Claims], Prompt], *, before: int = 0) -> Prompt:
        """Return the prompt that `make` makes of the claims, and remember how it was made."""
        prompt = make(claims)
        self._made[prompt.messages] = (before, claims, make)
        return prompt

    def __call__(self, prompt: Prompt) -> Division[T] | None:
        """Return the prompts about each half of the claims; None if there is only one."""
        before, claims, make = self._made.get(prompt.messages[:2], (0, (), None))
        if make is None or len(claims) < 2:
            return None
        middle = len(claims) // 2
        prompts = (
            SmallerPrompt(self.prompt(some, make, before=start), self.reader(start))
            for start, some in ((before, claims[:middle]), (before + middle, claims[middle:]))
        )
        return Division(tuple(prompts), self.join)
