"""Find the lines next to a number that a quote means although it spells some words differently. Pure.

Careful on purpose: the lines differ in words, quotation marks and commas only, never in an operator, a number or a
negation, which a finding is often about; and no other lines of the file come near them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from reviewer.diff.model import Line, Side
from reviewer.tasks.verification.quoting.line_runs import HunkSide, Match, is_commentable, squeezed

#: From this likeness on, and with this distance to the next likely place.
_LIKE, _MARGIN = 0.85, 0.1

#: Least and most characters of a quote; most lines of it; most places that are compared, roughly and in full.
_LEAST, _MOST, _MOST_LINES, _MOST_PLACES, _MOST_COMPARED = 16, 400, 10, 4_000, 12

_SIGNS = re.compile(r"\d+|[^\w\s\"'`,;\u2018\u2019\u201c\u201d]")
_TELLING_WORDS = re.compile(
    r"\b(?:not|no|and|or|is|in|true|false|none|null|nil|undefined|never|only|all|any)\b", re.IGNORECASE
)


def most_similar(sides: Sequence[HunkSide], lines: Sequence[str], line: int, near: int) -> Match | None:
    """Return the lines, at most `near` from the number, that the quoted lines are most like; None if not certain."""
    quote = "\n".join(lines)
    bare = squeezed(quote)
    if not _LEAST <= len(bare) <= _MOST or len(lines) > _MOST_LINES:
        return None
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(bare)
    best: tuple[float, Match, str] | None = None
    others = 0.0
    compared = 0
    for count, (match, text) in enumerate(_windows(sides, len(lines))):
        share = _likeness(matcher, squeezed(text))
        compared += share > 0
        if count == _MOST_PLACES or compared > _MOST_COMPARED:
            return None
        if best is not None and share <= best[0]:
            others = max(others, share)
        elif share:
            others = max(others, best[0] if best else 0.0)
            best = (share, match, text)
    if best is None or best[0] < _LIKE or best[0] - others < _MARGIN or _gap(best[1], line) > near:
        return None
    return best[1] if _says_the_same(best[2], quote) else None


def _windows(sides: Sequence[HunkSide], count: int) -> Iterator[tuple[Match, str]]:
    """Yield every run of so many lines with its text as the model saw it."""
    for each in sides:
        shown = each.texts(redacted=True)
        for start in range(len(shown) - count + 1):
            run = tuple(each.lines[start : start + count])
            if is_commentable(each.side, run):
                yield (each.side, run), "\n".join(shown[start : start + count])


def _likeness(matcher: SequenceMatcher[str], text: str) -> float:
    """Return the likeness, 0 where it is certainly too small to matter."""
    if not text or len(text) > _MOST:
        return 0.0
    matcher.set_seq1(text)
    least = _LIKE - _MARGIN
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return 0.0
    return matcher.ratio()


def _says_the_same(text: str, quote: str) -> bool:
    """Whether two texts have the same signs, numbers and telling small words, in the same order."""
    return all(
        [found.lower() for found in form.findall(text)] == [found.lower() for found in form.findall(quote)]
        for form in (_SIGNS, _TELLING_WORDS)
    )


def _gap(match: Match, line: int) -> int:
    side, run = match
    first, last = (_number(side, run[0]), _number(side, run[-1]))
    return max(first - line, line - last, 0)


def _number(side: Side, line: Line) -> int:
    return (line.new if side is Side.RIGHT else line.old) or 0
