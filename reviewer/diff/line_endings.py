r"""What is left of a file's change when lines that differ in nothing but `\r` count as unchanged.

An editor that writes the other kind of line ends rewrites each line of a file: read as such, a change of three lines is
one of three thousand, which nobody reads and everybody pays for. Promises: numbers stay those of the two files, so that
each line left is a line of the real diff. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from reviewer.diff.hunks import Hunk, Line
from reviewer.diff.model import FileDiff

#: Unchanged lines that a hunk keeps on either side of a change, as in `git diff`.
CONTEXT = 3

#: Removed times added lines of one run from which they are not compared: it would take seconds.
MOST_PAIRS = 25_000_000


def ignore_line_ending_changes(file: FileDiff) -> FileDiff:
    """Return the file without those lines of its change; without hunks where nothing else changed."""
    kinds = {(line.kind, line.text.endswith("\r")) for hunk in file.hunks for line in hunk.lines if line.kind != " "}
    if not ({("-", True), ("+", False)} <= kinds or {("-", False), ("+", True)} <= kinds):
        return file
    hunks = tuple(part for hunk in file.hunks for part in _parts(hunk, list(_joined(hunk.lines))))
    return replace(file, hunks=hunks)


def _joined(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines of a hunk, each pair that differs in its end alone as one unchanged line."""
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
    if not removed or not added or len(removed) * len(added) > MOST_PAIRS:
        yield from (*removed, *added)
        return
    before, after = ([line.text.removesuffix("\r") for line in side] for side in (removed, added))
    for tag, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from map(_same, removed[first:last], added[start:end])
        else:
            yield from (*removed[first:last], *added[start:end])


def _same(old: Line, new: Line) -> Line:
    return replace(new, kind=" ", old=old.old)


def _parts(hunk: Hunk, lines: Sequence[Line]) -> Iterator[Hunk]:
    """Cut a hunk at its long unchanged runs; nothing where no change is left."""
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
    """Return those lines as a hunk of their own; one without a line of a side stands behind the last one of it."""
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
