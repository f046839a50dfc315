r"""A diff as values: files, hunks, lines, and the places where a comment may be put.

An `Anchor` exists only where GitHub accepts a comment
(https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request).
Never reads a file, runs git or makes a call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Never

from reviewer.diff.hunks import Hunk, Line

__all__ = ["Anchor", "Diff", "FileDiff", "FileStatus", "Hunk", "Line", "Side"]


class Side(StrEnum):
    """Which version of a file a line number belongs to."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class FileStatus(StrEnum):
    """What happened to a file. MODE: only its mode changed."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a diff.

    `path` is the new name (for a removed file the old one); `old_path` differs from it only in a rename or copy. Modes
    are git's (`100644`, `120000` symlink, `160000` submodule), None if the diff has none. `missing` says that the file
    changed but its hunks are not in the diff (GitHub omits large patches). Where they are larger than a review reads,
    they are left out: `missing` is set, and `left_out` is their length in characters. A file that became a symlink or a
    submodule is one MODIFIED file, although git writes it as removed and added.
    """

    path: str
    old_path: str
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    old_mode: str | None = None
    new_mode: str | None = None
    binary: bool = False
    missing: bool = False
    left_out: int = 0

    @property
    def symlink(self) -> bool:
        """Whether the file is a symbolic link."""
        return (self.new_mode or self.old_mode) == "120000"

    @property
    def submodule(self) -> bool:
        """Whether the entry is a submodule (a commit, not a file)."""
        return (self.new_mode or self.old_mode) == "160000"


@dataclass(frozen=True, slots=True, init=False)
class Anchor:
    """A place where GitHub accepts a comment. Only `Diff.anchor` makes one; calling the class is a TypeError.

    `line` is the last line, `start_line` the first of a range or None for one line; both on `side`.
    """

    path: str
    side: Side
    line: int
    start_line: int | None = None

    def __init__(self, *_args: Never, **_kwargs: Never) -> None:
        """Refuse: without a check against the diff, GitHub might answer a comment at this place with 422."""
        raise TypeError("Only Diff.anchor makes an Anchor.")

    def overlaps(self, other: Anchor) -> bool:
        """Whether the two have a line in common."""
        same = (self.path, self.side) == (other.path, other.side)
        return same and (self.start_line or self.line) <= other.line and (other.start_line or other.line) <= self.line


def _make_anchor(path: str, side: Side, line: int, start_line: int | None) -> Anchor:
    anchor = object.__new__(Anchor)
    for name, value in (("path", path), ("side", side), ("line", line), ("start_line", start_line)):
        object.__setattr__(anchor, name, value)
    return anchor


@dataclass(frozen=True, slots=True)
class _Index:
    """For lookups: files by path; by path and side, each line that accepts a comment, with its hunk's number."""

    files: dict[str, FileDiff]
    places: dict[tuple[str, Side], dict[int, int]]


@dataclass(frozen=True, slots=True)
class Diff:
    """All files of a change, in the order of the input, each path once."""

    files: tuple[FileDiff, ...] = ()
    _built: _Index | None = field(default=None, init=False, repr=False, compare=False)

    def file(self, path: str) -> FileDiff | None:
        """Return the file of that (new) path."""
        return self._index().files.get(path)

    def anchor(self, path: str, line: int, start_line: int | None = None, side: Side = Side.RIGHT) -> Anchor | None:
        """Return the anchor for a place, or None if GitHub would refuse a comment there.

        `path` is the new name. Lines count from 1: of the new file for RIGHT (added and context lines), of the old file
        for LEFT (removed lines). A range needs `start_line < line` with both ends in one hunk; equal ends are one line.
        """
        places = self._index().places.get((path, side), {})
        if line not in places:
            return None
        if start_line is None or start_line == line:
            return _make_anchor(path, side, line, None)
        if start_line > line or places.get(start_line) != places[line]:
            return None
        return _make_anchor(path, side, line, start_line)

    def _index(self) -> _Index:
        """Build the index at the first lookup and keep it. Two threads may both build it; the results are equal."""
        if self._built is None:
            files = {file.path: file for file in self.files}
            places = {(path, side): _places(file, side) for path, file in files.items() for side in Side}
            object.__setattr__(self, "_built", _Index(files, places))
        assert self._built is not None
        return self._built


def _places(file: FileDiff, side: Side) -> dict[int, int]:
    if side is Side.LEFT:
        removed = ((line.old, n) for n, hunk in enumerate(file.hunks) for line in hunk.lines if line.kind == "-")
        return {old: n for old, n in removed if old is not None}
    return {line.new: n for n, hunk in enumerate(file.hunks) for line in hunk.lines if line.new is not None}
