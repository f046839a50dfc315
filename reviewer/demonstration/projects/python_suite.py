"""Run a Python project's own tests before and after a change, and name those that no longer pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from reviewer.demonstration.runs import ChangedFiles, ClaimedPlace, SuiteRun, suite_stopped
from reviewer.domain.demonstrations import FixGate, StoppedDemonstration
from reviewer.testgen.python.baseline import file_of, related_tests
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport

#: Files that are run again where tests stopped passing, to tell flaky tests from broken ones; names in a message.
MOST_AGAIN, MOST_NAMED = 8, 3


@dataclass(slots=True)
class PythonSuite:
    """The project's own tests. `changed` are the files whose coverage is measured, `test_files` all of its test files.

    `left` returns the seconds that are left for one run.
    """

    client: HarnessClient
    changed: tuple[str, ...]
    test_files: tuple[str, ...]
    left: Callable[[], float]
    _head: SuiteRun | StoppedDemonstration | None = field(default=None, init=False)
    _report: HarnessReport | None = field(default=None, init=False)
    _paths: tuple[str, ...] = field(default=(), init=False)

    def related(self, path: str) -> tuple[str, ...]:
        """Return the test files that belong to a file by their name or their imports, nearest first."""
        return related_tests(self.client, (path,), self.test_files)

    def at_head(self) -> SuiteRun | StoppedDemonstration:
        """Run all of them once; where that takes too long, only those near the change."""
        if self._head is None:
            self._head = self._measured()
        return self._head

    def _measured(self) -> SuiteRun | StoppedDemonstration:
        if not self.test_files:
            return SuiteRun()
        report, limit = self.client.run(HarnessRun(cover=self.changed, seconds=self.left())), ""
        near = related_tests(self.client, self.changed, self.test_files)
        if report.timed_out and near:
            self._paths = near
            noun = "file" if len(near) == 1 else "files"
            limit = f"only the {len(near)} test {noun} near the change: all of them take too long"
            report = self.client.run(HarnessRun(paths=near, cover=self.changed, seconds=self.left()))
        why = "they import another copy of the code than the one under review" if report.strays else _all_broken(report)
        if report.problem or why:
            return suite_stopped(report.problem or why)
        self._report = report
        failing = len(report.bad) + len(report.errors)
        if failing:
            already = f"{failing} failed before and {'is' if failing == 1 else 'are'} not counted"
            limit = "; ".join(filter(None, [limit, already]))
        return SuiteRun({"": _passed(report)}, failing, limit)

    def covering(self, places: Sequence[ClaimedPlace]) -> tuple[str, ...]:
        """Return the test files whose tests run lines of the places."""
        if self._report is None:
            return ()
        names: set[str] = set()
        for place in places:
            file = self._report.files.get(place.path)
            names |= {test for line in place.lines for test in (file.contexts.get(str(line), ()) if file else ())}
        return tuple(sorted({path for name in names if (path := file_of(name, self.client))}))

    def with_changes(
        self,
        changed: ChangedFiles,
        places: Sequence[ClaimedPlace],
        applied: Callable[[], AbstractContextManager[None]],
    ) -> SuiteRun | StoppedDemonstration:
        """Run them with the changes applied: those that cover the places first, then all within the time that is left.

        Without changes that is their result at head.
        """
        before = self.at_head()
        if isinstance(before, StoppedDemonstration) or not changed or not before.count:
            return before
        expected = before.passed[""]
        near = self.covering(places)
        flaky = frozenset[str]()
        with applied():
            first = self.client.run(HarnessRun(paths=near, seconds=self.left())) if near else None
        if first is not None:
            names = {name for name in expected if file_of(name, self.client) in near}
            broken = self._broken(names, first, applied)
            if isinstance(broken, StoppedDemonstration):
                return broken
            flaky = broken
            if names == expected:
                return _counted(expected, _passed(first), flaky, before)
        with applied():
            report = self.client.run(HarnessRun(paths=self._paths, seconds=self.left()))
        if report.timed_out and first is not None and not first.problem:
            left_out = "only the tests that cover the changed lines: there was no time for all of them"
            limit = "; ".join(filter(None, [before.limit, left_out]))
            return _counted(expected, _passed(first), flaky, replace(before, limit=limit))
        broken = self._broken(expected, report, applied)
        if isinstance(broken, StoppedDemonstration):
            return broken
        return _counted(expected, _passed(report), broken, before)

    def _broken(
        self,
        expected: frozenset[str] | set[str],
        report: HarnessReport,
        applied: Callable[[], AbstractContextManager[None]],
    ) -> frozenset[str] | StoppedDemonstration:
        """Return the tests that are flaky; stop if others no longer pass."""
        if report.problem and not report.tests:
            return StoppedDemonstration(FixGate.KEEPS, f"With it the tests cannot be run: {report.problem[:300]}")
        missing = frozenset(expected) - _passed(report)
        if not missing:
            return frozenset()
        paths = tuple(sorted({path for name in missing if (path := file_of(name, self.client))}))[:MOST_AGAIN]
        flaky = frozenset[str]()
        if paths:
            here = frozenset(name for name in missing if file_of(name, self.client) in paths)
            again = [self.client.run(HarnessRun(paths=paths, seconds=self.left())) for _ in range(2)]
            with applied():
                after = self.client.run(HarnessRun(paths=paths, seconds=self.left()))
            flaky = here - (_passed(again[0]) & _passed(again[1])) | (here & _passed(after))
        broken = sorted(missing - flaky)
        if not broken:
            return flaky
        named = ", ".join(f"`{name}`" for name in broken[:MOST_NAMED])
        more = f" and {len(broken) - MOST_NAMED} more" if len(broken) > MOST_NAMED else ""
        return StoppedDemonstration(FixGate.KEEPS, f"It breaks {named}{more}, which passed before.")


def _all_broken(report: HarnessReport) -> str:
    """Return what stops all tests before they get to an assertion; empty if one passed or failed by its own."""
    if _passed(report) or any(test.asserted for test in report.bad):
        return ""
    if report.errors:
        return last_line(report.errors[0].text)
    return next((f"{test.kind}: {test.message}" for test in report.bad), "")


def last_line(text: str) -> str:
    """Return the line of a traceback that says what was wrong."""
    rows = [row.strip() for row in text.strip().split("\n") if row.strip()]
    errors = [row for row in rows if re.match(r"(?:E\s|[\w.]{1,100}(?:Error|Exception)\b)", row)]
    return (errors or rows or ["it cannot be imported"])[-1].removeprefix("E").strip()[:300]


def _passed(report: HarnessReport) -> frozenset[str]:
    """Return the tests that passed, each time that they were run."""
    failed = {test.id for test in report.tests if test.outcome != "passed"}
    return frozenset(test.id for test in report.tests) - failed


def _counted(expected: frozenset[str], passed: frozenset[str], flaky: frozenset[str], before: SuiteRun) -> SuiteRun:
    """Return the tests that passed before and pass now; flaky ones are not counted, and that is said."""
    unsteady = f"{len(flaky)} do not give the same result each time and are not counted" if flaky else ""
    limit = "; ".join(filter(None, [before.limit, unsteady]))
    return SuiteRun({"": (expected & passed) - flaky}, before.failed, limit)
