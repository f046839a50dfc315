"""The lines of a file that a suggestion is to replace, and the lines around them. Values only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from reviewer.domain.formatting import NO_RULES, FormatRules

#: Six letters or digits, whatever stands between them.
_TELLING = re.compile(r"(?:[^\W_][\W_]*+){6}")

#: Characters of a line that are compared: to compare twice as many may take eight times as long.
_COMPARED = 300


@dataclass(frozen=True, slots=True)
class ReplacedLines:
    r"""The lines from `start` (from 0) up to `end` of the file at `path`. All lines are without a `\r` at their end.

    `rules` are what the repository's formatters want of the file.
    """

    path: str
    lines: tuple[str, ...]
    start: int
    end: int
    rules: FormatRules = NO_RULES

    @property
    def old(self) -> Sequence[str]:
        """The lines that are replaced."""
        return self.lines[self.start : self.end]

    @property
    def above(self) -> Sequence[str]:
        """The lines before them."""
        return self.lines[: self.start]

    @property
    def below(self) -> Sequence[str]:
        """The lines behind them."""
        return self.lines[self.end :]

    def with_lines(self, new: Sequence[str]) -> list[str]:
        """Return the file's lines after the replacement."""
        return [*self.above, *new, *self.below]


def is_telling(line: str) -> bool:
    """Whether the line shows by itself which code it is: a bracket, `end` or `else:` does not."""
    return _TELLING.search(line) is not None


def likeness(line: str, other: str) -> float:
    """Return how alike two lines are but for their indentation, from 0 to 1. Only the beginnings of long ones count."""
    return SequenceMatcher(None, line.strip()[:_COMPARED], other.strip()[:_COMPARED], autojunk=False).ratio()


def indent_of(line: str) -> str:
    """Return the white space at the front of a line."""
    return line[: len(line) - len(line.lstrip(" \t"))]
