"""Run the repository's own tests before anything is added, and measure their coverage of the changed files.

Tests that fail before are set apart by their ids; the rest is the baseline. There is no `Baseline`, but a `NotRun` with
the reason, if no test passes, if none is counted although there are test files, or if the suite runs other code than
the tree's. Effects only through the client.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import CodeUnit, NotRun
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import FileCoverage, HarnessReport, HarnessTestResult
from reviewer.testgen.python.units import statements
from reviewer.testgen.working_tree import changes, snapshot, text_of

#: The most failing tests and files that are named.
MOST_NAMED = 3

#: The most test files that are run instead of a suite that takes too long.
MOST_SIBLINGS = 12

#: The most existing tests that are run against one mutant. More are run by no function worth a test.
MOST_JUDGES = 400


@dataclass(frozen=True, slots=True)
class Baseline:
    """The coverage of the changed files by existing tests. `note` tells the user what limits it.

    `test_files` are the files whose tests ran, `siblings` those related to the changed files, nearest first. `limited`:
    only the siblings were run. `red` are the tests that fail before anything is added, and the files that cannot be
    collected: they are set apart. `failed` are the failing tests, `altered` the ids of those that pass without the
    change. `writes` are the files that the suite itself writes into the tree.
    """

    files: Mapping[str, FileCoverage] = field(default_factory=dict)
    tests: int = 0
    seconds: float = 0.0
    test_files: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    limited: bool = False
    note: str = ""
    red: frozenset[str] = frozenset()
    failed: tuple[HarnessTestResult, ...] = ()
    altered: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def judges(self, unit: CodeUnit, line: int) -> tuple[str, ...]:
        """Return the names of existing tests that pass and run a statement of the unit, at most MOST_JUDGES."""
        hits = self.files.get(unit.path, FileCoverage())
        mapped = statements(unit.source, unit.first, unit.last)
        same = [str(row) for row, first in mapped.items() if first == line]
        return tuple(sorted({test for row in same for test in hits.contexts.get(row, ())} - self.red)[:MOST_JUDGES])

    def test_files_of(self, unit: CodeUnit, client: HarnessClient) -> tuple[str, ...]:
        """Return the test files whose tests run lines of the unit."""
        hits = self.files.get(unit.path, FileCoverage())
        names = {test for line in range(unit.first, unit.last + 1) for test in hits.contexts.get(str(line), ())}
        return tuple(sorted({file for name in names if (file := file_of(name, client)) and is_test(file)}))


def file_of(test: str, client: HarnessClient) -> str | None:
    """Return the file of the test with that name (pytest's or unittest's) as a path of the tree."""
    name = test.partition("::")[0] if "::" in test else test
    tries = [name] if "::" in test else []
    if not tries:
        parts = name.split(".")
        tries = ["/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1)]
    for folder in dict.fromkeys((client.plan.cwd, "", *client.plan.test_roots)):
        for attempt in tries:
            path = PurePosixPath(folder, attempt).as_posix()
            if (client.tree / path).is_file():
                return path
    return None


def measure(
    client: HarnessClient, changed: Sequence[str], files: Sequence[str], *, suite_seconds: float
) -> Baseline | NotRun:
    """Run the repository's tests and return their coverage of the changed files.

    If the suite takes longer than `suite_seconds`, only the tests related to the changed files are run. A project
    without tests has an empty baseline: a new test file can still be judged alone.
    """
    prefix = f"{client.plan.cwd}/" if client.plan.cwd else ""
    tests = tuple(path for path in files if path.startswith(prefix) and is_test(path) and client.plan.collects(path))
    siblings = related_tests(client, changed, tests)
    if not tests:
        return _without_tests(client, changed)
    untouched = snapshot(client.tree)
    report = client.run(HarnessRun(cover=tuple(changed), seconds=suite_seconds))
    limited, note = False, ""
    if report.timed_out and siblings:
        limited = True
        note = (
            f"The repository's tests take longer than {suite_seconds:.0f} s, so only {len(siblings)} test "
            f"file{'s' if len(siblings) > 1 else ''} near the change were run."
        )
        report = client.run(HarnessRun(paths=siblings, cover=tuple(changed), seconds=suite_seconds))
    if why := _unusable(report, client):
        return NotRun(why)
    red = frozenset({*(test.id for test in report.bad), *(error.id for error in report.errors)})
    return Baseline(
        files=report.files,
        tests=len(report.tests),
        seconds=sum(test.seconds for test in report.tests),
        test_files=_files_of(report, client),
        siblings=siblings,
        limited=limited,
        note=" ".join(filter(None, [note, set_apart(report, client)])),
        red=red,
        failed=report.bad,
        writes=frozenset(changes(client.tree, untouched)),
    )


def set_apart(report: HarnessReport, client: HarnessClient) -> str:
    """Return in words which tests fail before anything is added; empty if none does."""
    if not (report.bad or report.errors):
        return ""
    parts = []
    by_file: dict[str, list[HarnessTestResult]] = {}
    for test in report.bad:
        by_file.setdefault(file_of(test.id, client) or test.id, []).append(test)
    sizes = Counter(file_of(test.id, client) or test.id for test in report.tests)
    whole = [(path, tests[0]) for path, tests in by_file.items() if len(tests) == sizes[path]]
    for path, first in whole[:MOST_NAMED]:
        parts.append(f"`{path}` is left out ({_why(f'{first.kind}: {first.message}')})")
    parts += [f"`{error.id}` cannot be collected ({_why(error.text)})" for error in report.errors[:MOST_NAMED]]
    single = [test for path, tests in by_file.items() if len(tests) < sizes[path] for test in tests]
    parts += [f"`{test.id}` ({_why(f'{test.kind}: {test.message}')})" for test in single[:MOST_NAMED]]
    left = len(whole) + len(report.errors) + len(single) - len(parts)
    more = f"; and {left} more" if left > 0 else ""
    return (
        f"{len(report.bad)} of {len(report.tests)} existing tests fail before anything is added"
        f"{_uncollected(report)} and were set apart: {'; '.join(parts)}{more}."
    )


def _uncollected(report: HarnessReport) -> str:
    count = len(report.errors)
    return f", {count} file{'' if count == 1 else 's'} cannot be collected," if count else ""


#: Why tests fail where they run, by words of the error.
_CAUSES = (
    (
        re.compile(r"Read-only file system|EROFS|PermissionError"),
        "it writes into the checkout, which is read-only here",
    ),
    (
        re.compile(
            r"ConnectionError|ConnectionRefused|Connection refused|gaierror|Name or service|Network is unreachable"
            r"|Temporary failure in name resolution|OperationalError|ServerSelectionTimeout|could not connect"
            r"|no database"
        ),
        "it needs a network or a service such as a database, and there is none here",
    ),
)


def _why(text: str) -> str:
    """Return the cause in a few words, with the last line of the message."""
    cause = next((words for pattern, words in _CAUSES if pattern.search(text)), "")
    line = _last_line(text)[:160]
    return f"{cause}: {line}" if cause else line


def _files_of(report: HarnessReport, client: HarnessClient) -> tuple[str, ...]:
    """Return the test files whose tests ran; files that the repository's command leaves out may not work here."""
    names = {test.id.partition("::")[0] + "::" if "::" in test.id else test.id for test in report.tests}
    files = {file for name in names if (file := file_of(name, client))}
    return tuple(sorted(file for file in files if is_test(file)))


