"""Recount what the evidence of a suggested test states, by other means: coverage.py's own command, and faults on disk.

Nothing of the product is used but the list of faults, as data. Each fault is written into a copy of the package, and
pytest is started anew; a fault counts as noticed if pytest does not end with 0. Which lines are statements is what
coverage.py says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How pytest is started, to end at the first failure, without what a package adds (doctests: the reviewer runs none).
PYTEST = ("pytest", "-q", "-x", "-p", "no:cacheprovider", "-o", "addopts=")

#: How many processes run at the same time, and the seconds of processor time after which one is ended: a fault may make
#: a loop endless, which is noticed as well.
AT_ONCE, MOST_SECONDS = 2, 30


@dataclass(frozen=True, slots=True)
class Fault:
    """A small fault: the bytes from `start` to `end` of the file become `after`; `line` is where it stands."""

    line: int
    start: int
    end: int
    after: str


@dataclass(frozen=True, slots=True)
class SuggestedFile:
    """A test file and the function that it is for: the function's file, and the first and last line of its body."""

    path: str
    code: str
    unit_path: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Recounted:
    """The numbers of one file, as its evidence states them: counted anew, or taken from there."""

    covered: tuple[int, int]
    killed: int
    mutants: int
    fresh: int
    unreached: int
    runs: int


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked package: its folder, its interpreter, the folder of its modules and the words of its own suite."""

    tree: Path
    python: Path
    source: str
    suite: tuple[str, ...]

    def run(self, tree: Path, *words: str, module: tuple[str, ...] = PYTEST) -> int:
        """Run pytest, or another module, in a copy of the tree; return its exit code."""
        environment = {**os.environ, "PYTHONPATH": str(tree / self.source), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["COVERAGE_CORE"] = "ctrace"
        limited = ("sh", "-c", f'ulimit -t {MOST_SECONDS}; exec "$@"', "sh")
        command = [*limited, str(self.python), "-B", "-m", *module, *words]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
        return done.returncode

    def lines(self, path: str, *words: str) -> tuple[frozenset[int], frozenset[int]]:
        """Return the statements of a file that ran under pytest, and those that did not, as coverage.py reports."""
        with tempfile.TemporaryDirectory() as folder:
            tree = _copy(self.tree, Path(folder))
            measure = ("coverage", "run", f"--include=*/{path}", "-m", *PYTEST)
            self.run(tree, *words, module=measure)
            report = tree / "recount.json"
            self.run(tree, "-o", str(report), module=("coverage", "json"))
            found = json.loads(report.read_text(encoding="utf-8"))["files"][path]
            rows = (tree / path).read_text(encoding="utf-8").split("\n")
            silent = {number for number, row in enumerate(rows, 1) if row.strip() == "try:"}  # does nothing by itself
            return frozenset(found["executed_lines"]) - silent, frozenset(found["missing_lines"]) - silent


def recount(file: SuggestedFile, faults: Sequence[Fault], package: Package, runs: int) -> Recounted:
    """Count what the file covers and kills, and what of that no existing test noticed."""
    body = range(file.first, file.last + 1)
    place = package.tree / file.path
    _, missed = package.lines(file.unit_path, *package.suite)
    missed &= set(body)
    place.write_text(file.code, encoding="utf-8")
    try:
        own, _ = package.lines(file.unit_path, file.path)
        reached = [fault for fault in faults if fault.line in own]
        noticed = _noticed(reached, file, package, (file.path,))
    finally:
        place.unlink()
    killed = [fault for fault, dies in zip(reached, noticed, strict=True) if dies]
    known = _noticed(killed, file, package, package.suite)
    return Recounted(
        covered=(len(own & missed), len(missed)),
        killed=len(killed),
        mutants=len(faults),
        fresh=known.count(False),
        unreached=len(faults) - len(reached),
        runs=runs,
    )


def passes(reports: Iterable[dict[str, Any]]) -> int:
    """Return how often all tests of a file passed, from the raw reports of the processes that ran it as it is."""
    ended = Counter[tuple[str, str]]((test["id"], test["outcome"]) for report in reports for test in report["tests"])
    names = {name for name, _ in ended}
    failed = {name for name, outcome in ended if outcome != "passed"}
    return 0 if failed else min((ended[name, "passed"] for name in names), default=0)


def _noticed(faults: Sequence[Fault], file: SuggestedFile, package: Package, words: tuple[str, ...]) -> list[bool]:
    """Whether pytest fails with each fault on disk."""

    def dies(fault: Fault) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            tree = _copy(package.tree, Path(folder))
            changed = tree / file.unit_path
            data = changed.read_bytes()
            changed.write_bytes(data[: fault.start] + fault.after.encode() + data[fault.end :])
            return package.run(tree, *words) != 0

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(dies, faults))


def _copy(tree: Path, folder: Path) -> Path:
    copy = folder / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("__pycache__", ".git"))
    return copy
