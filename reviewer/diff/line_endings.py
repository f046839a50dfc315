r"""Remove the lines from a file's diff that differ only in `\r`. Pure.

An editor that converts line endings rewrites each line of a file, so a change of three lines becomes a diff of three
thousand. Line numbers stay those of the two files, so each remaining line is a line of the real diff.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import takewhile

from reviewer.diff.hunks import Hunk, Line
from reviewer.diff.model import FileDiff

#: Unchanged lines on each side of a change, as in `git diff`.
CONTEXT = 3

#: Lines that are not found by what stands around them are compared one by one only if removed times added lines are no
#: more: `SequenceMatcher` takes the cube of the time for twice the lines where they alternate.
MOST_PAIRS = 40_000


def ignore_line_ending_changes(file: FileDiff) -> FileDiff:
    """Return the file without changes of line endings; without hunks if nothing else changed."""
    kinds = {(line.kind, line.text.endswith("\r")) for hunk in file.hunks for line in hunk.lines if line.kind != " "}
    if not ({("-", True), ("+", False)} <= kinds or {("-", False), ("+", True)} <= kinds):
        return file
    hunks = tuple(part for hunk in file.hunks for part in _parts(hunk, list(_joined(hunk.lines))))
    return replace(file, hunks=hunks)


def _joined(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines of a hunk; each pair that differs only in its line ending becomes one unchanged line."""
    removed: list[Line] = []
    added: list[Line] = []
    for line in (*lines, None):
        if line is not None and line.kind == "-":
            if added:
                yield from _matched(removed, added)
                removed, added = [], []
            removed.append(line)
        elif line is not None and line.kind == "+":
            added.append(line)
        else:
            yield from _matched(removed, added)
            removed, added = [], []
            if line is not None:
                yield line


def _matched(removed: Sequence[Line], added: Sequence[Line]) -> Iterator[Line]:
    before, after = ([line.text.removesuffix("\r") for line in side] for side in (removed, added))
    first = start = 0
    for last, end in (*_equal(before, after), (len(before), len(after))):
        yield from (*removed[first:last], *added[start:end])
        if last < len(before) and end < len(after):
            yield _same(removed[last], added[end])
        first, start = last + 1, end + 1


def _equal(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of equal lines by their numbers, in order. Takes time in proportion to the lines."""
    certain = _unique(before, after) if len(before) * len(after) > MOST_PAIRS else []
    first = start = 0
    for last, end in (*certain, (len(before), len(after))):
        for old, new in _between(before[first:last], after[start:end]):
            yield first + old, start + new
        if last < len(before):
            yield last, end
        first, start = last + 1, end + 1


def _unique(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of lines of which each side has one, most of those that stand in the same order on both sides."""
    olds, news = Counter(before), Counter(after)
    places = {line: number for number, line in enumerate(after) if news[line] == 1}
    pairs = [(number, places[line]) for number, line in enumerate(before) if olds[line] == 1 and line in places]
    ends: list[int] = []  # of a chain of each length, the place of its last line, and below which pair comes before
    chains: list[int] = []
    earlier: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        chains[length : length + 1] = [number]
        earlier.append(chains[length - 1] if length else -1)
    found: list[tuple[int, int]] = []
    at = chains[-1] if chains else -1
    while at >= 0:
        found.append(pairs[at])
        at = earlier[at]
    return found[::-1]


def _between(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of equal lines between two that are certain: those beside them, and the others where they are few."""
    top = _common(before, after)
    bottom = _common(before[: top - 1 : -1] if top else before[::-1], after[: top - 1 : -1] if top else after[::-1])
    yield from ((number, number) for number in range(top))
    old, new = before[top : len(before) - bottom], after[top : len(after) - bottom]
    if len(old) * len(new) <= MOST_PAIRS:
        for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
            yield from ((top + block.a + number, top + block.b + number) for number in range(block.size))
    yield from ((len(before) - number, len(after) - number) for number in range(bottom, 0, -1))


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many lines at the front are equal."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _same(old: Line, new: Line) -> Line:
    return replace(new, kind=" ", old=old.old)


def _parts(hunk: Hunk, lines: Sequence[Line]) -> Iterator[Hunk]:
    """Split a hunk at long runs of unchanged lines; yield nothing if no change is left."""
    places = [place for place, line in enumerate(lines) if line.kind != " "]
    groups: list[list[int]] = []
    for place in places:
        if groups and place - groups[-1][-1] <= 2 * CONTEXT + 1:
            groups[-1].append(place)
        else:
            groups.append([place])
    for group in groups:
        first = max(0, group[0] - CONTEXT)
        yield _hunk(hunk, lines[:first], lines[first : group[-1] + CONTEXT + 1])


def _hunk(whole: Hunk, before: Sequence[Line], lines: Sequence[Line]) -> Hunk:
    """Return the lines as a hunk. If a side has no line, its start is the last line of that side before the hunk."""
    olds, news = [line.old for line in lines if line.old], [line.new for line in lines if line.new]
    old_end = max((line.old or 0 for line in before), default=0) or whole.old_start - bool(whole.old_count)
    new_end = max((line.new or 0 for line in before), default=0) or whole.new_start - bool(whole.new_count)
    return Hunk(
        old_start=olds[0] if olds else old_end,
        old_count=len(olds),
        new_start=news[0] if news else new_end,
        new_count=len(news),
        section=whole.section if not before else "",
        lines=tuple(lines),
    )
