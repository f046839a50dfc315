r"""The change as git and GitHub write it: files, hunks, lines, and the places where a comment may stand.

Promises: line numbers are exact, only `\n` ends a line, names are decoded, and an `Anchor` exists only where GitHub
accepts a comment (https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request).
Never reads a file, runs git or makes a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which version of a file a line number belongs to."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class Status(StrEnum):
    """What happened to a file. MODE: only its mode changed."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Line:
    r"""One line of a hunk.

    `kind` is `+`, `-` or a space. `old`/`new` are 1-based line numbers, None on the side where the line is absent.
    `text` is the line without its `\n`; a `\r` of a CRLF file stays. Bytes that are not UTF-8 are kept as surrogate
    escapes. `newline` is False on a last line without newline.
    """

    kind: str
    old: int | None
    new: int | None
    text: str
    newline: bool = True


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines. `section` is the text after the second `@@`."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a diff.

    `path` is the new name (the old one of a removed file), `old_path` differs from it in a rename or copy only.
    Modes are git's (`100644`, `120000` symlink, `160000` submodule), None where the diff does not tell.
    `missing` says that the file changed but its hunks were not given (GitHub leaves large patches out).
    """

    path: str
    old_path: str
    status: Status
    hunks: tuple[Hunk, ...] = ()
    old_mode: str | None = None
    new_mode: str | None = None
    binary: bool = False
    missing: bool = False

    @property
    def symlink(self) -> bool:
        """Whether the file is a symbolic link."""
        return (self.new_mode or self.old_mode) == "120000"

    @property
    def submodule(self) -> bool:
        """Whether the entry is a submodule (a commit, not a file)."""
        return (self.new_mode or self.old_mode) == "160000"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place where GitHub accepts a comment. Only `Diff.anchor` makes one.

    `line` is the last line, `start_line` the first of a range or None for one line; both on `side`.
    """

    path: str
    side: Side
    line: int
    start_line: int | None = None


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One entry of GitHub's `GET /pulls/{number}/files`, where `patch` holds hunks without a header, or is absent."""

    filename: str
    status: str
    patch: str | None
    changes: int
    previous_filename: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """All files of a change, in the order of the input."""

    files: tuple[FileDiff, ...] = ()

    def file(self, path: str) -> FileDiff | None:
        """Return the file of that (new) path."""
        raise NotImplementedError

    def anchor(self, path: str, line: int, start_line: int | None = None, side: Side = Side.RIGHT) -> Anchor | None:
        """Return the anchor for that place, or None where GitHub would refuse a comment."""
        raise NotImplementedError


def parse_diff(data: bytes | str) -> Diff:
    """Parse a unified diff as git writes it (any of its forms). Raises DiffError when it is not one."""
    raise NotImplementedError


def diff_from_files(entries: Iterable[FilePatch]) -> Diff:
    """Build the diff from GitHub's list of files."""
    raise NotImplementedError
