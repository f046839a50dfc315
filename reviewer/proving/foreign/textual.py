"""Mutants by text, for languages that have no mutator of ours: one small change of one changed line each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: What is exchanged for what, the likeliest to matter first. Operators stand between spaces, as formatters write them.
_EXCHANGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), other)
    for pattern, other in (
        (r" <= ", " < "),
        (r" >= ", " > "),
        (r" < ", " <= "),
        (r" > ", " >= "),
        (r" === ", " !== "),
        (r" !== ", " === "),
        (r" == ", " != "),
        (r" != ", " == "),
        (r" && ", " || "),
        (r" \|\| ", " && "),
        (r" \+ ", " - "),
        (r" - ", " + "),
        (r" \* ", " / "),
        (r" / ", " * "),
        (r"\btrue\b", "false"),
        (r"\bfalse\b", "true"),
        (r"(?<![\w.])0(?![\w.])", "1"),
        (r"(?<![\w.])1(?![\w.])", "2"),
        (r"(?<![\w.])(\d{1,9})(?![\w.])", r"\g<1>1"),
    )
)

#: Lines whose change nobody tests.
_ARID = re.compile(
    r"^\s*(?://|#|\*|/\*|import\b|use\b|package\b|require\b|\}|console\.|log\.|fmt\.Print|puts\b|println!)"
)


@dataclass(frozen=True, slots=True)
class Textual:
    """A line of a file in another form. `line` is 1-based."""

    path: str
    line: int
    before: str
    after: str

    def applied(self, text: str) -> str:
        """Return the file with it."""
        lines = text.split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)


def textual(path: str, text: str, lines: Iterable[int], *, most: int) -> list[Textual]:
    """Return mutants of those lines, one a line first, at most so many."""
    rows = text.split("\n")
    made = [list(_of(path, number, rows[number - 1])) for number in sorted(lines) if 0 < number <= len(rows)]
    turns = max((len(one) for one in made), default=0)
    return [one[turn] for turn in range(turns) for one in made if turn < len(one)][:most]


def _of(path: str, number: int, row: str) -> Iterator[Textual]:
    if _ARID.match(row) or len(row) > 400:
        return
    for pattern, other in _EXCHANGES:
        after = pattern.sub(other, row, count=1)
        if after != row:
            yield Textual(path, number, row, after)
