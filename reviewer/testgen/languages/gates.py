"""The gates of other languages. There are fewer than for Python, and each claims only what was measured.

A candidate that passes is a new test file with assertions, passed in new processes, ran changed lines that no existing
test ran (if coverage can be measured), noticed mutants, and left no files behind. A mutant counts as killed if the
program was built with it and a test failed; a mutant that does not build is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from reviewer.languages.allowed_tests import refused_place
from reviewer.testgen.evidence import Candidate, Evidence, FailedTest, Gate, GateFailure
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.mutants import TextMutant, text_mutants
from reviewer.testgen.languages.static_gates import static_violation
from reviewer.testgen.languages.test_runners import SUFFIXES
from reviewer.testgen.repair_loop import left_behind, restore
from reviewer.testgen.working_tree import added, changed_to, changes, folder_of, snapshot, text_of

#: New processes in which a candidate must pass, and the most mutants that are tried.
RUNS, MUTANTS = 3, 8


class _MutantOutcome(Enum):
    KILLED = "killed"
    SURVIVED = "survived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProjectBaseline:
    """The existing tests near the change, and the lines that they run, by file.

    `measured` is None if the runner does not measure coverage. `changed` are the changed lines with code, by file.
    """

    tests: tuple[str, ...]
    measured: Mapping[str, LineCoverage] | None
    changed: Mapping[str, frozenset[int]]

    def missed(self) -> frozenset[tuple[str, int]]:
        """Return the changed lines that can run and that no existing test runs."""
        known = self.measured or {}
        return frozenset(
            (path, line)
            for path, lines in self.changed.items()
            for line in lines - known.get(path, LineCoverage()).run
            if path not in known or line in known[path].can
        )


@dataclass(frozen=True, slots=True)
class LanguageGates:
    """Runs candidates through the gates. `base` is the tree without the change, if the change is a fix.

    When `in_time` returns False, no further mutant is tried.
    """

    runner: ProjectRunner
    base: Path | None
    before: ProjectBaseline
    in_time: Callable[[], bool]

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
        untouched = snapshot(tree)
        try:
            with added(tree, candidate.path, candidate.code):
                return self._run_through(candidate)
        except FileExistsError:
            return GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else is there.")
        finally:
            restore(tree, untouched)

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test fails by its assertion again in a new process, and uses the changed file."""
        with added(self.runner.tree, candidate.path, candidate.code):
            run = self.runner.run(candidate.path)
            return failure.test in run.failed and run.asserted and self._uses(candidate, run)

    def _run_through(self, candidate: Candidate) -> Evidence | GateFailure:
        present = snapshot(self.runner.tree)
        first = self.runner.run(candidate.path)
        if not first.is_green:
            return _failure_of(first)
        covered = self._covered(first)
        if isinstance(covered, GateFailure):
            return covered
        on_base = self._fails_on_base(candidate)
        killed = None if on_base else self._kills(candidate, first)
        if isinstance(killed, GateFailure):
            return killed
        if not all(self.runner.run(candidate.path).is_green for _ in range(RUNS - 1)):
            return GateFailure(
                Gate.STEADY, "It does not pass each time it is run.", "It does not pass each time it is run."
            )
        note = "coverage not measured" if first.measured is None else ""
        left = left_behind(changes(self.runner.tree, present))
        return left or Evidence(RUNS, covered, killed, fails_on_base=on_base, note=note)

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

    def _fails_on_base(self, candidate: Candidate) -> bool:
        if self.base is None or text_of(self.base, candidate.path) is not None:
            return False
        untouched = snapshot(self.base)
        try:
            with added(self.base, candidate.path, candidate.code):
                return self.runner.on(self.base).run(candidate.path).asserted
        finally:
            restore(self.base, untouched)

    def _uses(self, candidate: Candidate, run: FileRun) -> bool:
        """Whether a canary in the candidate's changed file changes the result of the run."""
        path = candidate.unit.path
        text = text_of(self.runner.tree, path) or ""
        canary = throwing(self.runner.project.row.language, text, self.before.changed.get(path, ()))
        return canary is not None and self._run_with(path, canary, candidate.path).outcomes != run.outcomes

    def _kills(self, candidate: Candidate, green: FileRun) -> tuple[int, int] | GateFailure:
        """Try mutants of the changed lines; a file's mutants count only if the candidate notices a canary in it."""
        results: list[tuple[TextMutant, _MutantOutcome]] = []
        runs_any = False
        for path, lines in self.before.changed.items():
            text = text_of(self.runner.tree, path) or ""
            canary = throwing(self.runner.project.row.language, text, lines)
            if canary is None or self._run_with(path, canary, candidate.path).is_green:
                continue  # the test does not run this file, so its mutants prove nothing
            runs_any = True
            mutants = text_mutants(path, text, lines, most=MUTANTS)
            results += [
                (mutant, self._try_mutant(mutant, text, candidate.path, green)) for mutant in mutants if self.in_time()
            ]
        judged = [(mutant, outcome) for mutant, outcome in results if outcome is not _MutantOutcome.UNKNOWN]
        if not judged:
            reason = (
                "No mutant can be made of the changed lines, so it cannot be judged."
                if runs_any
                else "It runs no changed file."
            )
            return GateFailure(Gate.KILLS, reason, reason)
        killed = [mutant for mutant, outcome in judged if outcome is _MutantOutcome.KILLED]
        survived = [mutant for mutant, outcome in judged if outcome is _MutantOutcome.SURVIVED]
        if not any(self._survives_existing(mutant) for mutant in killed):
            reason = f"It kills {len(killed)} of {len(judged)} mutants, none of which survives the existing tests."
            return GateFailure(Gate.KILLS, reason, f"{reason} It passes with these faults:\n{_described(survived)}")
        if len(killed) * 2 < len(judged):
            reason = f"It kills only {len(killed)} of {len(judged)} mutants."
            return GateFailure(Gate.KILLS, reason, f"{reason} It passes with these faults:\n{_described(survived)}")
        return len(killed), len(judged)

    def _try_mutant(self, mutant: TextMutant, text: str, test: str, green: FileRun) -> _MutantOutcome:
        run = self._run_with(mutant.path, mutant.applied(text), test)
        if run.is_green:
            return _MutantOutcome.SURVIVED
        # Killed only if a test that passed before fails. Otherwise the program may not have been built.
        return (
            _MutantOutcome.KILLED
            if run.failed & {reported.id for reported in green.outcomes}
            else _MutantOutcome.UNKNOWN
        )

    def _run_with(self, path: str, text: str, test: str) -> FileRun:
        with changed_to(self.runner.tree, path, text):
            return self.runner.run(test)

    def _survives_existing(self, mutant: TextMutant) -> bool:
        text = text_of(self.runner.tree, mutant.path) or ""
        with changed_to(self.runner.tree, mutant.path, mutant.applied(text)):
            return all(self.runner.run(path).is_green for path in self.before.tests)


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


def _described(mutants: Sequence[TextMutant]) -> str:
    return "\n".join(
        f"{mutant.path}:{mutant.line}: `{mutant.before.strip()}` as `{mutant.after.strip()}`" for mutant in mutants[:8]
    )
