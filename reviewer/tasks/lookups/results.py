"""What a lookup found, and how it is written: the best parts first, cut by tokens, with what is left out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviewer.llm.models import planned_tokens

#: Tokens of the answer to one request, and the fewest that any of its lookups may take.
MAX_TOKENS, LEAST_TOKENS = 6_000, 600


def nothing_left(shown: int) -> str:
    """Return no words: for results of which nothing is ever cut."""
    del shown
    return ""


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The answer to one lookup. `title` says what was asked.

    `parts` are rows or blocks, the best first. `left_out` takes how many of them are shown and says what is missing and
    how to ask for it. `note` is always shown. `found`: there is something to see.
    """

    title: str
    parts: tuple[str, ...] = ()
    left_out: Callable[[int], str] = nothing_left
    note: str = ""

    @property
    def found(self) -> bool:
        """Whether there is something to see."""
        return bool(self.parts)


def write_results(results: Sequence[LookupResult], budget: int = MAX_TOKENS) -> str:
    """Write the results within the tokens: what the short ones leave is for the long ones, wherever they stand."""
    sizes = [_size(result) for result in results]
    shares: dict[int, int] = {}
    room = budget
    for done, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        share = max(LEAST_TOKENS, room // (len(sizes) - done))
        shares[place] = min(share, max(room, LEAST_TOKENS))
        room -= min(sizes[place], shares[place])
    return "\n\n".join(write_result(result, shares[place]) for place, result in enumerate(results))


def _size(result: LookupResult) -> int:
    """Return the tokens of all of a result."""
    return sum(planned_tokens(part) + 1 for part in (f"### {result.title}", result.note, *result.parts))


def write_result(result: LookupResult, budget: int) -> str:
    """Write one result within about so many tokens; its first part is always shown."""
    rows = [f"### {result.title}"]
    room = budget - planned_tokens(rows[0]) - planned_tokens(result.note)
    shown = 0
    for part in result.parts:
        size = planned_tokens(part) + 1
        if shown and size > room:
            break
        rows.append(part)
        room -= size
        shown += 1
    closing = (result.left_out(shown), result.note)
    return "\n".join([*rows, *(f"({words})" for words in closing if words)])
