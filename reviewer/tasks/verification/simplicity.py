"""Measure whether a replacement is simpler than the code it replaces, by counting. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: A replacement with fewer lines or less nesting may have at most so many times the words and signs of the old code.
_WORDIER = 1.1

_WORDS = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True, slots=True)
class _Size:
    """Lines that are not blank, levels of nesting, words and signs."""

    lines: int
    nesting: int
    words: int


def is_simpler(old: str, new: str) -> bool:
    """Whether `new` has fewer lines, less nesting or fewer words and signs than `old`, and is not wordier for it."""
    a, b = _size(old), _size(new)
    less = b.lines < a.lines or b.nesting < a.nesting or b.words < a.words
    return less and b.words <= a.words * _WORDIER


def _size(code: str) -> _Size:
    lines = [line.expandtabs(4) for line in code.splitlines() if line.strip()]
    indents = sorted({len(line) - len(line.lstrip()) for line in lines})
    return _Size(len(lines), max(len(indents) - 1, 0), len(_WORDS.findall(code)))
