"""Find the existing tests whose expectation the change alters: they fail with it by assertion, and pass without it.

A test that the change itself wrote or edited does not count. Each fails again in new processes, so that a flaky one
does not count either. Effects only through the client.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reviewer.languages.parsers import python_tree
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import ChangeUnderTest, CodeUnit, FailedTest
from reviewer.testgen.python.baseline import Baseline, file_of
from reviewer.testgen.python.editing.least_edit import parsed_alone
from reviewer.testgen.python.editing.same_inputs import function_text
from reviewer.testgen.python.gates.demands import named_tests
from reviewer.testgen.python.gates.own_share import name_of
from reviewer.testgen.python.gates.run_gates import GateContext, failed_test
from reviewer.testgen.python.harness_client import HarnessRun
from reviewer.testgen.python.harness_report import FileCoverage, HarnessTestResult
from reviewer.testgen.working_tree import text_of

#: The most tests that are judged and updated in one generation.
MOST_ALTERED = 5

_BROKEN = (SyntaxError, ValueError, RecursionError)

#: The conditions under which a test must fail again.
_AGAIN = (
    HarnessRun(reverse=True, environment={"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}),
    HarnessRun(environment={"PYTHONHASHSEED": "90210", "LC_ALL": "C"}),
)


@dataclass(frozen=True, slots=True)
class AlteredTest:
    """An existing test that the change makes fail: its file, its name in it, its code, and its first failing case.

    `ids` are all of its failing cases, `unit` is the changed function that it runs.
    """

    path: str
    name: str
    code: str
    failure: FailedTest
    ids: frozenset[str]
    unit: CodeUnit

    @property
    def shown(self) -> str:
        """The test as people name it."""
        return f"{self.path}::{self.name.replace('.', '::')}"


def altered_tests(subject: ChangeUnderTest, context: GateContext) -> tuple[AlteredTest, ...]:
    """Return the tests of the base that the change makes fail, at most MOST_ALTERED."""
    before = context.before
    cases: dict[tuple[str, str], list[HarnessTestResult]] = {}
    for test in before.failed:
        path = file_of(test.id, context.head)
        names = _names(text_of(context.head.tree, path) or "") if path else ()
        if path and is_test(path) and (name := name_of(test.id, names)):
            cases.setdefault((path, name), []).append(test)
    found: list[AlteredTest] = []
    for (path, name), failed in cases.items():
        unit = _unit_of(failed, context.units, before)
        code = _code_of_both(subject, path, name)
        if unit and code and all(test.asserted and test.id in before.altered for test in failed):
            ids = frozenset(test.id for test in failed)
            found.append(AlteredTest(path, name, code, failed_test(failed[0], context.head), ids, unit))
    return _failing_again(found[:MOST_ALTERED], context)


def _names(text: str) -> tuple[str, ...]:
    try:
        return tuple(name for name, _ in named_tests(python_tree(text)))
    except _BROKEN:
        return ()


def _unit_of(failed: Sequence[HarnessTestResult], units: Iterable[CodeUnit], before: Baseline) -> CodeUnit | None:
    """Return the changed function of which these cases run most lines."""
    ids = {test.id for test in failed}

    def lines(unit: CodeUnit) -> int:
        contexts = before.files.get(unit.path, FileCoverage()).contexts
        return sum(bool(ids.intersection(contexts.get(str(row), ()))) for row in range(unit.first, unit.last + 1))

    counts = [(lines(unit), unit) for unit in units]
    most, unit = max(counts, key=lambda pair: pair[0], default=(0, None))
    return unit if most else None


def _code_of_both(subject: ChangeUnderTest, path: str, name: str) -> str | None:
    """Return the test's code if it means the same in both versions; None for a test that the change wrote or edited."""
    old_paths = {file.path: file.old_path or file.path for file in subject.change.diff.files}
    head = text_of(subject.head, path) or ""
    base = (text_of(subject.base, old_paths.get(path, path)) or "") if subject.base else ""
    if "\r" in head or "\f" in head:
        return None  # Python and git count the lines of such a file differently
    try:
        now, old = function_text(head, name), function_text(base, name)
        same = now and old and ast.dump(parsed_alone(now)) == ast.dump(parsed_alone(old))
    except _BROKEN:
        return None
    return now if same else None


def _failing_again(tests: Sequence[AlteredTest], context: GateContext) -> tuple[AlteredTest, ...]:
    """Return those of which the same cases fail by their assertion each time."""
    left = list(tests)
    for condition in _AGAIN if tests else ():
        paths = tuple(dict.fromkeys(test.path for test in tests))
        report = context.head.run(replace(condition, paths=paths, seconds=context.budget.run_seconds))
        failed = {test.id for test in report.bad if test.asserted}
        left = [test for test in left if test.ids <= failed]
    return tuple(left)
