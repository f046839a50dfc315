"""Run tests of a project in another language for a demonstration, with the runner table of `reviewer.testgen`.

Where a runner measures no coverage, a canary in the claimed code shows that a test uses it, and the evidence says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from reviewer.demonstration.projects.new_tests import new_test_path
from reviewer.demonstration.projects.staged_files import WatchedTree, files_changed
from reviewer.demonstration.runs import (
    RUNS,
    ChangedFiles,
    ClaimedPlace,
    ProposedTest,
    RanTest,
    SuiteRun,
    TestsRun,
    suite_stopped,
)
from reviewer.domain.demonstrations import DemonstrationGate, FixGate, StoppedDemonstration
from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.outline import outline_of
from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.mutants import text_mutants
from reviewer.testgen.languages.static_gates import static_violation
from reviewer.testgen.languages.test_reports import ReportedTest
from reviewer.testgen.languages.test_runners import SUFFIXES
from reviewer.testgen.repair_loop import unfit_text
from reviewer.testgen.working_tree import added, folder_of, text_of

#: Faults that are tried before and after code is simplified, and the test files that are to notice them.
MOST_MUTANTS, MOST_JUDGES = 4, 2

_KIND = re.compile(r"\b(?P<name>[A-Z]\w{0,60}(?:Error|Exception|Failure))\b|\bpanic: (?P<panic>.{0,80})")
_ERROR = re.compile(r"\berror\b|Error\b|Exception\b|\bfailed\]", re.IGNORECASE)
_UNREAD = re.compile(
    r"Cannot find module|ERR_MODULE_NOT_FOUND|SyntaxError|does not provide an export|\[build failed\]|\[setup failed\]"
    r"|Failed to (?:load|resolve)|No test suite found|LoadError|cannot load such file"
)


@dataclass(slots=True)
class OtherProject:
    """A project at head, with a runner of the table. `base` is the tree without the change, if there is one.

    `test_files` are its test files, those nearest to the change first; `left` returns the seconds that are left.
    """

    runner: ProjectRunner
    base: Path | None
    test_files: tuple[str, ...]
    left: Callable[[], float]
    watched: WatchedTree
    name: str = ""
    _suite: SuiteRun | StoppedDemonstration | None = field(default=None, init=False)

    def holds(self, path: str) -> bool:
        """Whether the file is in the project's folder and language."""
        return self.runner.project.holds(path)

    def place(self, path: str, lines: frozenset[int]) -> ClaimedPlace | None:
        """Return the claimed lines, and the innermost definition around them."""
        text = text_of(self.runner.tree, path)
        if text is None or not lines:
            return None
        around = outline_of(path, text).around(min(lines))
        inner = around[-1] if around else None
        if inner is not None and lines <= {inner.first}:
            lines = frozenset(range(inner.first, inner.last + 1))  # a head alone runs nowhere
        body = frozenset(range(inner.first, inner.last + 1)) if inner else lines
        return ClaimedPlace(path, lines, inner.name if inner else "", body)

    def new_test(self, place: ClaimedPlace) -> str:
        """Return an unused path, named like the nearest test, else as the language does it; empty if there is none."""
        return new_test_path(self.runner.project, self.runner.tree, self.test_files, place)

    def example(self, place: ClaimedPlace) -> tuple[str, str]:
        """Return the nearest existing test, and its text."""
        del place
        path = next(iter(self.test_files), "")
        return path, (text_of(self.runner.tree, path) or "") if path else ""

    def command(self, path: str) -> str:
        """Return the command that runs the file in the project's folder."""
        project = self.runner.project
        inner = PurePosixPath(project.within(path))
        line = project.row.by_hand.format(
            file=inner.as_posix(), folder=inner.parent.as_posix().removeprefix("."), stem=inner.stem
        )
        return f"cd {project.folder} && {line}" if project.folder else line

    def refuse(self, test: ProposedTest, place: ClaimedPlace) -> StoppedDemonstration | None:
        """Judge the text by the gates of suggested tests: its place, and what it must not do."""
        tree, project = self.runner.tree, self.runner.project
        unit = CodeUnit(place.path, place.unit, min(place.lines), max(place.lines), (), "", place.lines)
        failure = unfit_text(Candidate(unit, test.path, test.code))
        if failure is None and not project.holds(test.path):
            failure = GateFailure(Gate.POLICY, f"It is not in `{project.folder or '.'}`, or of another language.")
        exists = text_of(tree, test.path) is not None
        failure = failure or static_violation(test.path, test.code, SUFFIXES[project.row.language], exists=exists)
        if failure is None and (why := refused_place(test.path, partial(folder_of, tree))):
            failure = GateFailure(Gate.POLICY, f"Its path {why}.")
        if failure is None and (double := _replaces(test.code, place)):
            failure = GateFailure(Gate.SMELLS, f"It replaces the code under test ({double}).")
        if failure is None:
            return None
        gate = DemonstrationGate.SMELLS if failure.gate is Gate.SMELLS else DemonstrationGate.POLICY
        return StoppedDemonstration(gate, failure.reason)

    def run(self, test: ProposedTest, place: ClaimedPlace, changed: ChangedFiles, *, again: bool = False) -> TestsRun:
        """Run the test alone; `again`: twice. Runners choose another order each time, where they can."""
        del place
        self.watched.begin()
        try:
            with files_changed(self.runner.tree, changed), added(self.runner.tree, test.path, test.code):
                if not again and not changed:
                    return run_of(self.runner.run(test.path))
                runs = [run_of(run) for run in self.runner.run_again(test.path, [{}] * (RUNS - 1 if again else 1))]
                return replace(runs[-1], tests=tuple(ran for run in runs for ran in run.tests))
        except FileExistsError:
            return TestsRun(problem=f"`{test.path}` cannot be added: something else is there", unread=True)

    def run_at_base(self, test: ProposedTest, place: ClaimedPlace) -> TestsRun | None:
        """Run the test in the tree without the change; None if there is none, or if it has that file."""
        if self.base is None or text_of(self.base, place.path) is None:
            return None
        try:
            with added(self.base, test.path, test.code):
                return run_of(self.runner.on(self.base).run_again(test.path)[0])
        except FileExistsError:
            return None

    def leftovers(self) -> Sequence[str]:
        """Return the files that runs left in the tree. Raises TreeChanged if one changed existing files."""
        return self.watched.leftovers()

    def canary(self, place: ClaimedPlace) -> ChangedFiles | None:
        """Return the file with code that throws as soon as it is used."""
        text = text_of(self.runner.tree, place.path)
        thrown = throwing(self.runner.project.row.language, text, place.lines) if text is not None else None
        return None if thrown is None else {place.path: thrown}

    def suite(self) -> SuiteRun | StoppedDemonstration:
        """Run the project's test files at head, the nearest first, for as long as there is time."""
        if self._suite is None:
            passed: dict[str, frozenset[str]] = {}
            failed, seen, asserted, broken = 0, 0, False, ""
            for path in self.test_files:
                if self.left() <= 0:
                    break
                (result,) = self.runner.run_again(path)
                run = run_of(result)
                passed[path] = run.passed
                failed, seen = failed + len(run.failed), seen + 1
                asserted = asserted or any(test.asserted for test in run.failed)
                broken = broken or (f"{path}: {error}" if (error := _error_of(result)) else "")
            self.watched.forget()
            if broken and not asserted and not any(passed.values()):
                self._suite = suite_stopped(broken)
                return self._suite
            left_out = len(self.test_files) - seen
            parts = [f"{left_out} test files were not run: there was no time for them"] if left_out else []
            parts += [f"{failed} failed before and {'is' if failed == 1 else 'are'} not counted"] if failed else []
            self._suite = SuiteRun(passed, failed, "; ".join(parts))
        return self._suite

    def run_suite(self, changed: ChangedFiles, places: Sequence[ClaimedPlace]) -> SuiteRun | StoppedDemonstration:
        """Run the same files again with those files changed. The nearest come first: nobody knows which cover them."""
        del places
        before = self.suite()
        if isinstance(before, StoppedDemonstration) or not changed:
            return before
        passed: dict[str, frozenset[str]] = {}
        flaky: set[str] = set()
        for path, names in before.passed.items():
            if not names:
                continue
            if self.left() <= 0:
                break
            now = self._with(changed, path)
            missing = names - now.passed
            if missing:
                first, second = (run_of(run) for run in self.runner.run_again(path, [{}, {}]))
                steady = names & first.passed & second.passed
                broken = sorted((missing & steady) - self._with(changed, path).passed)
                if broken:
                    return StoppedDemonstration(
                        FixGate.KEEPS, f"It breaks `{broken[0]}` ({path}), which passed before."
                    )
                flaky |= missing
            passed[path] = names & now.passed
        skipped = len([names for names in before.passed.values() if names]) - len(passed)
        parts = [before.limit] if before.limit else []
        parts += [f"{len(flaky)} do not give the same result each time and are not counted"] if flaky else []
        parts += [f"{skipped} test files were not run again: there was no time for them"] if skipped else []
        return SuiteRun(passed, before.failed, "; ".join(parts))

    def mutants(self, place: ClaimedPlace, changed: ChangedFiles) -> Mapping[str, bool]:
        """Return faults in the definition around the place, and whether the nearest tests notice each."""
        text = changed.get(place.path) or text_of(self.runner.tree, place.path) or ""
        around = outline_of(place.path, text).named(place.unit)
        lines = range(around[0].first, around[0].last + 1) if around else sorted(place.lines)
        found: dict[str, bool] = {}
        for mutant in text_mutants(place.path, text, lines, most=MOST_MUTANTS):
            outcomes = [
                run_of(self._run_with({**changed, place.path: mutant.applied(text)}, path))
                for path in self.test_files[:MOST_JUDGES]
            ]
            built = any(run.tests and not run.unread for run in outcomes)
            if built:
                found[f"{mutant.before.strip()} -> {mutant.after.strip()}"] = any(run.failed for run in outcomes)
        return found

    def _run_with(self, changed: ChangedFiles, path: str) -> FileRun:
        with files_changed(self.runner.tree, changed):
            return self.runner.run_again(path)[0]

    def _with(self, changed: ChangedFiles, path: str) -> TestsRun:
        return run_of(self._run_with(changed, path))


