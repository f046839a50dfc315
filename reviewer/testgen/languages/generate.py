"""Generate tests for other languages, with a table of their test runners and the same repair loop as for Python.

As `testgen.python.generate`, with fewer gates (`gates`). Tests are generated for one project of the repository: that of
the first changed file whose test runner is known. The only effects are `ask`, `execute` and the staged trees, which are
left as they were.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from reviewer.diff.model import FileDiff
from reviewer.domain.change import Change
from reviewer.domain.findings import TestSuggestion
from reviewer.domain.settings import Settings
from reviewer.languages.paths import is_code, is_test
from reviewer.llm.messages import Ask, Prompt, Task
from reviewer.safety.prompt_text import code_excerpt, printable_path
from reviewer.sandbox.api import SandboxRunner
from reviewer.tasks.conversation.divisions import DivisionByCode
from reviewer.tasks.conversation.layout import prompt_of, shown_in, with_more_words
from reviewer.tasks.conversation.prompts import Prompter, render_template
from reviewer.tasks.conversation.replies import read_tests
from reviewer.tasks.planning.chunks import Chunk
from reviewer.tasks.suggest_tests import MAX_TESTS, join_tests, parts_to_test
from reviewer.testgen.attempts import FailedVersion
from reviewer.testgen.evidence import (
    Candidate,
    CodeUnit,
    Evidence,
    FailedTest,
    Gate,
    GateFailure,
    GeneratedTests,
    GenerationBudget,
    NotRun,
)
from reviewer.testgen.languages.execution import ProjectRunner
from reviewer.testgen.languages.existing_tests import ProjectBaseline, measure_existing, stays_green
from reviewer.testgen.languages.gates import WHOLE, LanguageGates
from reviewer.testgen.languages.linked_packages import linked_away
from reviewer.testgen.languages.single_tests import name_in, single_tests, without_single_tests
from reviewer.testgen.languages.static_gates import demand_text, only_values_changed, same_inputs, turned
from reviewer.testgen.languages.test_runners import KNOWN, Project, project_of
from reviewer.testgen.progress import say_nothing, telling
from reviewer.testgen.repair_loop import RepairLoop, UnitPrompt
from reviewer.testgen.repair_prompt import repair_prompt_for_test
from reviewer.testgen.working_tree import text_of

#: The most existing test files that are run; the most characters of an example test, of a run's output, of code.
NEIGHBOURS, MOST_SIBLING, MOST_EVIDENCE, MOST_CODE = 12, 8_000, 8_000, 16_000

_COVERS = re.compile(r"^(?P<path>[^:\n]{1,500}):(?P<first>\d{1,7})(?:-(?P<last>\d{1,7}))?$")


@dataclass(frozen=True, slots=True)
class StagedTrees:
    """The staged trees, and where a sandbox (if `sandboxed`) shows them. Toolchains keep downloads in `home`."""

    head: Path
    base: Path | None
    shown_at: Path
    home: Path
    sandboxed: bool = True


def generate_language_tests(  # noqa: PLR0913 - the clock and the progress are for callers that want them
    change: Change, settings: Settings, places: StagedTrees, ask: Ask, execute: SandboxRunner, *, salt: bytes,
    budget: GenerationBudget | None = None, now: Callable[[], float] = time.monotonic,
    progress: Callable[[str], None] = say_nothing,
) -> GeneratedTests | NotRun:  # fmt: skip
    """Ask for tests of the change, run them, and return those that pass all gates. Raises ReviewerError."""
    budget = replace(budget or GenerationBudget(), candidates=MAX_TESTS)
    deadline = now() + budget.seconds

    def in_time() -> bool:
        return now() < deadline

    files = [file for file in change.diff.files if is_code(file.path) and not is_test(file.path)]
    found = [(file, project) for file in files if (project := project_of(places.head, file.path)) is not None]
    if not found:
        return NotRun(
            "Suggested tests were not run: no test runner is known for the changed files. "
            f"Known are {KNOWN}, recognised by the project's own files."
        )
    project = found[0][1]
    here = [file for file, its in found if its == project]
    if places.sandboxed and (why := linked_away(places.head, places.shown_at, project)):
        return NotRun(f"Suggested tests were not run: {why}")
    runner = ProjectRunner(execute, project, places.head, places.shown_at, places.home, 2 * budget.run_seconds)
    before = _existing(runner, here, change, places.base, progress)
    if isinstance(before, NotRun):
        return before
    prompter, parts = parts_to_test(change, settings, salt, only={file.path for file in here})
    test_prompts = LanguageTestPrompts(prompter, project, _styled(runner, before))
    divide = DivisionByCode(read_tests, join_tests)
    gates = LanguageGates(runner, places.base, before, in_time, budget.runs)
    support = _OtherLanguages(gates, test_prompts)
    loop = RepairLoop(support, budget, ask, in_time, progress=progress, divide=divide)
    prompts = [divide.prompt(part, test_prompts.tests) for part in parts]
    loop.run([UnitPrompt(prompt, "a part of the change", partial(_unit, before)) for prompt in prompts])
    return loop.result(*_notes(found, project, before))


def _existing(
    runner: ProjectRunner, files: list[FileDiff], change: Change, base: Path | None, progress: Callable[[str], None]
) -> ProjectBaseline | NotRun:
    """Run the existing tests near the change with it, and without it."""
    with telling(progress, "running the existing tests near the change"):
        before = measure_existing(runner, files)
    if isinstance(before, NotRun) or base is None:
        return before
    with telling(progress, "running them without the change"):
        quiet = stays_green(runner, base, list(change.diff.files), before)
    return replace(before, note=" ".join(filter(None, [before.note, _STAY_GREEN if quiet else ""])))


_STAY_GREEN = (
    "Your tests stay green without this change: with its code put back to what it was, the tests near it pass as well."
)


def _notes(found: Iterable[tuple[FileDiff, Project]], project: Project, before: ProjectBaseline) -> list[str]:
    notes = [before.note] if before.note else []
    notes += [] if before.tests else ["The change's project has no tests near it, so suggested tests were run alone."]
    others = {other.folder or other.row.language for _, other in found if other != project}
    if others:
        named = ", ".join(f"`{name}`" for name in sorted(others))
        notes.append(
            f"Tests were generated for `{project.folder or project.row.name}` only; the change also touches {named}."
        )
    return notes


def _styled(runner: ProjectRunner, before: ProjectBaseline) -> tuple[str, str]:
    """Return the path and the text of the nearest existing test; empty if there is none."""
    path = next(iter(before.tests), "")
    return path, (text_of(runner.tree, path) or "") if path else ""


def _unit(before: ProjectBaseline, test: TestSuggestion) -> CodeUnit:
    """Return the unit that a test names in `covers`, if it is in the change; else the first changed file."""
    covers = _COVERS.match(test.covers)
    path = covers["path"] if covers and covers["path"] in before.changed else next(iter(before.changed))
    lines = before.changed[path]
    first, last = (min(lines), max(lines)) if lines else (1, 1)
    if covers and covers["path"] == path:
        first, last = int(covers["first"]), int(covers["last"] or covers["first"])
    return CodeUnit(path, path, first, last, (), "", frozenset(range(first, min(last, first + 10_000) + 1)))


@dataclass(frozen=True, slots=True)
class LanguageTestPrompts:
    """Makes the prompts about one project. `sibling` is the path and text of an existing test."""

    prompter: Prompter
    project: Project
    sibling: tuple[str, str]

    def tests(self, part: Chunk) -> Prompt:
        """Return the prompt for tests of a part of the change, with the runner's name and an existing test."""
        path, text = self.sibling
        words = render_template(
            "tests/runner.md", name=self.project.row.name, folder=printable_path(self.project.folder),
            fence=self.prompter.fence, path=printable_path(path) if path else "",
            text=code_excerpt(text, MOST_SIBLING),
        )  # fmt: skip
        return with_more_words(self.prompter.tests(part), words)

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and the reason why a gate stopped it."""
        fence, path = self.prompter.fence, printable_path(candidate.path)
        return repair_prompt_for_test(prompt, candidate, stopped, fence=fence, path=path, plain=code_excerpt)

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks, independently, whether a failing test is right."""
        words = render_template(
            "verify/reproduction.md", fence=self.prompter.fence, name=printable_path(candidate.unit.covers),
            test=code_excerpt(candidate.code, MOST_CODE),
            failure=code_excerpt(f"{failure.test}\n{failure.message}", MOST_EVIDENCE),
        )  # fmt: skip
        system = prompt.messages[0].content
        return prompt_of(Task.VERIFY, words, system=system, shown=shown_in(prompt), qualifier="reproduction")

    def confirm_expectations(self, prompt: Prompt, candidate: Candidate, evidence: Evidence) -> Prompt:
        """Return the prompt that asks, independently, whether the tests of a file demand what is promised."""
        names = [test.name for test in single_tests(self.project.row.language, candidate.code)] or [WHOLE]
        claims = [{"name": name, "before": name in evidence.failing_before, "demands": ""} for name in names]
        words = render_template(
            "verify/expectations.md", fence=self.prompter.fence, name=printable_path(candidate.unit.covers),
            test=code_excerpt(candidate.code, MOST_CODE), claims=claims,
        )  # fmt: skip
        system = prompt.messages[0].content
        return prompt_of(Task.VERIFY, words, system=system, shown=shown_in(prompt), qualifier="expectations")


