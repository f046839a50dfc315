"""The repository's own tests before anything is added: green, counted, measured. Or the sentence that says why not.

Promises: no Baseline of a suite that is red, that counted nothing although there are tests, or that ran other code than
the tree's. Effects only through the rig.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import CodeUnit, NotRun
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import FileCoverage, HarnessReport
from reviewer.testgen.python.units import statements
from reviewer.testgen.working_tree import text_of

#: Test files that stand for the whole suite when that takes too long.
MOST_SIBLINGS = 12

#: Existing tests that are run against one mutant.
MOST_JUDGES = 25


@dataclass(frozen=True, slots=True)
class Baseline:
    """What existing tests run of the changed files. `note` says what limits it, for the user.

    `test_files` are those whose tests ran, `siblings` those that have to do with the changed files, nearest
    first. `limited`: only the siblings were run.
    """

    files: Mapping[str, FileCoverage] = field(default_factory=dict)
    tests: int = 0
    seconds: float = 0.0
    test_files: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    limited: bool = False
    note: str = ""

    def judges(self, unit: CodeUnit, line: int) -> tuple[str, ...]:
        """Return the names of existing tests that run that statement of the unit, some of them where there are many."""
        hits = self.files.get(unit.path, FileCoverage())
        mapped = statements(unit.source, unit.first, unit.last)
        same = [str(one) for one, first in mapped.items() if first == line]
        return tuple(sorted({test for one in same for test in hits.contexts.get(one, ())})[:MOST_JUDGES])

    def test_files_of(self, unit: CodeUnit, rig: HarnessClient) -> tuple[str, ...]:
        """Return the test files whose tests run lines of the unit."""
        hits = self.files.get(unit.path, FileCoverage())
        names = {test for line in range(unit.first, unit.last + 1) for test in hits.contexts.get(str(line), ())}
        return tuple(sorted({file for name in names if (file := file_of(name, rig))}))


def file_of(test: str, rig: HarnessClient) -> str | None:
    """Return the tree's path of the file in which a test of that name stands, for either framework's names."""
    name = test.partition("::")[0] if "::" in test else test
    tries = [name] if "::" in test else []
    if not tries:
        parts = name.split(".")
        tries = ["/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1)]
    for folder in dict.fromkeys((rig.plan.cwd, "", *rig.plan.test_roots)):
        for one in tries:
            path = PurePosixPath(folder, one).as_posix()
            if (rig.tree / path).is_file():
                return path
    return None


def measure(
    rig: HarnessClient, changed: Sequence[str], files: Sequence[str], *, suite_seconds: float
) -> Baseline | NotRun:
    """Run the repository's tests and return what they cover of the changed files.

    A suite that takes longer than `suite_seconds` is left, and the tests that have to do with the changed files stand
    for it. A project without any tests has an empty baseline: a new file can still prove itself alone.
    """
    prefix = f"{rig.plan.cwd}/" if rig.plan.cwd else ""
    tests = tuple(path for path in files if path.startswith(prefix) and is_test(path) and rig.plan.collects(path))
    siblings = _siblings(rig, changed, tests)
    if not tests:
        return _without_tests(rig, changed)
    report = rig.run(HarnessRun(cover=tuple(changed), seconds=suite_seconds))
    limited, note = False, ""
    if report.timed_out and siblings:
        limited = True
        note = (
            f"The repository's tests take longer than {suite_seconds:.0f} s, so only {len(siblings)} test "
            f"file{'s' if len(siblings) > 1 else ''} near the change stood for them."
        )
        report = rig.run(HarnessRun(paths=siblings, cover=tuple(changed), seconds=suite_seconds))
    if why := _unusable(report, rig):
        return NotRun(why)
    return Baseline(
        files=report.files,
        tests=len(report.tests),
        seconds=sum(test.seconds for test in report.tests),
        test_files=_files_of(report, rig),
        siblings=siblings,
        limited=limited,
        note=note,
    )


def _files_of(report: HarnessReport, rig: HarnessClient) -> tuple[str, ...]:
    """Return the test files of which tests ran; what the repository's command leaves out may not even work here."""
    names = {test.id.partition("::")[0] + "::" if "::" in test.id else test.id for test in report.tests}
    files = {file for name in names if (file := file_of(name, rig))}
    return tuple(sorted(file for file in files if is_test(file)))


def _without_tests(rig: HarnessClient, changed: Sequence[str]) -> Baseline | NotRun:
    """Ask only whether the framework starts: with nothing to collect that is what can be known."""
    report = rig.run(HarnessRun(paths=tuple(changed), watch=tuple(changed)))
    if report.problem:
        return NotRun(_in_words(report, rig))
    return Baseline(note="The repository has no tests yet: suggested ones were run alone.")


def _unusable(report: HarnessReport, rig: HarnessClient) -> str:
    """Return why nothing can be claimed beside this suite; empty when it can."""
    if report.problem:
        return _in_words(report, rig)
    if report.strays:
        path, origin = next(iter(sorted(report.strays.items())))
        return (
            f"The tests import another copy of `{path}` than the one under review ({origin}): "
            "install the package in editable mode, or not at all."
        )
    if report.errors:
        first = report.errors[0]
        return (
            f"The repository's tests are red before anything is added: {len(report.errors)} of their files cannot be "
            f"collected, first `{first.id}`: {_last_line(first.text)}"
        )
    if report.bad:
        worst = report.bad[0]
        return (
            f"The repository's tests are red before anything is added: {len(report.bad)} of {len(report.tests)} "
            f"fail, first `{worst.id}`: {_last_line(worst.message) or worst.kind}. "
            "If they need a service such as a database, set `tests.command` to the tests that run without it."
        )
    if not report.tests:
        return "The test command collects no test although there are test files: set `tests.command`."
    return ""


def _in_words(report: HarnessReport, rig: HarnessClient) -> str:
    if report.timed_out:
        return (
            f"The repository's tests take too long ({report.problem}): "
            "set `tests.command` to a part of them that is quicker."
        )
    if "cannot be imported" in report.problem:
        return (
            f"{report.problem} by `{rig.python}`. Name the interpreter that has what the tests need (`--python`, or "
            "the Action's input `tests-python`), or install it there before (locally `tests.setup` does)."
        )
    return f"The repository's tests cannot be run: {report.problem}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    told = [line for line in lines if re.match(r"(?:E\s|[\w.]+(?:Error|Exception)\b)", line)]
    return (told or lines or [""])[-1][:300]


def _siblings(rig: HarnessClient, changed: Sequence[str], tests: Sequence[str]) -> tuple[str, ...]:
    """Return the test files that have to do with the changed files: by name, by import, by nearness."""
    stems = {
        PurePosixPath(path).stem if "__init__" not in path else PurePosixPath(path).parent.name for path in changed
    }
    ranked: list[tuple[int, str]] = []
    for test in tests:
        name = PurePosixPath(test).stem
        if any(name in (f"test_{stem}", f"{stem}_test", f"test{stem}") for stem in stems):
            ranked.append((0, test))
        else:
            text = text_of(rig.tree, test) or ""
            named = any(
                re.search(rf"^\s*(?:from|import)\b.*\b{re.escape(stem)}\b", text, re.MULTILINE) for stem in stems
            )
            if named:
                ranked.append((1, test))
    return tuple(test for _, test in sorted(ranked)[:MOST_SIBLINGS])
