"""Parse coverage files of other languages into the lines of each file that ran, and those that can run. Pure.

A file's name is as in the report, or relative to the project if it is inside. Malformed entries are ignored, and so is
what comes after very many lines, so coverage may be reported too low, but never too high. Time and memory are linear:
the code under test may write these files itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: One block of a Go profile: https://pkg.go.dev/golang.org/x/tools/cover#Profile
_BLOCK = re.compile(
    r"^(?P<file>[^\n:]{1,500}):(?P<start>\d{1,7})\.\d{1,7},(?P<end>\d{1,7})\.\d{1,7} \d{1,7} (?P<hits>\d{1,19})$",
    re.MULTILINE,
)
_DA = re.compile(r"^DA:(?P<line>\d{1,7}),(?P<hits>\d{1,19})(?:,|$)")

#: The path of a run's own copy of a tree, in any home folder.
_COPIED = re.compile(r"^/.{0,500}?/project/")

#: The most lines of one Go block: longer ones are not from the compiler. The most of all blocks; the most files.
_MOST_LINES, _MOST_IN_ALL, _MOST_FILES = 10_000, 2_000_000, 20_000


@dataclass(frozen=True, slots=True)
class LineCoverage:
    """Lines of a file: those that ran (`run`) and those that can run (`can`)."""

    run: frozenset[int] = frozenset()
    can: frozenset[int] = frozenset()

    def __or__(self, other: LineCoverage) -> LineCoverage:
        """Return the union of two runs."""
        return LineCoverage(self.run | other.run, self.can | other.can)


@dataclass(slots=True)
class _CountedLines:
    """The lines of one file while its report is read."""

    run: set[int] = field(default_factory=set)
    can: set[int] = field(default_factory=set)

    def add(self, lines: Iterable[int], *, ran: bool) -> None:
        """Count lines that can run, and whether they did."""
        self.can.update(lines)
        if ran:
            self.run.update(lines)


def _finished(counted: Mapping[str, _CountedLines]) -> Mapping[str, LineCoverage]:
    return {name: LineCoverage(frozenset(lines.run), frozenset(lines.can)) for name, lines in counted.items()}


def lcov(raw: bytes, roots: Sequence[str]) -> Mapping[str, LineCoverage]:
    """Return the lines by file from an lcov tracefile (node:test, jest, vitest); `roots` are paths of the project."""
    found: defaultdict[str, _CountedLines] = defaultdict(_CountedLines)
    current: _CountedLines | None = None
    for line in raw.decode(errors="replace").splitlines():
        if line.startswith("SF:"):
            path = _relative(line[3:], roots)
            current = found[path] if path and (path in found or len(found) < _MOST_FILES) else None
        elif current is not None and (row := _DA.match(line)):
            current.add((int(row["line"]),), ran=bool(int(row["hits"])))
    return _finished(found)


def _relative(path: str, roots: Sequence[str]) -> str:
    for root in roots:
        if path.startswith(f"{root.rstrip('/')}/"):
            return path[len(root.rstrip("/")) + 1 :]
    return _COPIED.sub("", path)


def go_profile(raw: bytes, module: str) -> Mapping[str, LineCoverage]:
    """Return the lines by file from `go test -coverprofile`; `module` is the module in go.mod."""
    found: defaultdict[str, _CountedLines] = defaultdict(_CountedLines)
    for file, lines, hits in _blocks(raw.decode(errors="replace")):
        path = file.removeprefix(f"{module}/")
        if path in found or len(found) < _MOST_FILES:
            found[path].add(lines, ran=bool(hits))
    return _finished(found)


def _blocks(text: str) -> Iterator[tuple[str, range, int]]:
    left = _MOST_IN_ALL
    for block in _BLOCK.finditer(text):
        start, end = int(block["start"]), int(block["end"])
        if end - start >= _MOST_LINES:
            continue
        left -= max(0, end - start) + 1
        if left < 0:
            return
        yield block["file"], range(start, end + 1), int(block["hits"])