def _without_tests(client: HarnessClient, changed: Sequence[str]) -> Baseline | NotRun:
    """Check only that the framework starts, because there is nothing to collect."""
    report = client.run(HarnessRun(paths=tuple(changed), watch=tuple(changed)))
    if report.problem:
        return NotRun(_reason(report, client))
    return Baseline(note="The repository has no tests yet, so suggested tests were run alone.")


def _unusable(report: HarnessReport, client: HarnessClient) -> str:
    """Return why this suite cannot be used; empty if it can."""
    if report.problem:
        return _reason(report, client)
    if report.strays:
        path, origin = next(iter(sorted(report.strays.items())))
        return (
            f"The tests import another copy of `{path}` than the one under review ({origin}): "
            "install the package in editable mode, or not at all."
        )
    if report.errors and not any(test.outcome == "passed" for test in report.tests):
        first = report.errors[0]
        return (
            f"The repository's tests fail before anything is added: {len(report.errors)} of their files cannot be "
            f"collected, first `{first.id}`: {_last_line(first.text)}"
        )
    if report.bad and not any(test.outcome == "passed" for test in report.tests):
        worst = report.bad[0]
        return (
            f"The repository's tests fail before anything is added: {len(report.bad)} of {len(report.tests)} "
            f"fail, first `{worst.id}`: {_last_line(worst.message) or worst.kind}. "
            "If they need a service such as a database, set `tests.command` to the tests that run without it."
        )
    if not report.tests:
        return "The test command collects no test, although there are test files: set `tests.command`."
    return ""


def _reason(report: HarnessReport, client: HarnessClient) -> str:
    if report.timed_out:
        return f"The repository's tests take too long ({report.problem}): set `tests.command` to a faster part of them."
    if "cannot be imported" in report.problem:
        return (
            f"{report.problem} by `{client.python}`. Name the interpreter that has what the tests need (`--python`, or "
            "the Action's input `tests-python`), or install it there before (locally `--setup COMMAND` does, or "
            "`tests.setup` once you confirmed it)."
        )
    return f"The repository's tests cannot be run: {report.problem}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    errors = [line for line in lines if re.match(r"(?:E\s|[\w.]+(?:Error|Exception)\b)", line)]
    return (errors or lines or [""])[-1][:300]


def related_tests(client: HarnessClient, changed: Sequence[str], tests: Sequence[str]) -> tuple[str, ...]:
    """Return the test files related to the changed files, by name or by import."""
    stems = {
        PurePosixPath(path).stem if "__init__" not in path else PurePosixPath(path).parent.name for path in changed
    }
    ranked: list[tuple[int, str]] = []
    for test in tests:
        name = PurePosixPath(test).stem
        if any(name in (f"test_{stem}", f"{stem}_test", f"test{stem}") for stem in stems):
            ranked.append((0, test))
        else:
            text = text_of(client.tree, test) or ""
            named = any(
                re.search(rf"^[ \t]*+(?:from|import)\b.*\b{re.escape(stem)}\b", text, re.MULTILINE) for stem in stems
            )
            if named:
                ranked.append((1, test))
    return tuple(test for _, test in sorted(ranked)[:MOST_SIBLINGS])