@dataclass(frozen=True, slots=True)
class _OtherLanguages:
    """The steps of the repair loop for languages other than Python."""

    judging: LanguageGates
    prompts: LanguageTestPrompts

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        if candidate.path in taken:
            return GateFailure(Gate.POLICY, "Another suggested test has that path.", "Choose another path.")
        return self.judging.judge(candidate)

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        return self.prompts.repair(prompt, candidate, stopped)

    def only_expectation_changed(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        if not stopped.failures:
            return None
        if only_values_changed(before.code, after.code):
            return stopped.failures[0].test
        olds, news = self._texts(before), self._texts(after)
        for failure in stopped.failures:
            old = olds.get(name_in(failure.test, olds), "")
            if failure.asserted and old and any(turned(old, text) for text in news.values()):
                return failure.test
        return None

    def tests_of(self, candidate: Candidate) -> tuple[str, ...]:
        names = tuple(test.name for test in single_tests(self._language, candidate.code))
        return names if names and len(set(names)) == len(names) else (WHOLE,)

    def without(self, candidate: Candidate, names: Collection[str]) -> Candidate | None:
        if set(self.tests_of(candidate)) <= set(names):
            return None
        return replace(candidate, code=without_single_tests(self._language, candidate.code, names))

    def contradicting(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        test = name_in(failed.failure.test, self._texts(failed.candidate))
        before = self._texts(failed.candidate).get(test, failed.candidate.code)
        return frozenset(
            name
            for name, text in self._texts(kept).items()
            if demand_text(text) != demand_text(before) and same_inputs(before, text)
        )

    def renewed(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        before = {demand_text(text) for text in self._texts(failed.candidate).values()}
        return frozenset(name for name, text in self._texts(kept).items() if demand_text(text) not in before)

    def _texts(self, candidate: Candidate) -> dict[str, str]:
        """Return the text of each test, by the names of `tests_of`."""
        names = self.tests_of(candidate)
        if names == (WHOLE,):
            return {WHOLE: candidate.code}
        rows = candidate.code.split("\n")
        found = single_tests(self._language, candidate.code)
        return {
            test.name: "\n".join(rows[test.first + 1 : test.last + 1] or rows[test.first : test.last + 1])
            for test in found
        }

    @property
    def _language(self) -> str:
        return self.prompts.project.row.language

    def confirm_expectations(self, prompt: Prompt, candidate: Candidate, evidence: Evidence) -> Prompt:
        return self.prompts.confirm_expectations(prompt, candidate, evidence)

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        return self.judging.fails_again(candidate, failure)

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        return self.prompts.confirm_failure(prompt, candidate, failure)
