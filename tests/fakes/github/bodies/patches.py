r"""Read the diff that comments are checked against, from git and never with the product's own parser.

Files, hunks and line numbers are exactly git's (`-U3 -M`). A comment is accepted only where a hunk has that line on
that side. Splits on `\n` alone. Never guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.github.model.git import GitRepository, hunk_header


@dataclass(frozen=True, slots=True)
class PatchLine:
    """A line of a hunk. `kind` is `+`, `-` or a space; `position` is GitHub's legacy offset below the first `@@`."""

    kind: str
    old: int | None
    new: int | None
    position: int

    def number(self, side: str) -> int | None:
        """Return the line's number if it can be named on that side: RIGHT added and context lines, LEFT removed ones.

        https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request
        """
        if side == "RIGHT":
            return self.new
        return self.old if self.kind == "-" else None


@dataclass(frozen=True, slots=True)
class PatchHunk:
    """One hunk: its header line and lines as git wrote them, and the parsed lines."""

    header: bytes
    raw: tuple[bytes, ...]
    lines: tuple[PatchLine, ...]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a pull request, in the words of GitHub's list of files."""

    filename: str
    previous: str | None
    status: str
    blob: str
    old_mode: str
    new_mode: str
    binary: bool
    hunks: tuple[PatchHunk, ...]

    @property
    def additions(self) -> int:
        return sum(line.kind == "+" for hunk in self.hunks for line in hunk.lines)

    @property
    def deletions(self) -> int:
        return sum(line.kind == "-" for hunk in self.hunks for line in hunk.lines)

    @property
    def patch(self) -> bytes | None:
        """Return the hunks without a file header and without a last newline, or None where there are none."""
        if not self.hunks:
            return None
        return b"\n".join(line for hunk in self.hunks for line in (hunk.header, *hunk.raw))


_STATUS = {b"A": "added", b"D": "removed", b"M": "modified", b"R": "renamed", b"C": "copied", b"T": "changed"}


def changed_files(git: GitRepository, base: str, head: str) -> tuple[ChangedFile, ...]:
    """Return the files that differ between two commits, in git's order."""
    return git.remember(("files", base, head), lambda: _read(git.raw(base, head), git.diff(base, head)))


def _read(raw: bytes, diff: bytes) -> tuple[ChangedFile, ...]:
    sections = _sections(diff)
    fields = raw.split(b"\0")
    files = []
    while fields and fields[0]:
        old_mode, new_mode, old, new, status = fields.pop(0).lstrip(b":").split(b" ")
        letter = status[:1]
        names = [fields.pop(0) for _ in range(2 if letter in b"RC" else 1)]
        # A change of type (file to symlink) is one record but two sections: the old file removed, the new one added.
        section = [sections.pop(0) for _ in range(2 if letter == b"T" else 1)][-1]
        files.append(_file(letter, (old_mode, new_mode), (old, new), names, section))
    return tuple(files)


def _sections(diff: bytes) -> list[list[bytes]]:
    sections: list[list[bytes]] = []
    lines = diff.split(b"\n")
    for line in lines[:-1]:
        if line.startswith(b"diff --git "):
            sections.append([])
        sections[-1].append(line)
    return sections


def _file(
    letter: bytes, modes: tuple[bytes, bytes], blobs: tuple[bytes, bytes], names: list[bytes], section: list[bytes]
) -> ChangedFile:
    hunks = _hunks(section)
    status = _STATUS[letter]
    if letter == b"M" and modes[0] != modes[1] and not hunks:
        status = "changed"
    decoded = [name.decode("utf-8", "surrogateescape") for name in names]
    return ChangedFile(
        filename=decoded[-1],
        previous=decoded[0] if len(decoded) > 1 else None,
        status=status,
        blob=(blobs[0] if letter == b"D" else blobs[1]).decode(),
        old_mode=modes[0].decode(),
        new_mode=modes[1].decode(),
        binary=any(line.startswith((b"Binary files ", b"GIT binary patch")) for line in section if not hunks),
        hunks=hunks,
    )


