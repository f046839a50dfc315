"""What is not run is not claimed, and code that is only simplified must keep names and noticed faults."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reviewer.domain.demonstrations import FixGate
from reviewer.domain.findings import Category
from reviewer.output.json import to_json
from reviewer.output.text import to_text
from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.python.harness_report import REPORT
from tests.fixtures.factories import small_diff
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.demonstrations import python_claims
from tests.samples.demonstrations.claims import SampleClaim, try_claim, try_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OTHER = "def test_one():\n    assert 1 == 1\n\n\ndef test_two():\n    assert 2 == 2\n"
LEFT_OUT = "only the tests that cover the changed lines: there was no time for all of them"
RED = "\n\ndef test_red():\n    assert 1 == 2\n"


@dataclass(slots=True)
class SlowSuite:
    """Runs files in the tree; runs of the whole suite reach their limit of time, after the first `quick` ones."""

    quick: int
    whole: int = 0
    passed: list[tuple[list[str], set[str]]] = field(default_factory=list)

    def __call__(self, command: SandboxCommand) -> SandboxResult:
        job = json.loads(command.argv[-1])
        if not job["paths"]:
            self.whole += 1
            if self.whole > self.quick:
                return SandboxResult(None, "", {}, command.limits.seconds, 0.0, timed_out=True, stopped="time")
        result = run_in_tree(command)
        tests = json.loads(result.results[REPORT])["tests"]
        self.passed.append((job["paths"], {test["id"] for test in tests if test["outcome"] == "passed"}))
        return result

    def counted(self, paths: Sequence[str]) -> int:
        """Return how many tests passed in the last run of these files."""
        return next(len(names) for files, names in reversed(self.passed) if files == list(paths))


def slow(sample: SampleClaim, other: str = OTHER) -> SampleClaim:
    """Return the claim in a project with a second test file, which has nothing to do with the change."""
    head = {**sample.project.head, "tests/test_other.py": other}
    return replace(sample, project=replace(sample.project, head=head))


@pytest.mark.parametrize(
    ("quick", "other", "limit"),
    [
        (1, OTHER, LEFT_OUT),
        (0, OTHER, "only the 1 test file near the change: all of them take too long"),
        (
            1,
            OTHER + RED,
            f"1 failed before and is not counted; {LEFT_OUT}",
        ),
    ],
    ids=["slow with the fix", "slow at head", "slow and red"],
)
def test_a_slow_suite_says_what_was_not_run_and_does_not_claim_it(
    quick: int, other: str, limit: str, tmp_path: Path
) -> None:
    """The line counts only tests whose result is there, recounted from the sandbox, and names what was left out."""
    sample, runs = slow(python_claims.TRUE[0], other), SlowSuite(quick)
    sample.project.write(tmp_path)
    tried = try_in(sample, tmp_path, runs)
    assert tried.finding is not None
    assert tried.finding.evidence is not None
    fix = tried.finding.evidence.fix
    assert fix is not None, tried.finding.evidence.fix_stopped
    assert runs.whole == quick + 1
    assert (fix.tests, fix.limit) == (runs.counted(["tests/test_shop.py"]), limit)
    assert fix.line == f"fixes it; 6 tests still pass ({limit})"
    shown = json.loads(to_json(tried.review))["findings"][0]["evidence"]["fix"]
    assert (shown["line"], shown["tests"], shown["limit"]) == (fix.line, 6, limit)
    assert fix.line in to_text(tried.review, colour=False, source=small_diff())


def test_a_suite_that_cannot_be_run_in_time_at_all_claims_nothing(tmp_path: Path) -> None:
    """Neither the suite nor the files near the change end in time: no fix is offered, and the gate says why."""
    sample = slow(python_claims.TRUE[0])
    sample.project.write(tmp_path)
    runs = SlowSuite(0)

    def never(command: SandboxCommand) -> SandboxResult:
        if json.loads(command.argv[-1])["paths"] in ([], ["tests/test_shop.py"]):
            return SandboxResult(None, "", {}, command.limits.seconds, 0.0, timed_out=True, stopped="time")
        return runs(command)

    tried = try_in(sample, tmp_path, never)
    assert tried.finding is not None
    evidence = tried.finding.evidence
    assert evidence is not None
    assert evidence.demonstration is not None
    assert evidence.fix is None
    assert evidence.fix_stopped is not None
    assert evidence.fix_stopped.gate == FixGate.RUNNABLE
    assert evidence.calls == 2
    assert "still pass" not in to_text(tried.review, colour=False, source=small_diff())


LIGHT = '    if weight <= 1000:\n        return "light"'
SIMPLER = replace(
    python_claims.TRUE[0], name="simpler", path="shop/limits.py", category=Category.REFACTORING,
    quote=LIGHT,
    claim="The classes can be told apart in another way\nIt is shorter.", tests=(), verdict="", fix="", ends="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("suggestion", "gate", "reason"),
    [
        ('    if not weight > 1000:\n        return "light"', None, ""),
        (
            f'{LIGHT}\n    if weight in (4000, 9000):\n        return "heavy" if weight == 4000 else "freight"',
            FixGate.MUTANTS,
            "no longer notice a fault that they noticed before",
        ),
        (
            f"{LIGHT}\n    return rest(weight)\n\n\ndef rest(weight):",
            FixGate.OUTLINE,
            "changes the public names of `shop/limits.py`",
        ),
        (f"{LIGHT}\n    return _rest(weight)\n\n\ndef _rest(weight):", None, ""),
    ],
    ids=["the same", "tests notice less", "new public names", "a new private name"],
)
def test_a_simplification_keeps_noticed_faults_and_public_names(
    suggestion: str, gate: FixGate | None, reason: str, tmp_path: Path
) -> None:
    """Each of these keeps all tests green: only what they notice, and what others can import, tells them apart."""
    tried = try_claim(replace(SIMPLER, suggestion=suggestion), tmp_path, only_suggestions=True)
    if gate is None:
        assert tried.finding is not None, tried.review.rejected
        assert tried.finding.evidence is not None
        assert tried.finding.evidence.suggestion == "6 tests still pass with it"
        return
    assert tried.finding is None
    (item,) = tried.review.rejected
    assert item.reason == f"refactoring stopped at: {gate}"
    assert reason in item.detail
