"""Parse coverage files of other languages into the lines of each file that ran, and those that can run. Pure.

A file's name is as in the report, or relative to the project if it is inside. Malformed entries are ignored, so
coverage may be reported too low, but never too high.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: One block of a Go profile: https://pkg.go.dev/golang.org/x/tools/cover#Profile
_BLOCK = re.compile(
    r"^(?P<file>[^\n:]{1,500}):(?P<start>\d{1,7})\.\d{1,7},(?P<end>\d{1,7})\.\d{1,7} \d{1,7} (?P<hits>\d{1,19})$",
    re.MULTILINE,
)
_DA = re.compile(r"^DA:(?P<line>\d{1,7}),(?P<hits>\d{1,19})(?:,|$)")

#: The path of a run's own copy of a tree, in any home folder.
_COPIED = re.compile(r"^/.{0,500}?/project/")

#: The most lines of one Go block: longer ones are not from the compiler.
_MOST_LINES = 10_000


@dataclass(frozen=True, slots=True)
class LineCoverage:
    """Lines of a file: those that ran (`run`) and those that can run (`can`)."""

    run: frozenset[int] = frozenset()
    can: frozenset[int] = frozenset()

    def __or__(self, other: LineCoverage) -> LineCoverage:
        """Return the union of two runs."""
        return LineCoverage(self.run | other.run, self.can | other.can)


def lcov(raw: bytes, roots: Sequence[str]) -> Mapping[str, LineCoverage]:
    """Return the lines by file from an lcov tracefile (node:test, jest, vitest); `roots` are paths of the project."""
    found: dict[str, LineCoverage] = {}
    current = ""
    for line in raw.decode(errors="replace").splitlines():
        if line.startswith("SF:"):
            current = _relative(line[3:], roots)
            found.setdefault(current, LineCoverage())
        elif current and (row := _DA.match(line)):
            number = frozenset({int(row["line"])})
            found[current] |= LineCoverage(number if int(row["hits"]) else frozenset(), number)
    return found


def _relative(path: str, roots: Sequence[str]) -> str:
    for root in roots:
        if path.startswith(f"{root.rstrip('/')}/"):
            return path[len(root.rstrip("/")) + 1 :]
    return _COPIED.sub("", path)


def go_profile(raw: bytes, module: str) -> Mapping[str, LineCoverage]:
    """Return the lines by file from `go test -coverprofile`; `module` is the module in go.mod."""
    found: dict[str, LineCoverage] = {}
    for file, lines, hits in _blocks(raw.decode(errors="replace")):
        name = file.removeprefix(f"{module}/")
        found[name] = found.get(name, LineCoverage()) | LineCoverage(lines if hits else frozenset(), lines)
    return found


def _blocks(text: str) -> Iterator[tuple[str, frozenset[int], int]]:
    for block in _BLOCK.finditer(text):
        start, end = int(block["start"]), int(block["end"])
        if end - start < _MOST_LINES:
            yield block["file"], frozenset(range(start, end + 1)), int(block["hits"])
