"""Run the existing tests near a change of another language, before anything is added. Effects only by runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reviewer.diff.model import FileDiff
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import FileRun, ProjectRunner
from reviewer.testgen.languages.test_runners import SUFFIXES, project_of
from reviewer.testgen.without_change import without_change
from reviewer.testgen.working_tree import files_of, text_of

#: The most existing test files that are run, and the most that are named.
NEIGHBOURS, MOST_NAMED = 12, 3

#: Files with tests of types, which a type checker runs.
_TYPE_TESTS = re.compile(r"(?:\.test-d|\.spec-d)\.[cm]?tsx?$")


@dataclass(frozen=True, slots=True)
class ProjectBaseline:
    """The existing tests near the change, and the lines that they run, by file.

    `measured` is None if the runner does not measure coverage. `changed` are the changed lines with code, by file.
    `red` are the tests that fail before anything is added: they are set apart.
    """

    tests: tuple[str, ...]
    measured: Mapping[str, LineCoverage] | None
    changed: Mapping[str, frozenset[int]]
    red: frozenset[str] = frozenset()
    note: str = ""

    def is_run(self, path: str, line: int) -> bool:
        """Whether an existing test may run the line: unknown if coverage is not measured."""
        return self.measured is None or line in self.measured.get(path, LineCoverage()).run

    def missed(self) -> frozenset[tuple[str, int]]:
        """Return the changed lines that can run and that no existing test runs."""
        known = self.measured or {}
        return frozenset(
            (path, line)
            for path, lines in self.changed.items()
            for line in lines - known.get(path, LineCoverage()).run
            if path not in known or line in known[path].can
        )


def measure_existing(runner: ProjectRunner, files: list[FileDiff]) -> ProjectBaseline | NotRun:
    """Run the existing tests near the change; those that fail are set apart. NotRun if all of them fail."""
    project = runner.project
    tests = [path for path in files_of(runner.tree, SUFFIXES[project.row.language]) if is_test(path)]
    ours = [path for path in tests if project_of(runner.tree, path) == project and not _TYPE_TESTS.search(path)]
    near = sorted(ours, key=lambda path: (-max(_shared(path, file.path) for file in files), path))[:NEIGHBOURS]
    measured: dict[str, LineCoverage] | None = {}
    kept: list[str] = []
    red: dict[str, str] = {}
    apart: list[str] = []
    for path in near:
        run = runner.run(path)
        if not run.outcomes and _declares_nothing(runner, path):
            continue  # helper code for tests, or a test of another runner
        if not any(test.verdict == "passed" for test in run.outcomes):
            apart.append(f"`{path}` is left out ({_first_line(run)})")
            continue
        kept.append(path)
        red |= {test.id: path for test in run.outcomes if test.verdict == "failed"}
        if run.measured is None or measured is None:
            measured = None
            continue
        for file, lines in run.measured.items():
            measured[file] = measured.get(file, LineCoverage()) | lines
    if apart and not kept:
        return NotRun(f"The repository's own tests do not pass here ({project.row.name}): {apart[0]}.")
    apart += [f"`{test}` in `{path}`" for test, path in red.items()]
    note = _note(apart, len(ours) - len(near))
    return ProjectBaseline(tuple(kept), measured, {it.path: _changed(it) for it in files}, frozenset(red), note)


def _first_line(run: FileRun) -> str:
    rows = [row for row in run.output.strip().split("\n") if row.strip()][-1:] or ["nothing was printed"]
    message = next((test.message.strip() for test in run.outcomes if test.verdict == "failed"), "") or rows[0]
    return " ".join(message.split())[:200]


def _note(apart: list[str], unread: int) -> str:
    """Return in words which tests were not used; empty if all were."""
    parts = []
    if apart:
        more = f"; and {len(apart) - MOST_NAMED} more" if len(apart) > MOST_NAMED else ""
        named = "; ".join(apart[:MOST_NAMED])
        parts.append(f"Existing tests that fail before anything is added were set apart: {named}{more}.")
    if unread > 0:
        parts.append(f"Only the {NEIGHBOURS} test files nearest to the change were run.")
    return " ".join(parts)


def stays_green(runner: ProjectRunner, base: Path, files: list[FileDiff], before: ProjectBaseline) -> bool:
    """Whether the existing tests pass on the code before the change as well."""
    if not before.tests:
        return False
    with without_change(runner.tree, base, files):
        return all(runner.run_again(path)[0].is_green_but_for(before.red) for path in before.tests)


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
