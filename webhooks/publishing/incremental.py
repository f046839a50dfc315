"""Find what changed in a pull request since it was reviewed, by comparing contents. Pure.

Promises: a file counts as unchanged only when its part of the diff is the same to the byte, whatever its line numbers
and commits; so neither a rebase nor a merge of the base makes a file look new or reviewed by mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff.hunks import Line
from reviewer.diff.model import Diff, FileDiff, Side
from reviewer.tasks.verification.fingerprints import code_identity

#: Bytes of a file's digest, eight base64 digits: too many to find a collision in order to have a file skipped.
DIGEST_BYTES = 6

#: Lines above and below a finding's code in which a fix is likely: when they change, the finding is checked again.
AROUND = 8


@dataclass(frozen=True, slots=True)
class CodePlace:
    """The place of code in a diff: its first and last line on its side, and a digest of the lines around it."""

    path: str
    start: int
    line: int
    around: str


def file_digest(file: FileDiff) -> bytes | None:
    """Return a digest of the file's changes, without line numbers; None where the diff does not show them."""
    if file.missing:
        return None
    digest = hashlib.sha256()
    names = (file.path, file.old_path, file.status.value, file.old_mode or "", file.new_mode or "")
    digest.update("\0".join(names).encode("utf-8", "surrogateescape"))
    for hunk in file.hunks:
        digest.update(b"\0@")
        for line in hunk.lines:
            end = "\n" if line.newline else "\0"
            digest.update(f"{line.kind}{line.text}{end}".encode("utf-8", "surrogateescape"))
    return digest.digest()[:DIGEST_BYTES]


def changed_files(diff: Diff, reviewed: frozenset[bytes]) -> Diff:
    """Return the diff without the files whose change is among the reviewed digests."""
    return Diff(tuple(file for file in diff.files if (known := file_digest(file)) is None or known not in reviewed))


def changed_blobs(diff: Diff, then: Mapping[str, str], now: Mapping[str, str]) -> Diff:
    """Return the diff without the files whose contents are the same in two trees (path -> blob sha)."""
    return Diff(tuple(file for file in diff.files if file.path not in now or then.get(file.path) != now[file.path]))


def with_changed_bases(part: Diff, diff: Diff, then: Mapping[str, str], now: Mapping[str, str]) -> Diff:
    """Return the part with those files of the diff whose contents before the change differ in two trees of bases."""
    changed = {file.path for file in diff.files if then.get(file.old_path) != now.get(file.old_path)}
    kept = changed | {file.path for file in part.files}
    return Diff(tuple(file for file in diff.files if file.path in kept))


def code_places(diff: Diff, keys: Iterable[tuple[str, Side, int, str]]) -> dict[tuple[str, Side, int, str], CodePlace]:
    """Find code in the diff, each by (path, side, number of lines, `code_identity`). Code that is absent is left out.

    Where the path is no longer part of the change, the code is looked for in all files: it may have moved.
    """
    found: dict[tuple[str, Side, int, str], CodePlace] = {}
    windows: dict[tuple[str, Side, int], dict[str, CodePlace]] = {}
    for key in dict.fromkeys(keys):
        path, side, count, code = key
        for file in [own] if (own := diff.file(path)) else diff.files:
            kind = (file.path, side, count)
            if kind not in windows:
                windows[kind] = _windows(file, side, count)
            if code in windows[kind]:
                found[key] = windows[kind][code]
                break
    return found


def _windows(file: FileDiff, side: Side, count: int) -> dict[str, CodePlace]:
    """Return each run of so many lines of the file that the diff shows, by its code; of equal ones the first."""
    places: dict[str, CodePlace] = {}
    for hunk in file.hunks:
        shown = [(number, line) for line in hunk.lines if (number := _number(line, side)) is not None]
        for first in range(len(shown) - count + 1):
            window = shown[first : first + count]
            code = code_identity("\n".join(line.text for _, line in window))
            if code not in places:
                near = shown[max(0, first - AROUND) : first + count + AROUND]
                places[code] = CodePlace(file.path, window[0][0], window[-1][0], _digest(line for _, line in near))
    return places


def _number(line: Line, side: Side) -> int | None:
    if side is Side.LEFT:
        return line.old if line.kind == "-" else None
    return line.new


def _digest(lines: Iterable[Line]) -> str:
    text = "\n".join(f"{line.kind}{line.text}" for line in lines)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def digests(files: Sequence[FileDiff]) -> frozenset[bytes]:
    """Return the digests of the files that have one."""
    return frozenset(known for file in files if (known := file_digest(file)) is not None)
