"""Coverage files of other languages, as the lines that ran of each file.

Promises: a file's name is given as the report gives it, relative to `under` where it lies in there. Whatever is
malformed is left out: less coverage is claimed, never more. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: One block of a Go profile: https://pkg.go.dev/golang.org/x/tools/cover#Profile
_BLOCK = re.compile(
    r"^(?P<file>[^\n:]{1,500}):(?P<start>\d{1,7})\.\d{1,7},(?P<end>\d{1,7})\.\d{1,7} \d{1,7} (?P<hits>\d{1,19})$",
    re.MULTILINE,
)
_DA = re.compile(r"^DA:(?P<line>\d{1,7}),(?P<hits>\d{1,19})(?:,|$)")

#: Most lines of one Go block: a longer one is not from the compiler.
_MOST_LINES = 10_000


def lcov(raw: bytes, under: str) -> Mapping[str, frozenset[int]]:
    """Return the lines with hits by file, from an lcov tracefile (node:test, jest, vitest)."""
    hit: dict[str, set[int]] = {}
    current = ""
    for line in raw.decode(errors="replace").splitlines():
        if line.startswith("SF:"):
            current = line[3:].removeprefix(f"{under.rstrip('/')}/")
            hit.setdefault(current, set())
        elif current and (found := _DA.match(line)) and int(found["hits"]):
            hit[current].add(int(found["line"]))
    return {file: frozenset(lines) for file, lines in hit.items()}


def go_profile(raw: bytes, module: str) -> Mapping[str, frozenset[int]]:
    """Return the lines with hits by file, from `go test -coverprofile`; `module` is the one that go.mod names."""
    hit: dict[str, set[int]] = {}
    for block in _BLOCK.finditer(raw.decode(errors="replace")):
        lines = hit.setdefault(block["file"].removeprefix(f"{module}/"), set())
        start, end = int(block["start"]), int(block["end"])
        if int(block["hits"]) and end - start < _MOST_LINES:
            lines.update(range(start, end + 1))
    return {file: frozenset(lines) for file, lines in hit.items()}
