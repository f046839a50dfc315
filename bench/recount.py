"""Recount what the evidence of a suggested test states, by other means: coverage.py's own command, and faults on disk.

Nothing of the harness is used: each fault is written into a copy of the package, and pytest is started anew. A fault
counts as noticed if pytest does not end with 0.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reviewer.testgen.evidence import Candidate, Evidence
from reviewer.testgen.python.mutants import Mutant, mutants
from reviewer.testgen.python.units import statements

#: How pytest is started, to end at the first failure.
PYTEST = ("pytest", "-q", "-x", "-p", "no:cacheprovider")

#: How many processes run at the same time.
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Recounted:
    """The numbers of one candidate, counted anew: as they stand in its evidence."""

    covered: tuple[int, int]
    killed: int
    mutants: int
    fresh: int
    unreached: int

    @classmethod
    def stated(cls, evidence: Evidence) -> Recounted:
        """Return the numbers that the evidence states."""
        killed, total = evidence.killed or (0, 0)
        return cls(evidence.covered, killed, total, evidence.fresh, evidence.unreached)


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked package: its folder, its interpreter, the folder of its modules and the words of its own suite."""

    tree: Path
    python: Path
    source: str
    suite: tuple[str, ...]

    def run(
        self, tree: Path, *words: str, module: tuple[str, ...] = ("pytest", "-q", "-x", "-p", "no:cacheprovider")
    ) -> int:
        """Run pytest, or another module, in a copy of the tree; return its exit code."""
        environment = {**os.environ, "PYTHONPATH": str(tree / self.source), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["COVERAGE_CORE"] = "ctrace"
        command = [str(self.python), "-B", "-m", *module, *words]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False, timeout=600)
        return done.returncode

    def lines(self, path: str, *words: str) -> frozenset[int]:
        """Return the lines of a file that ran under pytest, by coverage.py's own report."""
        with tempfile.TemporaryDirectory() as folder:
            tree = _copy(self.tree, Path(folder))
            measure = ("coverage", "run", f"--include=*/{path}", "-m", "pytest", "-q", "-p", "no:cacheprovider")
            self.run(tree, *words, module=measure)
            report = tree / "recount.json"
            self.run(tree, "-o", str(report), module=("coverage", "json"))
            if not report.exists():
                return frozenset()
            files = json.loads(report.read_text(encoding="utf-8"))["files"]
            return frozenset(line for found in files.values() for line in found["executed_lines"])


def recount(candidate: Candidate, package: Package, most: int) -> Recounted:
    """Count what the candidate covers and kills, and what of that no existing test noticed."""
    unit = candidate.unit
    mapped = statements(unit.source, unit.first, unit.last)
    place = package.tree / candidate.path
    existing = {mapped[line] for line in package.lines(unit.path, *package.suite) if line in mapped} & unit.lines
    place.write_text(candidate.code, encoding="utf-8")
    try:
        own = {mapped[line] for line in package.lines(unit.path, candidate.path) if line in mapped} & unit.lines
        possible = [mutant for mutant in mutants(unit, most=most) if mutant.swaps]
        reached = [mutant for mutant in possible if mutant.line in own]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            noticed = list(pool.map(lambda mutant: _notices(mutant, package, (candidate.path,)), reached))
    finally:
        place.unlink()
    killed = [mutant for mutant, dies in zip(reached, noticed, strict=True) if dies]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        known = list(pool.map(lambda mutant: _notices(mutant, package, package.suite), killed))
    missed = unit.lines - existing
    return Recounted(
        covered=(len(own & missed), len(missed)),
        killed=len(killed),
        mutants=len(possible),
        fresh=known.count(False),
        unreached=len(possible) - len(reached),
    )


def _notices(mutant: Mutant, package: Package, words: tuple[str, ...]) -> bool:
    """Whether pytest fails with the fault on disk."""
    with tempfile.TemporaryDirectory() as folder:
        tree = _copy(package.tree, Path(folder))
        file = tree / mutant.unit.path
        data = file.read_bytes()
        file.write_bytes(data[: mutant.start] + mutant.after.encode() + data[mutant.end :])
        return package.run(tree, *words) != 0


def _copy(tree: Path, folder: Path) -> Path:
    copy = folder / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("__pycache__", ".git"))
    return copy
