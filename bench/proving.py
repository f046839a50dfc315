"""Measure the cost of running suggested tests on a real package, humanize 4.17.0 with about 900 tests.

Downloads the sdist and pytest with pip. One function counts as new: a strong and a weak test file go through all gates.
CPU is that of all processes, without the repository's own suite (run once before).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from bench.table import show
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.evidence import Candidate, ChangeUnderTest, CodeUnit, Evidence, GenerationBudget
from reviewer.testgen.python.gates.mutation_gate import mutation_gate
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.generate import prepare
from reviewer.testgen.python.harness_report import REPORT, HarnessReport
from tests.fixtures.run_unconfined import run_in_tree

PACKAGE = "humanize==4.17.0"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")

#: Its benchmarks need plugins that come with no release.
COMMAND = "python -m pytest --ignore=tests/test_benchmarks.py tests src"

#: Rounds of the mutants: other work on the machine can only make a round slower.
ROUNDS = 5

STRONG = """from __future__ import annotations

import pytest

from humanize.lists import natural_list


@pytest.mark.parametrize(
    ("items", "expected"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"), ([1, 2, 3, 4], "1, 2, 3 and 4")],
)
def test_natural_list(items: list[object], expected: str) -> None:
    assert natural_list(items) == expected
"""

WEAK = """from __future__ import annotations

from humanize.lists import natural_list


def test_natural_list() -> None:
    assert natural_list(["a"])
    assert natural_list(["a", "b"])
    assert natural_list(["a", "b", "c"])
"""


@dataclass(frozen=True, slots=True)
class Counting:
    """Runs commands and records how long each took."""

    runs: list[SandboxResult] = field(default_factory=list)

    def __call__(self, command: SandboxCommand) -> SandboxResult:
        ran = run_in_tree(command)
        self.runs.append(ran)
        return ran

    def cpu(self, since: int) -> float:
        return sum(ran.cpu_seconds for ran in self.runs[since:])


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        subject = _subject(place)
        counting = Counting()
        ready = prepare(subject, counting, GenerationBudget(units=20))
        if not isinstance(ready, tuple):
            raise SystemExit(ready.reason)
        bench, units = ready
        suite = counting.runs[0]
        unit = next(one for one in units if one.name == "natural_list")
        rows = [_judged(name, code, unit, bench, counting) for name, code in (("strong", STRONG), ("weak", WEAK))]
        head = ["candidate", "runs", "CPU s", "outcome"]
        title = f"Proving on {PACKAGE}: its own {bench.before.tests} tests, measured with contexts, take"
        show(f"{title} {suite.cpu_seconds:.1f} s CPU (aim: 10 s beyond it for a candidate)", head, rows)
        _mutants(unit, bench, counting)


def _judged(name: str, code: str, unit: CodeUnit, bench: GateContext, counting: Counting) -> list[object]:
    before = len(counting.runs)
    outcome = judge(Candidate(unit, f"tests/test_lists_{name}.py", code), bench)
    told = outcome.line if isinstance(outcome, Evidence) else f"stopped: {outcome.gate}. {outcome.reason}"
    return [name, len(counting.runs) - before, f"{counting.cpu(before):.1f}", told]


def _mutants(unit: CodeUnit, bench: GateContext, counting: Counting) -> None:
    """Print what one mutant takes once its tests are collected: for each, its fastest round."""
    path = "tests/test_lists_strong.py"
    place = bench.head.tree / path
    candidate = Candidate(unit, path, STRONG)
    place.write_text(STRONG, encoding="utf-8")
    first = len(counting.runs)
    try:
        for _ in range(ROUNDS):
            mutation_gate(candidate, unit.lines, client=bench.head, before=bench.before, budget=bench.budget)
    finally:
        place.unlink()
    reports = [HarnessReport.model_validate_json(ran.results[REPORT]) for ran in counting.runs[first:]]
    rounds = zip(*(report.mutants for report in reports if report.mutants), strict=True)
    best = [min(same, key=lambda one: one.seconds) for same in rounds]
    rows = [
        _row("a mutant", [one.seconds for one in best]),
        _row("of which its tests, as pytest runs them", [one.tests_seconds for one in best]),
        _row("of which ours: compile, fork, wait", [one.seconds - one.tests_seconds for one in best]),
    ]
    title = f"{len(best)} mutants of natural_list, each in a fork, best of {ROUNDS} rounds (aim: 50 ms at most)"
    show(title, ["what", "median ms", "worst ms"], rows)


def _row(what: str, seconds: list[float]) -> list[object]:
    return [what, f"{statistics.median(seconds) * 1000:.1f}", f"{max(seconds) * 1000:.1f}"]


def _subject(place: Path) -> ChangeUnderTest:
    """Unpack the package, as if one of its modules were new and had no tests, and make its environment."""
    python = place / "venv" / "bin" / "python"
    _run(sys.executable, "-m", "venv", str(place / "venv"))
    _run(str(python), *PIP, "install", "pytest>=9", "coverage", "freezegun")
    _run(sys.executable, *PIP, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(place), PACKAGE)
    (archive,) = place.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    (tree,) = (one for one in place.iterdir() if one.name.startswith("humanize-") and one.is_dir())
    path = "src/humanize/lists.py"
    rows = (tree / path).read_text(encoding="utf-8").split("\n")
    (tree / "tests" / "test_lists.py").unlink()  # so that no test runs the function
    added = "".join(f"+{row}\n" for row in rows[:-1])
    diff = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    change = Change(parse_diff(f"{diff}@@ -0,0 +1,{len(rows) - 1} @@\n{added}"))
    return ChangeUnderTest(change, tree, tree, python, command=COMMAND)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