def _hunks(section: list[bytes]) -> tuple[PatchHunk, ...]:
    starts = [n for n, line in enumerate(section) if line.startswith(b"@@ ")]
    hunks = []
    for start, end in zip(starts, [*starts, len(section)][1:], strict=True):
        raw = tuple(section[start + 1 : end])
        hunks.append(PatchHunk(section[start], raw, _lines(section[start], raw, start - starts[0])))
    return tuple(hunks)


def _lines(header: bytes, raw: Sequence[bytes], before: int) -> tuple[PatchLine, ...]:
    old, _, new, _ = hunk_header(header)
    lines = []
    for offset, line in enumerate(raw, start=1):
        kind = chr(line[0]) if line else " "
        if kind == "\\":  # "No newline at end of file" is no line, but it counts in `position`
            continue
        lines.append(
            PatchLine(kind, None if kind == "+" else old, None if kind == "-" else new, before + offset),
        )
        old += kind != "+"
        new += kind != "-"
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment stands: on a file, or on lines of it (`start_line` None: one line)."""

    path: str
    subject_type: str = "line"
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None
    start_side: str | None = None


class NoPlace(Exception):
    """GitHub does not accept a comment there. `problems` are the words `path`, `line`, `hunk`, `order`, `position`."""

    def __init__(self, *problems: str) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


def place(files: Sequence[ChangedFile], comment: dict[str, Any]) -> Place:
    """Return the place a comment's keys name. Raises NoPlace with everything that is wrong about it."""
    changed = next((file for file in files if file.filename == comment["path"]), None)
    if changed is None:
        raise NoPlace("path")
    if comment.get("subject_type") == "file":
        return Place(comment["path"], subject_type="file")
    if comment.get("line") is None:
        return _by_position(changed, comment["position"])
    side = comment.get("side") or "RIGHT"
    line = comment["line"]
    end = _find(changed, line, side)
    start_line = comment.get("start_line")
    if start_line is None:
        if end is None:
            raise NoPlace("line")
        return Place(changed.filename, "line", line, side)
    start_side = comment.get("start_side") or side
    if start_side == side and start_line >= line:
        raise NoPlace("order")
    _check_range(end, _find(changed, start_line, start_side))
    return Place(changed.filename, "line", line, side, start_line, start_side)


def _check_range(end: tuple[int, int] | None, start: tuple[int, int] | None) -> None:
    if end is None:
        raise NoPlace("line", "hunk")
    if start is None or start[0] != end[0]:
        raise NoPlace("hunk")
    if start[1] > end[1]:
        raise NoPlace("order")


def _find(file: ChangedFile, number: int, side: str) -> tuple[int, int] | None:
    """Return (index of the hunk, index in it) of a line, or None."""
    for n, hunk in enumerate(file.hunks):
        for m, line in enumerate(hunk.lines):
            if line.number(side) == number:
                return n, m
    return None


def _by_position(file: ChangedFile, position: int) -> Place:
    for hunk in file.hunks:
        for line in hunk.lines:
            if line.position == position:
                side = "LEFT" if line.kind == "-" else "RIGHT"
                return Place(file.filename, "line", line.number(side), side)
    raise NoPlace("position")


def position_of(files: Sequence[ChangedFile], path: str, line: int | None, side: str) -> int | None:
    """Return GitHub's legacy position of a line, or None where the diff does not have it."""
    changed = next((file for file in files if file.filename == path), None)
    found = _find(changed, line, side) if changed and line is not None else None
    return changed.hunks[found[0]].lines[found[1]].position if changed and found else None


def diff_hunk(files: Sequence[ChangedFile], path: str, line: int | None, side: str) -> str:
    """Return the hunk down to the commented line, as GitHub shows it above a comment."""
    changed = next((file for file in files if file.filename == path), None)
    found = _find(changed, line, side) if changed and line is not None else None
    if changed is None or found is None:
        return "\n".join(h.header.decode(errors="replace") for h in changed.hunks[:1]) if changed else ""
    hunk = changed.hunks[found[0]]
    last = hunk.lines[found[1]].position - hunk.lines[0].position + 1
    return b"\n".join((hunk.header, *hunk.raw[:last])).decode(errors="replace")
