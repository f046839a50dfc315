"""Read the cases of an evaluation: folders with `meta.json`, `known.json`, `pr.diff`, `base/` and `head/`.

    meta.json    {"title": "...", "description": "...", "language": "python"}
    known.json   {"known": [{"id": "lost-update", "kind": "defect", "path": "src/x.py", "side": "RIGHT",
                             "lines": [12, 14], "description": "...", "why": "..."}]}

`kind` is `defect` (must be found) or `trap` (a plausible false alarm). `description` is worded as a reviewer would word
the claim, also for a trap, so that the judge cannot distinguish them; `why` is for people only. `lines` are the first
and the last line, in `head/` for side RIGHT, in `base/` for LEFT.

An error in a case is reported with its file and field, and affects only that case. Reads, never writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.diff.model import Diff, FileDiff, Side
from reviewer.diff.parser import parse_diff
from reviewer.errors import DiffError, UsageError

#: The largest file of a case, in bytes.
MAX_BYTES = 4_000_000

T = TypeVar("T", bound=BaseModel)
Text = Annotated[str, Field(min_length=1)]
Line = Annotated[int, Field(ge=1)]


class KnownKind(StrEnum):
    """The kind of a known finding: a defect to find, or a plausible false alarm."""

    DEFECT = "defect"
    TRAP = "trap"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Meta(_Strict):
    title: Text
    description: str = ""
    language: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+#-]*$")]


class _Entry(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: KnownKind
    path: Text
    side: Side = Side.RIGHT
    lines: tuple[Line, Line]
    description: Text
    why: str = ""


class _Entries(_Strict):
    known: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A known finding: `first` to `last` are its lines on that side, `code` is the code there."""

    id: str
    kind: KnownKind
    path: str
    side: Side
    first: int
    last: int
    description: str
    code: str


@dataclass(frozen=True, slots=True)
class Case:
    """A change with known findings. `folder` contains `base/` and `head/`, the repository before and after."""

    name: str
    folder: Path
    language: str
    title: str
    description: str
    diff: Diff
    known: tuple[KnownFinding, ...]


@dataclass(frozen=True, slots=True)
class BadCase:
    """A folder that cannot be used as a case, and why."""

    name: str
    problem: str


class _Unusable(Exception):
    """The case cannot be used; the message names file and field."""


def read_cases(folder: Path, only: str = "") -> tuple[tuple[Case, ...], tuple[BadCase, ...]]:
    """Return the cases in a folder, sorted by name, and the unusable ones; only names that contain `only`.

    The folder may be a single case. Raises UsageError if there is no case.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. Name the folder that contains the cases.")
    inside = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    folders = [folder] if (folder / "meta.json").exists() else sorted(inside)
    folders = [path for path in folders if only in path.name]
    if not folders:
        named = f" whose name contains {only!r}" if only else ""
        raise UsageError(f"There is no case{named} in {folder}. A case is a folder with meta.json.")
    good: list[Case] = []
    bad: list[BadCase] = []
    for path in folders:
        try:
            good.append(_case(path))
        except _Unusable as error:
            bad.append(BadCase(path.name, str(error)))
    return tuple(good), tuple(bad)


def _case(folder: Path) -> Case:
    meta = _model(folder, "meta.json", _Meta)
    entries = _model(folder, "known.json", _Entries).known
    for tree in ("base", "head"):
        if not (folder / tree).is_dir():
            raise _Unusable(f"{tree}/: there is no such folder")
    try:
        diff = parse_diff(_bytes(folder, "pr.diff"))
    except DiffError as error:
        raise _Unusable(f"pr.diff: {error}") from error
    if not diff.files:
        raise _Unusable("pr.diff: it changes nothing")
    for file in diff.files:
        _agrees(folder, file)
    ids = [entry.id for entry in entries]
    if double := next((id_ for id_ in ids if ids.count(id_) > 1), None):
        raise _Unusable(f"known.json: `known`: the id {double!r} is used twice")
    known = sorted((_known(folder, index, entry) for index, entry in enumerate(entries)), key=_place)
    return Case(folder.resolve().name, folder, meta.language, meta.title, meta.description, diff, tuple(known))


def _place(known: KnownFinding) -> tuple[str, int, int, str, str]:
    """Return a sort key that does not reveal the kind: the judge sees the known findings in this order."""
    return (known.path, known.first, known.last, known.side, known.id)


def _model(folder: Path, name: str, model: type[T]) -> T:
    data = _bytes(folder, name)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise _Unusable(f"{name}: {f'`{field}`: ' if field else ''}{first['msg']}") from error


def _known(folder: Path, index: int, entry: _Entry) -> KnownFinding:
    first, last = entry.lines
    field = f"known.json: `known.{index}"
    if last < first:
        raise _Unusable(f"{field}.lines`: the last line is before the first")
    tree = "head" if entry.side is Side.RIGHT else "base"
    try:
        lines = _lines(folder, f"{tree}/{entry.path}")
    except _Unusable as error:
        raise _Unusable(f"{field}.path`: {error}") from error
    if last > len(lines):
        raise _Unusable(f"{field}.lines`: {tree}/{entry.path} has {len(lines)} lines")
    code = "\n".join(lines[first - 1 : last])
    return KnownFinding(entry.id, entry.kind, entry.path, entry.side, first, last, entry.description, code)


def _agrees(folder: Path, file: FileDiff) -> None:
    """Refuse a diff whose lines are not those of the two trees."""
    expected = {
        f"base/{file.old_path}": {line.old: line.text for hunk in file.hunks for line in hunk.lines if line.old},
        f"head/{file.path}": {line.new: line.text for hunk in file.hunks for line in hunk.lines if line.new},
    }
    for name, texts in expected.items():
        lines: Sequence[str] = _lines(folder, name) if texts else ()
        for number, text in texts.items():
            if number > len(lines) or lines[number - 1] != text:
                raise _Unusable(f"pr.diff: it does not agree with {name} at line {number}")


def _lines(folder: Path, name: str) -> list[str]:
    r"""Return the lines as `reviewer.diff` counts them: only `\n` ends a line, bytes that are not UTF-8 are kept."""
    lines = _bytes(folder, name).decode("utf-8", "surrogateescape").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _bytes(folder: Path, name: str) -> bytes:
    """Read a file of the case. A path that leaves the case, also by a symbolic link, is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _Unusable(f"{name}: it leads out of the case")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _Unusable(f"{name}: larger than {MAX_BYTES:,} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _Unusable(f"{name}: {getattr(error, 'strerror', None) or error}") from error