def _error_of(run: FileRun) -> str:
    """Return what a run says of its first error; empty if there is none, as in a file without tests."""
    failed = next((test for test in run.outcomes if test.verdict == "failed"), None)
    if run.outcomes and failed is None:
        return ""
    rows = [row.strip() for row in run.output.split("\n") if row.strip()]
    messages = [row.strip() for row in failed.message.split("\n") if row.strip()] if failed else []
    found = next((row for row in [*messages, *rows] if _UNREAD.search(row)), "") or next(iter(messages), "")
    return found or next((row for row in rows if _ERROR.search(row)), "")


def run_of(run: FileRun) -> TestsRun:
    """Return a runner's report as the values of a demonstration."""
    tests = tuple(_ran(test) for test in run.outcomes)
    broken = next((test.message for test in run.outcomes if _UNREAD.search(test.message)), "")
    rows = [row.strip() for row in (broken or run.output).strip().split("\n") if row.strip()]
    unread = not run.outcomes or bool(broken and not any(test.asserted for test in run.outcomes))
    ran = None if run.measured is None else {path: lines.run for path, lines in run.measured.items()}
    return TestsRun(
        tests=tests,
        problem=(rows[0] if broken else rows[-1])[:300] if unread and rows else "nothing was run" if unread else "",
        unread=unread,
        ran=ran,
    )


def _ran(test: ReportedTest) -> RanTest:
    found = _KIND.search(test.message) if test.verdict == "failed" else None
    kind = "" if found is None else found["name"] or "panic"
    message = test.message.strip()
    return RanTest(
        test.id, test.verdict, "AssertionError" if test.asserted else kind, message, message, 0, test.asserted
    )


def _replaces(code: str, place: ClaimedPlace) -> str:
    """Return the double by which a test replaces the module or function under test; empty if there is none."""
    module = re.escape(PurePosixPath(place.path).stem)
    mocked = re.search(rf"\b(?:vi|jest)\.(?:do)?[mM]ock\(\s*['\"][^'\"\n]{{0,200}}\b{module}(?:\.\w+)?['\"]", code)
    spied = place.unit and re.search(
        rf"\b(?:spyOn|stub|method)\([^)\n]{{0,120}}['\"]{re.escape(place.unit)}['\"]", code
    )
    found = mocked or spied or None
    return found.group()[:80] if found else ""
