"""Try mutants of the changed lines on a candidate of another language and on existing tests. Effects only by runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum

from reviewer.testgen.evidence import Candidate, Gate, GateFailure
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.existing_tests import ProjectBaseline
from reviewer.testgen.languages.mutants import TextMutant, text_mutants
from reviewer.testgen.languages.single_tests import name_in
from reviewer.testgen.working_tree import changed_to, text_of

#: The most mutants that are tried on one candidate.
MUTANTS = 8


class _MutantOutcome(Enum):
    KILLED = "killed"
    SURVIVED = "survived"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TextKills:
    """How many mutants of the changed lines a candidate kills.

    `fresh` are the killed ones that no existing test notices, `unreached` counts those on lines that it does not run.
    (of those that the file is for). `failed` are the tests that fail for each killed mutant.
    """

    killed: int
    mutants: int
    fresh: frozenset[TextMutant]
    unreached: int
    failed: Mapping[TextMutant, frozenset[str]]

    def fresh_of(self, name: str, names: Collection[str]) -> frozenset[TextMutant]:
        """Return the fresh mutants that one test of the file kills."""
        return frozenset(
            mutant for mutant in self.fresh if any(name_in(test, names) == name for test in self.failed[mutant])
        )


@dataclass(frozen=True, slots=True)
class MutantRuns:
    """Runs mutants. When `in_time` returns False, no further one is tried."""

    runner: ProjectRunner
    before: ProjectBaseline
    in_time: Callable[[], bool]

    def kills(self, candidate: Candidate, green: FileRun) -> TextKills | GateFailure:
        """Return what the candidate kills; a failure if it is too little, or nothing that is new.

        A file's mutants count only if the candidate notices a canary in it.
        """
        tried: list[tuple[TextMutant, FileRun]] = []
        noticed, unreached = self._noticed(candidate, green), 0
        for path in noticed:
            lines, text = self.before.changed[path], text_of(self.runner.tree, path) or ""
            reached = {line for line in lines if _is_run(green, path, line)}
            own = candidate.unit.lines if candidate.unit.path == path else frozenset()
            unreached += len(text_mutants(path, text, own & lines - reached, most=MUTANTS))
            tried += [
                (mutant, self._run_with({path: mutant.applied(text)}, candidate.path))
                for mutant in text_mutants(path, text, reached, most=MUTANTS)
                if self.in_time()
            ]
        return self._judged(tried, green, unreached, runs_any=bool(noticed))

    def _noticed(self, candidate: Candidate, green: FileRun) -> list[str]:
        """Return the changed files that the candidate runs: those of which it ran a changed line.

        Where that is not measured, those with which it does not pass if they throw. The files that it is not for throw
        all at once first, since mostly none of them matters to it.
        """
        known = {path: _runs_any(green, path, lines) for path, lines in self.before.changed.items()}
        canaries = {
            path: canary for path in known if known[path] is None and (canary := self._throwing(path)) is not None
        }
        others = {path: text for path, text in canaries.items() if path != candidate.unit.path}
        if len(others) > 1 and self._run_with(others, candidate.path).is_green:
            canaries = {path: text for path, text in canaries.items() if path not in others}
        known |= {path: not self._run_with({path: text}, candidate.path).is_green for path, text in canaries.items()}
        return [path for path, is_run in known.items() if is_run]

    def _throwing(self, path: str) -> str | None:
        text = text_of(self.runner.tree, path) or ""
        return throwing(self.runner.project.row.language, text, self.before.changed[path])

    def _judged(
        self, tried: Sequence[tuple[TextMutant, FileRun]], green: FileRun, unreached: int, *, runs_any: bool
    ) -> TextKills | GateFailure:
        outcomes = {mutant: _outcome(run, green) for mutant, run in tried}
        killed = [mutant for mutant, word in outcomes.items() if word is _MutantOutcome.KILLED]
        survived = [mutant for mutant, word in outcomes.items() if word is _MutantOutcome.SURVIVED]
        judged = len(killed) + len(survived)
        if not judged:
            can = "No mutant can be made of the changed lines, so it cannot be judged."
            reason = can if runs_any else "It runs no changed file."
            return GateFailure(Gate.KILLS, reason, reason)
        missed = f" It passes with these faults:\n{_described(survived)}" if survived else ""
        if len(killed) * 2 < judged:
            reason = f"It kills only {len(killed)} of {judged} mutants."
            return GateFailure(Gate.KILLS, reason, f"{reason}{missed}")
        fresh = frozenset(mutant for mutant in killed if self._survives_existing(mutant))
        if not fresh:
            reason = f"It kills {len(killed)} of {judged} mutants, none of which survives the existing tests."
            return GateFailure(Gate.KILLS, reason, f"{reason}{missed}")
        failed = {mutant: run.failed for mutant, run in tried if mutant in killed}
        return TextKills(len(killed), judged + unreached, fresh, unreached, failed)

    def _run_with(self, texts: Mapping[str, str], test: str) -> FileRun:
        """Run the test file with other texts in place of some files."""
        with ExitStack() as changed:
            for path, text in texts.items():
                changed.enter_context(changed_to(self.runner.tree, path, text))
            return self.runner.run_again(test)[0]

    def _survives_existing(self, mutant: TextMutant) -> bool:
        """Whether no existing test that passes without the mutant fails with it."""
        if not self.before.is_run(mutant.path, mutant.line):
            return True
        text = text_of(self.runner.tree, mutant.path) or ""
        with changed_to(self.runner.tree, mutant.path, mutant.applied(text)):
            return all(self.runner.run_again(path)[0].is_green_but_for(self.before.red) for path in self.before.tests)


def _is_run(green: FileRun, path: str, line: int) -> bool:
    """Whether the candidate may run the line: yes, if coverage is not measured or does not know the line."""
    if green.measured is None:
        return True
    lines = green.measured.get(path, LineCoverage())
    return line in lines.run or line not in lines.can


def _runs_any(green: FileRun, path: str, changed: Collection[int]) -> bool | None:
    """Whether the candidate runs one of the changed lines of a file; None if coverage does not say."""
    lines = (green.measured or {}).get(path, LineCoverage())
    return any(line in lines.run for line in changed) if any(line in lines.can for line in changed) else None


def _outcome(run: FileRun, green: FileRun) -> _MutantOutcome:
    """Return what became of a mutant: killed only if a test that passed before fails, as it may not have been built."""
    if run.is_green:
        return _MutantOutcome.SURVIVED
    known = {reported.id for reported in green.outcomes}
    return _MutantOutcome.KILLED if run.failed & known else _MutantOutcome.UNKNOWN


def _described(mutants: Sequence[TextMutant]) -> str:
    return "\n".join(
        f"{mutant.path}:{mutant.line}: `{mutant.before.strip()}` as `{mutant.after.strip()}`" for mutant in mutants[:8]
    )
