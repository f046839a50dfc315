r"""Remove the lines from a file's diff that differ only in `\r`. Pure.

An editor that converts line endings rewrites each line of a file, so a change of three lines becomes a diff of three
thousand. Line numbers stay those of the two files, so each remaining line is a line of the real diff.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from reviewer.diff.hunks import Hunk, Line
from reviewer.diff.model import FileDiff

#: Unchanged lines on each side of a change, as in `git diff`.
CONTEXT = 3

#: Lines are not compared if removed times added lines of one run exceed this: it would take seconds.
MOST_PAIRS = 25_000_000


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
