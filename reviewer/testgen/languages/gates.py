"""The gates of other languages: fewer than Python's, and each claim only as far as it was measured.

Promises: a candidate that comes through is a new test file that asserts, passed in fresh processes, ran changed lines
that no existing test ran (where coverage can be had), told the code from faulty code, and left nothing behind. A mutant
counts where the program was built with it and a test said no; one that does not build says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from reviewer.testgen.evidence import Candidate, Evidence, FailedTest, Gate, GateFailure
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.mutants import TextMutant, text_mutants
from reviewer.testgen.languages.static_gates import static_violation
from reviewer.testgen.languages.test_runners import SUFFIXES
from reviewer.testgen.repair_loop import left_behind, restore
from reviewer.testgen.working_tree import added, changed_to, changes, snapshot, text_of

#: Fresh processes in which a candidate passes, mutants that are tried.
RUNS, MUTANTS = 3, 8


class _Fate(Enum):
    KILLED = "killed"
    SURVIVED = "survived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProjectBaseline:
    """What was known before any candidate: the existing tests near the change, and the lines that they run, by file.

    `measured` is None where the runner measures none. `changed` are the changed lines with code on them, by file.
    """

    tests: tuple[str, ...]
    measured: Mapping[str, LineCoverage] | None
    changed: Mapping[str, frozenset[int]]

    def missed(self) -> frozenset[tuple[str, int]]:
        """Return the changed lines that can be run and that no existing test runs."""
        known = self.measured or {}
        return frozenset(
            (path, line)
            for path, lines in self.changed.items()
            for line in lines - known.get(path, LineCoverage()).run
            if path not in known or line in known[path].can
        )


@dataclass(frozen=True, slots=True)
class LanguageGates:
    """Puts candidates through the gates. `base` is the tree without the change, where it mends something.

    Once it is not `in_time`, no further mutant is tried.
    """

    bench: ProjectRunner
    base: Path | None
    before: ProjectBaseline
    in_time: Callable[[], bool]

    def judge(self, candidate: Candidate) -> Evidence | GateFailure:
        """Return what the candidate has shown, or the gate that stopped it. Raises TreeChanged."""
        tree = self.bench.tree
        exists = text_of(tree, candidate.path) is not None
        if not self.bench.project.holds(candidate.path):
            reason = f"It must stand in `{self.bench.project.folder or '.'}` and be of the same language."
            return GateFailure(Gate.POLICY, reason, reason)
        suffixes = SUFFIXES[self.bench.project.row.language]
        if (wrong := static_violation(candidate.path, candidate.code, suffixes, exists=exists)) is not None:
            return wrong
        untouched = snapshot(tree)
        try:
            with added(tree, candidate.path, candidate.code):
                return self._run_through(candidate)
        except FileExistsError:
            return GateFailure(Gate.POLICY, f"`{candidate.path}` cannot be added: something else stands there.")
        finally:
            restore(tree, untouched)

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test fails by its assertion in another process too, and needs the changed file to run."""
        with added(self.bench.tree, candidate.path, candidate.code):
            came = self.bench.run(candidate.path)
            return failure.test in came.failed and came.asserted and self._uses(candidate, came)

    def _run_through(self, candidate: Candidate) -> Evidence | GateFailure:
        present = snapshot(self.bench.tree)
        first = self.bench.run(candidate.path)
        if not first.is_green:
            return _red(first)
        covered = self._covered(first)
        if isinstance(covered, GateFailure):
            return covered
        on_base = self._fails_on_base(candidate)
        killed = None if on_base else self._kills(candidate, first)
        if isinstance(killed, GateFailure):
            return killed
        if not all(self.bench.run(candidate.path).is_green for _ in range(RUNS - 1)):
            return GateFailure(
                Gate.STEADY, "It does not pass each time it is run.", "It does not pass each time it is run."
            )
        note = "coverage not measured" if first.measured is None else ""
        left = left_behind(changes(self.bench.tree, present))
        return left or Evidence(RUNS, covered, killed, fails_on_base=on_base, note=note)

    def _covered(self, came: FileRun) -> tuple[int, int] | GateFailure:
        """Return how many of the changed lines that no test ran it runs, and of how many."""
        if came.measured is None or self.before.measured is None:
            return 0, 0
        ran = {(path, line) for path, lines in came.measured.items() for line in lines.run}
        if not any((path, line) in ran for path, lines in self.before.changed.items() for line in lines):
            return GateFailure(Gate.COVERS, "It runs none of the changed lines.", "It runs none of the changed lines.")
        can = {(path, line) for path, lines in came.measured.items() for line in lines.can}
        missed = {one for one in self.before.missed() if one in can}
        if missed and not missed & ran:
            reason = "It runs no changed line that the existing tests do not run."
            told = "\n".join(f"{path}:{line}" for path, line in sorted(missed)[:20])
            return GateFailure(Gate.COVERS, reason, f"{reason} These are run by no test:\n{told}")
        return len(missed & ran), len(missed)

    def _fails_on_base(self, candidate: Candidate) -> bool:
        if self.base is None or text_of(self.base, candidate.path) is not None:
            return False
        untouched = snapshot(self.base)
        try:
            with added(self.base, candidate.path, candidate.code):
                return self.bench.on(self.base).run(candidate.path).asserted
        finally:
            restore(self.base, untouched)

    def _uses(self, candidate: Candidate, came: FileRun) -> bool:
        """Whether a canary in the changed file that the candidate is for makes it end otherwise than it did."""
        path = candidate.unit.path
        text = text_of(self.bench.tree, path) or ""
        canary = throwing(self.bench.project.row.language, text, self.before.changed.get(path, ()))
        return canary is not None and self._outcome(path, canary, candidate.path).outcomes != came.outcomes

    def _kills(self, candidate: Candidate, green: FileRun) -> tuple[int, int] | GateFailure:
        """Try mutants of the changed lines; before any is believed, a canary in their file must be noticed."""
        fates: list[tuple[TextMutant, _Fate]] = []
        runs_any = False
        for path, lines in self.before.changed.items():
            text = text_of(self.bench.tree, path) or ""
            canary = throwing(self.bench.project.row.language, text, lines)
            if canary is None or self._outcome(path, canary, candidate.path).is_green:
                continue  # the test does not run this file, so no mutant of it could tell anything
            runs_any = True
            mutants = text_mutants(path, text, lines, most=MUTANTS)
            fates += [(one, self._fate(one, text, candidate.path, green)) for one in mutants if self.in_time()]
        judged = [(mutant, fate) for mutant, fate in fates if fate is not _Fate.UNKNOWN]
        if not judged:
            reason = "The changed lines offer no mutant to judge it by." if runs_any else "It runs no changed file."
            return GateFailure(Gate.KILLS, reason, reason)
        killed = [mutant for mutant, fate in judged if fate is _Fate.KILLED]
        survived = [mutant for mutant, fate in judged if fate is _Fate.SURVIVED]
        if not any(self._survives_existing(mutant) for mutant in killed):
            reason = f"It kills {len(killed)} of {len(judged)} mutants, none of which the existing tests leave alive."
            return GateFailure(Gate.KILLS, reason, f"{reason} It passes with these faults:\n{_told(survived)}")
        if len(killed) * 2 < len(judged):
            reason = f"It kills only {len(killed)} of {len(judged)} mutants."
            return GateFailure(Gate.KILLS, reason, f"{reason} It passes with these faults:\n{_told(survived)}")
        return len(killed), len(judged)

    def _fate(self, mutant: TextMutant, text: str, test: str, green: FileRun) -> _Fate:
        came = self._outcome(mutant.path, mutant.applied(text), test)
        if came.is_green:
            return _Fate.SURVIVED
        # A test that ran before says no. Anything else may be a program that was not built.
        return _Fate.KILLED if came.failed & {one.id for one in green.outcomes} else _Fate.UNKNOWN

    def _outcome(self, path: str, text: str, test: str) -> FileRun:
        with changed_to(self.bench.tree, path, text):
            return self.bench.run(test)

    def _survives_existing(self, mutant: TextMutant) -> bool:
        text = text_of(self.bench.tree, mutant.path) or ""
        with changed_to(self.bench.tree, mutant.path, mutant.applied(text)):
            return all(self.bench.run(path).is_green for path in self.before.tests)


def _red(came: FileRun) -> GateFailure:
    """Say why a run was not green; failures by an assertion can become evidence."""
    if not came.outcomes:
        rows = [row for row in came.output.strip().split("\n") if row.strip()][-40:] or ["No test was found."]
        return GateFailure(Gate.COLLECTS, f"It could not be run: {rows[-1][:300]}", "\n".join(rows)[-4_000:])
    failures = tuple(
        FailedTest(one.id, "failed", 0, one.message[:1_000], "", one.asserted)
        for one in came.outcomes
        if one.verdict == "failed"
    )
    if not failures:
        return GateFailure(Gate.PASSES, "Some of its tests were skipped.", "No test may be skipped.")
    first = failures[0]
    reason = f"`{first.test[:200]}` failed: {first.message.strip()[:300]}"
    return GateFailure(Gate.PASSES, reason, "\n\n".join(f"{one.test}\n{one.message}" for one in failures[:5]), failures)


def _told(mutants: Sequence[TextMutant]) -> str:
    return "\n".join(f"{one.path}:{one.line}: `{one.before.strip()}` as `{one.after.strip()}`" for one in mutants[:8])
