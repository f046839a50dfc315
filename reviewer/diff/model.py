r"""The change as git and GitHub write it: files, hunks, lines, and the places where a comment may stand.

Promises: line numbers are exact, only `\n` ends a line, names are decoded, and an `Anchor` exists only where GitHub
accepts a comment (https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request).
Never reads a file, runs git or makes a call.

unidiff numbers the lines of the hunks (`hunks`); what surrounds them is read in `git_sections` and `git_names`, because
unidiff leaves names quoted and refuses some of git's headers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Never

from reviewer.diff.filenames import absent, old_and_new
from reviewer.diff.hunks import Hunk, Line, number_hunks
from reviewer.diff.sections import Section, read_hunks, split_sections
from reviewer.errors import DiffError

__all__ = [
    "Anchor",
    "Diff",
    "FileDiff",
    "FilePatch",
    "FileStatus",
    "Hunk",
    "Line",
    "Side",
    "diff_from_files",
    "parse_diff",
]


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


#: GitHub's words for what happened to a file, https://docs.github.com/rest/pulls/pulls#list-pull-requests-files
_LISTED_STATUS = {
    "added": FileStatus.ADDED,
    "removed": FileStatus.REMOVED,
    "modified": FileStatus.MODIFIED,
    "renamed": FileStatus.RENAMED,
    "copied": FileStatus.COPIED,
    "changed": FileStatus.MODE,
    "unchanged": FileStatus.MODE,
}


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a diff.

    `path` is the new name (the old one of a removed file), `old_path` differs from it in a rename or copy only.
    Modes are git's (`100644`, `120000` symlink, `160000` submodule), None where the diff does not tell.
    `missing` says that the file changed but its hunks were not given (GitHub leaves large patches out).
    A file that became a symlink or a submodule is one MODIFIED file, though git writes it as removed and added.
    """

    path: str
    old_path: str
    status: FileStatus
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


@dataclass(frozen=True, slots=True, init=False)
class Anchor:
    """A place where GitHub accepts a comment. Only `Diff.anchor` makes one; to call the class is a TypeError.

    `line` is the last line, `start_line` the first of a range or None for one line; both on `side`.
    """

    path: str
    side: Side
    line: int
    start_line: int | None = None

    def __init__(self, *_args: Never, **_kwargs: Never) -> None:
        """Refuse: an anchor that no diff vouches for could be one that GitHub answers with 422."""
        raise TypeError("Only Diff.anchor makes an Anchor.")

    def overlaps(self, other: Anchor) -> bool:
        """Whether the two have a line in common."""
        same = (self.path, self.side) == (other.path, other.side)
        return same and (self.start_line or self.line) <= other.line and (other.start_line or other.line) <= self.line


def _mint(path: str, side: Side, line: int, start_line: int | None) -> Anchor:
    anchor = object.__new__(Anchor)
    for name, value in (("path", path), ("side", side), ("line", line), ("start_line", start_line)):
        object.__setattr__(anchor, name, value)
    return anchor


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One entry of GitHub's `GET /pulls/{number}/files`, where `patch` holds hunks without a header, or is absent."""

    filename: str
    status: str
    patch: str | None
    changes: int
    previous_filename: str | None = None


@dataclass(frozen=True, slots=True)
class _Index:
    """What lookups need: files by path; by path and side, each line that takes a comment, with its hunk's number."""

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
        """Return the anchor for that place, or None where GitHub would refuse a comment.

        `path` is the new name. Lines count from 1: of the new file for RIGHT (added and context lines), of the old file
        for LEFT (removed lines). A range needs `start_line < line` with both ends in one hunk; equal ends are one line.
        """
        places = self._index().places.get((path, side), {})
        if line not in places:
            return None
        if start_line is None or start_line == line:
            return _mint(path, side, line, None)
        if start_line > line or places.get(start_line) != places[line]:
            return None
        return _mint(path, side, line, start_line)

    def _index(self) -> _Index:
        """Build the index at the first lookup and keep it. Two threads may both build it: the results are equal."""
        if self._built is None:
            files = {file.path: file for file in self.files}
            places = {(path, side): _places(file, side) for path, file in files.items() for side in Side}
            object.__setattr__(self, "_built", _Index(files, places))
        assert self._built is not None
        return self._built


