"""The gates of other languages. There are fewer than for Python, and each claims only what was measured.

A candidate that passes is a new test file with assertions, passed in new processes, ran changed lines that no existing
test ran (if coverage can be measured), noticed mutants, and left no files behind. A mutant counts as killed if the
program was built with it and a test failed; a mutant that does not build is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from reviewer.languages.allowed_tests import refused_place
from reviewer.testgen.evidence import Candidate, Evidence, FailedTest, Gate, GateFailure, left_behind
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.existing_tests import ProjectBaseline
from reviewer.testgen.languages.mutant_runs import MutantRuns, TextKills
from reviewer.testgen.languages.single_tests import name_in, single_tests, without_single_tests
from reviewer.testgen.languages.static_gates import static_violation
from reviewer.testgen.languages.test_runners import SUFFIXES
from reviewer.testgen.working_tree import added, changed_to, changes, folder_of, restore, snapshot, text_of

#: New processes in which a candidate must pass, for languages whose runs take long.
FEW_RUNS = 3
#: How many sandboxes with such processes run at the same time, and how many processes run in one, after another.
AT_ONCE, IN_TURN = 2, 5

_ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Tokyo")
_LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8")


#: How a test file that is judged as a whole is named.
WHOLE = "the file"


@dataclass(frozen=True, slots=True)
class LanguageGates:
    """Runs candidates through the gates. `base` is the tree without the change, if the change is a fix.

    When `in_time` returns False, no further mutant is tried. `runs` is the number of new processes in which a candidate
    must pass.
    """

    runner: ProjectRunner
    base: Path | None
    before: ProjectBaseline
    in_time: Callable[[], bool]
    runs: int = 10

    def judge(self, candidate: Candidate) -> Evidence | GateFailure:
        """Return the evidence of the candidate, or the gate that stopped it. Raises TreeChanged."""
        tree = self.runner.tree
        exists = text_of(tree, candidate.path) is not None
        if not self.runner.project.holds(candidate.path):
            reason = f"It must be in `{self.runner.project.folder or '.'}` and be of the same language."
            return GateFailure(Gate.POLICY, reason, reason)
        suffixes = SUFFIXES[self.runner.project.row.language]
        if (violation := static_violation(candidate.path, candidate.code, suffixes, exists=exists)) is not None:
            return violation
        if why := refused_place(candidate.path, partial(folder_of, tree)):
            return GateFailure(Gate.POLICY, f"Its path {why}.", f"Its path {why}: choose another.")
        outcome = self._judged(candidate)
        if isinstance(outcome, Evidence) and outcome.code:
            shorter = self._judged(replace(candidate, code=outcome.code))
            if isinstance(shorter, Evidence) and not shorter.code and _reach(shorter) >= _reach(outcome):
                return replace(shorter, code=outcome.code, left_out=outcome.left_out)
            return self._judged(candidate, trims=False)
        return outcome

    def _judged(self, candidate: Candidate, *, trims: bool = True) -> Evidence | GateFailure:
        tree = self.runner.tree
        untouched = snapshot(tree)
        try:
            with added(tree, candidate.path, candidate.code):
                return self._run_through(candidate, trims=trims)
        except FileExistsError:
            return GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else is there.")
        finally:
            restore(tree, untouched)

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test fails by its assertion again in a new process, and uses the changed file."""
        with added(self.runner.tree, candidate.path, candidate.code):
            (run,) = self.runner.run_again(candidate.path)
            return failure.test in run.failed and run.asserted and self._uses(candidate, run)

    def _run_through(self, candidate: Candidate, *, trims: bool) -> Evidence | GateFailure:
        present = snapshot(self.runner.tree)
        first = self.runner.run(candidate.path)
        if not first.is_green:
            return _failure_of(first)
        covered = self._covered(first)
        if isinstance(covered, GateFailure):
            return covered
        before = self._failing_before(candidate)
        kills = MutantRuns(self.runner, self.before, self.in_time).kills(candidate, first)
        if isinstance(kills, GateFailure) and not before:
            return kills
        numbers = None if isinstance(kills, GateFailure) else kills
        names = [test.name for test in single_tests(self.runner.project.row.language, candidate.code)]
        evidence = Evidence(
            runs=1,
            covered=covered,
            killed=None if numbers is None else (numbers.killed, numbers.mutants),
            fresh=len(numbers.fresh) if numbers else 0,
            unreached=numbers.unreached if numbers else 0,
            failing_before=frozenset(name_in(test, names) or WHOLE for test in before),
            unkilled=kills if isinstance(kills, GateFailure) else None,
            note="coverage not measured" if first.measured is None else "",
            tests=len(names) or 1,
        )
        trimmed = self._trimmed(candidate, evidence, numbers, before) if trims else evidence
        if trimmed.code:
            return trimmed  # the shorter file is judged next
        runs = self._steady(candidate)
        if isinstance(runs, GateFailure):
            return runs
        return left_behind(changes(self.runner.tree, present)) or replace(evidence, runs=1 + runs)

    def _trimmed(
        self, candidate: Candidate, evidence: Evidence, kills: TextKills | None, before: frozenset[str]
    ) -> Evidence:
        """Name the tests that kill nothing that their neighbours do not; `judge` leaves them out."""
        names = [test.name for test in single_tests(self.runner.project.row.language, candidate.code)]
        if kills is None or len(names) < 2:
            return evidence
        own = {name: kills.fresh_of(name, names) for name in names}
        useless: dict[str, GateFailure] = {}
        failing = {name_in(test, names) for test in before}
        last_first = names[::-1]
        for name in sorted(last_first, key=lambda name: len(own[name])):
            others = [killed for other, killed in own.items() if other not in (name, *useless)]
            if name not in failing and others and own[name] <= frozenset().union(*others):
                reason = f"`{name}` kills nothing that its neighbours and the existing tests do not."
                useless[name] = GateFailure(Gate.OWN, reason)
        if not useless or "" in own:
            return evidence
        code = without_single_tests(self.runner.project.row.language, candidate.code, useless)
        return replace(evidence, code=code, left_out=tuple(useless.items()))

    def _steady(self, candidate: Candidate) -> int | GateFailure:
        """Return how often the file passed in new processes, in other orders, time zones and locales."""
        runs = self.runs if self.runner.project.row.starts_fast else min(self.runs, FEW_RUNS - 1)
        passed = self._passes(candidate, range(runs))
        if not all(passed):
            passed += self._passes(candidate, range(runs, 2 * runs))
            reason = f"It is flaky: it fails in {passed.count(False)} of {len(passed)} runs."
            return GateFailure(Gate.STEADY, reason, reason)
        return runs

    def _passes(self, candidate: Candidate, numbers: range) -> list[bool]:
        def run(part: range) -> list[bool]:
            environments = [
                {"TZ": _ZONES[number % len(_ZONES)], "LC_ALL": _LOCALES[number % len(_LOCALES)]} for number in part
            ]
            return [ran.is_green for ran in self.runner.run_again(candidate.path, environments)]

        parts = [numbers[start : start + IN_TURN] for start in range(0, len(numbers), IN_TURN)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [is_green for part in pool.map(run, parts) for is_green in part]

    def _covered(self, run: FileRun) -> tuple[int, int] | GateFailure:
        """Return how many of the uncovered changed lines the candidate runs, and how many there are."""
        if run.measured is None or self.before.measured is None:
            return 0, 0
        ran = {(path, line) for path, lines in run.measured.items() for line in lines.run}
        if not any((path, line) in ran for path, lines in self.before.changed.items() for line in lines):
            return GateFailure(Gate.COVERS, "It runs none of the changed lines.", "It runs none of the changed lines.")
        can = {(path, line) for path, lines in run.measured.items() for line in lines.can}
        missed = {place for place in self.before.missed() if place in can}
        if missed and not missed & ran:
            reason = "It runs no changed line that the existing tests do not run."
            places = "\n".join(f"{path}:{line}" for path, line in sorted(missed)[:20])
            return GateFailure(Gate.COVERS, reason, f"{reason} These are run by no test:\n{places}")
        return len(missed & ran), len(missed)

    def _failing_before(self, candidate: Candidate) -> frozenset[str]:
        """Return the tests that fail by an assertion without the change."""
        if self.base is None or text_of(self.base, candidate.path) is not None:
            return frozenset()
        untouched = snapshot(self.base)
        try:
            with added(self.base, candidate.path, candidate.code):
                (run,) = self.runner.on(self.base).run_again(candidate.path)
                return run.failed if run.asserted else frozenset()
        finally:
            restore(self.base, untouched)

    def _uses(self, candidate: Candidate, run: FileRun) -> bool:
        """Whether a canary in the candidate's changed file changes the result of the run."""
        path = candidate.unit.path
        text = text_of(self.runner.tree, path) or ""
        canary = throwing(self.runner.project.row.language, text, self.before.changed.get(path, ()))
        return canary is not None and self._run_with(path, canary, candidate.path).outcomes != run.outcomes

    def _run_with(self, path: str, text: str, test: str) -> FileRun:
        with changed_to(self.runner.tree, path, text):
            return self.runner.run_again(test)[0]


def _reach(evidence: Evidence) -> tuple[int, int]:
    return evidence.fresh, evidence.covered[0]


def _failure_of(run: FileRun) -> GateFailure:
    """Return why a run failed; failures by an assertion can become evidence."""
    if not run.outcomes:
        rows = [row for row in run.output.strip().split("\n") if row.strip()][-40:] or ["No test was found."]
        return GateFailure(Gate.COLLECTS, f"It could not be run: {rows[-1][:300]}", "\n".join(rows)[-4_000:])
    failures = tuple(
        FailedTest(test.id, "failed", 0, test.message[:1_000], "", test.asserted)
        for test in run.outcomes
        if test.verdict == "failed"
    )
    if not failures:
        return GateFailure(Gate.PASSES, "Some of its tests were skipped.", "No test may be skipped.")
    first = failures[0]
    reason = f"`{first.test[:200]}` failed: {first.message.strip()[:300]}"
    return GateFailure(
        Gate.PASSES, reason, "\n\n".join(f"{failure.test}\n{failure.message}" for failure in failures[:5]), failures
    )
