"""Generate tests for other languages, with a table of their test runners and the same repair loop as for Python.

As `testgen.python.generate`, with fewer gates (`gates`). Tests are generated for one project of the repository: that of
the first changed file whose test runner is known. The only effects are `ask`, `execute` and the staged trees, which are
left as they were.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
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
from reviewer.tasks.conversation.layout import prompt_of, shown_in, with_more_words
from reviewer.tasks.conversation.prompts import Prompter, render_template
from reviewer.tasks.suggest_tests import MAX_TESTS, prompts_for_tests
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
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import ProjectRunner
from reviewer.testgen.languages.gates import LanguageGates, ProjectBaseline
from reviewer.testgen.languages.static_gates import only_values_changed
from reviewer.testgen.languages.test_runners import KNOWN, SUFFIXES, Project, project_of
from reviewer.testgen.repair_loop import RepairLoop, UnitPrompt
from reviewer.testgen.repair_prompt import repair_prompt_for_test
from reviewer.testgen.working_tree import files_of, text_of

#: The most existing test files that are run; the most characters of an example test, of a run's output, of code.
NEIGHBOURS, MOST_SIBLING, MOST_EVIDENCE, MOST_CODE = 12, 8_000, 8_000, 16_000

_COVERS = re.compile(r"^(?P<path>[^:\n]{1,500}):(?P<first>\d{1,7})(?:-(?P<last>\d{1,7}))?$")


@dataclass(frozen=True, slots=True)
class StagedTrees:
    """The staged trees, and where a sandbox shows them. Toolchains keep downloaded packages in `home`."""

    head: Path
    base: Path | None
    shown_at: Path
    home: Path


def generate_language_tests(
    change: Change, settings: Settings, places: StagedTrees, ask: Ask, execute: SandboxRunner, *, salt: bytes,
    budget: GenerationBudget | None = None, now: Callable[[], float] = time.monotonic,
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
    runner = ProjectRunner(execute, project, places.head, places.shown_at, places.home, 2 * budget.run_seconds)
    before = _baseline(runner, here)
    if isinstance(before, NotRun):
        return before
    prompter, prompts = prompts_for_tests(change, settings, salt, only={file.path for file in here})
    test_prompts = LanguageTestPrompts(prompter, project, _styled(runner, before))
    loop = RepairLoop(
        _OtherLanguages(LanguageGates(runner, places.base, before, in_time), test_prompts), budget, ask, in_time
    )
    loop.run(
        [UnitPrompt(test_prompts.tests(prompt), "a part of the change", partial(_unit, before)) for prompt in prompts]
    )
    return loop.result(*_notes(found, project, before))


def _notes(found: Iterable[tuple[FileDiff, Project]], project: Project, before: ProjectBaseline) -> list[str]:
    notes = [] if before.tests else ["The change's project has no tests near it, so suggested tests were run alone."]
    others = {other.folder or other.row.language for _, other in found if other != project}
    if others:
        named = ", ".join(f"`{name}`" for name in sorted(others))
        notes.append(
            f"Tests were generated for `{project.folder or project.row.name}` only; the change also touches {named}."
        )
    return notes


def _baseline(runner: ProjectRunner, files: list[FileDiff]) -> ProjectBaseline | NotRun:
    """Run the existing tests near the change; they must pass."""
    project = runner.project
    tests = [path for path in files_of(runner.tree, SUFFIXES[project.row.language]) if is_test(path)]
    ours = [path for path in tests if project_of(runner.tree, path) == project]
    near = sorted(ours, key=lambda path: (-max(_shared(path, file.path) for file in files), path))[:NEIGHBOURS]
    measured: dict[str, LineCoverage] | None = {}
    kept: list[str] = []
    for path in near:
        run = runner.run(path)
        if not run.outcomes and _declares_nothing(runner, path):
            continue  # helper code for tests, or a test of another runner
        if not run.is_green:
            rows = [row for row in run.output.strip().split("\n") if row.strip()][-1:] or ["nothing was printed"]
            message = next((test.message.strip() for test in run.outcomes if test.verdict == "failed"), "") or rows[0]
            line = " ".join(message.split())[:200]
            return NotRun(f"The repository's own tests do not pass here ({project.row.name}, {path}: {line}).")
        kept.append(path)
        if run.measured is None or measured is None:
            measured = None
            continue
        for file, lines in run.measured.items():
            measured[file] = measured.get(file, LineCoverage()) | lines
    return ProjectBaseline(tuple(kept), measured, {file.path: _changed(file) for file in files})


_DECLARES = re.compile(
    r"\b(?:it|test|describe|specify)\b|\bfunc Test|#\[test\]|#\[\w+::test|@Test\b|@ParameterizedTest"
)


def _declares_nothing(runner: ProjectRunner, path: str) -> bool:
    return not re.search(r"\bdef test_|\bclass \w+Test\b", text := text_of(runner.tree, path) or "") and (
        _DECLARES.search(text) is None
    )


def _changed(file: FileDiff) -> frozenset[int]:
    rows = (line for hunk in file.hunks for line in hunk.lines if line.kind == "+" and re.search(r"\w", line.text))
    return frozenset(line.new for line in rows if line.new)


def _shared(path: str, other: str) -> int:
    """Return how near two paths are: shared folders count 2, the name of one in the other counts 1."""
    a, b = path.split("/"), other.split("/")
    same = sum(ours == theirs for ours, theirs in zip(a[:-1], b[:-1], strict=False))
    return 2 * same + (b[-1].split(".")[0].lower() in a[-1].lower())


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

    def tests(self, prompt: Prompt) -> Prompt:
        """Return the prompt for tests, with the runner's name and an existing test."""
        path, text = self.sibling
        words = render_template(
            "tests/runner.md", name=self.project.row.name, folder=printable_path(self.project.folder),
            fence=self.prompter.fence, path=printable_path(path) if path else "",
            text=code_excerpt(text, MOST_SIBLING),
        )  # fmt: skip
        return with_more_words(prompt, words)

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and the reason why a gate stopped it."""
        fence, plain = self.prompter.fence, code_excerpt
        return repair_prompt_for_test(prompt, candidate, stopped, fence=fence, path=candidate.path, plain=plain)

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks, independently, whether a failing test is right."""
        words = render_template(
            "verify/reproduction.md", fence=self.prompter.fence, name=printable_path(candidate.unit.covers),
            test=code_excerpt(candidate.code, MOST_CODE),
            failure=code_excerpt(f"{failure.test}\n{failure.message}", MOST_EVIDENCE),
        )  # fmt: skip
        system = prompt.messages[0].content
        return prompt_of(Task.VERIFY, words, system=system, shown=shown_in(prompt), qualifier="reproduction")


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
        copies = bool(stopped.failures) and only_values_changed(before.code, after.code)
        return stopped.failures[0].test if copies else None

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        return self.judging.fails_again(candidate, failure)

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        return self.prompts.confirm_failure(prompt, candidate, failure)