def parse_diff(data: bytes | str) -> Diff:
    r"""Parse a unified diff: of git in any of its forms, of `diff -u`, of `hg` or `svn`; text around it is passed over.

    Empty input is a diff without files. The patches of several commits (`git log -p`, a `git format-patch` series) are
    taken together as long as no two of them name the same file: each counts its lines from its own parent, so that the
    numbers for a file changed twice would be wrong for the first or for the last version.

    Raises DiffError, which says what to pass instead, for bytes that are no diff, a diff that is cut off or damaged,
    a combined diff of a merge (`@@@`) and a file that is changed twice.
    """
    text = (data if isinstance(data, str) else _decode(data)).removeprefix("\ufeff")
    sections = split_sections(text)
    if not sections and text.strip():
        coloured = " It is coloured: add --no-color." if "\x1b[" in text else ""
        raise DiffError(f"This is not a unified diff. Pass the output of git diff, for example.{coloured}")
    files = [_file(section) for section in sections]
    commits: dict[str, int] = {}
    for section, file in zip(sections, files, strict=True):
        if any(commits.setdefault(path, section.commit) != section.commit for path in (file.path, file.old_path)):
            raise _changed_twice(file.path)
    return Diff(_one_per_path(files))


def diff_from_files(entries: Iterable[FilePatch]) -> Diff:
    """Build the diff from GitHub's list of files.

    GitHub leaves `patch` out of binary files, of pure renames and of large ones. An entry with changes but no patch (or
    one that cannot be read) is `missing`. A binary file comes with zero changes and no patch: here it cannot be told
    from a file without hunks, so `binary` is never set. Modes are not told either.

    Raises DiffError when a path is listed twice with different contents: the head moved between two pages.
    """
    return Diff(_one_per_path([_listed_file(entry) for entry in dict.fromkeys(entries)]))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DiffError("This file is UTF-16, as PowerShell's > writes it. Use git diff --output=FILE instead.")
    return data.decode("utf-8", "surrogateescape")


def _file(section: Section) -> FileDiff:
    names = old_and_new(section.fields)
    if names is None:
        raise DiffError(f"Line {section.start} of the diff: the file's name cannot be told from its header.")
    old_path, path = names
    status = _status(section)
    if status is FileStatus.REMOVED:
        path = old_path
    old_mode, new_mode = section.modes
    return FileDiff(
        path=path,
        old_path=old_path if status in {FileStatus.RENAMED, FileStatus.COPIED} else path,
        status=status,
        hunks=number_hunks(section.hunks),
        old_mode=old_mode,
        new_mode=new_mode,
        binary=section.binary,
        missing=section.withheld,
    )


def _status(section: Section) -> FileStatus:
    if section.added or absent(section.fields.get("---")):
        return FileStatus.ADDED
    if section.removed or absent(section.fields.get("+++")):
        return FileStatus.REMOVED
    if "rename to" in section.fields:
        return FileStatus.RENAMED
    if "copy to" in section.fields:
        return FileStatus.COPIED
    if "new mode" in section.fields and not section.hunks and "index" not in section.fields:
        return FileStatus.MODE
    return FileStatus.MODIFIED


def _listed_file(entry: FilePatch) -> FileDiff:
    try:
        hunks = number_hunks(read_hunks(entry.patch or ""))
    except DiffError:  # one patch that GitHub cut short must not cost the review of the others
        hunks = ()
    status = _LISTED_STATUS.get(entry.status, FileStatus.MODIFIED)
    if status is FileStatus.MODE and (hunks or entry.changes):
        status = FileStatus.MODIFIED
    moved = status in {FileStatus.RENAMED, FileStatus.COPIED}
    return FileDiff(
        path=entry.filename,
        old_path=(moved and entry.previous_filename) or entry.filename,
        status=status,
        hunks=hunks,
        missing=not hunks and bool(entry.changes or entry.patch),
    )


def _one_per_path(files: Iterable[FileDiff]) -> tuple[FileDiff, ...]:
    joined: dict[str, FileDiff] = {}
    for file in files:
        earlier = joined.get(file.path)
        joined[file.path] = _type_change(earlier, file) if earlier else file
    return tuple(joined.values())


def _type_change(removed: FileDiff, added: FileDiff) -> FileDiff:
    """Join the two entries of a file that became something else, such as a symlink; refuse any other pair."""
    same_type = removed.old_mode and added.new_mode and removed.old_mode[:3] == added.new_mode[:3]
    if (removed.status, added.status) != (FileStatus.REMOVED, FileStatus.ADDED) or same_type:
        raise _changed_twice(added.path)
    return replace(
        added,
        status=FileStatus.MODIFIED,
        hunks=removed.hunks + added.hunks,
        old_mode=removed.old_mode,
        binary=removed.binary or added.binary,
        missing=removed.missing or added.missing,
    )


def _changed_twice(path: str) -> DiffError:
    return DiffError(
        f"{path} is changed twice, as by several commits (git log -p, git format-patch) or a moving head. "
        "Pass the net change instead: git diff BASE...HEAD"
    )


def _places(file: FileDiff, side: Side) -> dict[int, int]:
    if side is Side.LEFT:
        removed = ((line.old, n) for n, hunk in enumerate(file.hunks) for line in hunk.lines if line.kind == "-")
        return {old: n for old, n in removed if old is not None}
    return {line.new: n for n, hunk in enumerate(file.hunks) for line in hunk.lines if line.new is not None}
