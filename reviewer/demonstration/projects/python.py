"""Run tests of a Python project for a demonstration, with the harness of `reviewer.testgen`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reviewer.demonstration.projects.python_suite import PythonSuite, last_line
from reviewer.demonstration.projects.staged_files import WatchedTree, files_changed
from reviewer.demonstration.runs import RUNS, ChangedFiles, ClaimedPlace, ProposedTest, RanTest, SuiteRun, TestsRun
from reviewer.domain.demonstrations import DemonstrationGate, StoppedDemonstration
from reviewer.languages.allowed_tests import refused_place
from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import Candidate, CodeUnit, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.choosing.test_places import nearest_tests, new_test_path
from reviewer.testgen.python.gates.mutation_gate import run_swapped
from reviewer.testgen.python.gates.static_gates import policy, smells
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport
from reviewer.testgen.python.mutants import mutants as possible_mutants
from reviewer.testgen.python.units import statements
from reviewer.testgen.repair_loop import unfit_text
from reviewer.testgen.working_tree import added, folder_of, text_of

#: Faults of one function that are tried before and after it is simplified.
MOST_MUTANTS = 12

#: The conditions of the runs after the first.
_OTHERWISE = HarnessRun(reverse=True, repeat=RUNS - 1, environment={"PYTHONHASHSEED": "4242", "TZ": "XYZ-13:45"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class PythonProject:
    """A Python project at head. `base` runs tests in the tree without the change, if there is one."""

    client: HarnessClient
    base: HarnessClient | None
    files: tuple[str, ...]
    tests: PythonSuite
    watched: WatchedTree
    run_seconds: float = 60.0
    name: str = "pytest"

    def holds(self, path: str) -> bool:
        """Whether the file is Python in the project's folder."""
        cwd = self.client.plan.cwd
        return path.endswith(".py") and (not cwd or path.startswith(f"{cwd}/"))

    def place(self, path: str, lines: frozenset[int]) -> ClaimedPlace | None:
        """Return the statements that run when the claimed lines are used, and the function around them."""
        text = text_of(self.client.tree, path)
        try:
            tree = python_tree(text) if text is not None else None
        except (SyntaxError, ValueError, RecursionError):
            return None
        if text is None or tree is None:
            return None
        function = _function_around(tree, lines)
        if function is None:
            return ClaimedPlace(path, lines, around=lines)
        node, name = function
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        mapped = statements(text, first, node.end_lineno or node.lineno)
        inside = {line for line in lines if line in mapped}
        return ClaimedPlace(path, frozenset(inside or mapped), name, frozenset(mapped))

    def new_test(self, place: ClaimedPlace) -> str:
        """Return an unused path beside the tests of the same module; empty if no new test may stand anywhere."""
        return new_test_path(
            _subject(place), self._tests_near(place), self.client, frozenset(self.files), ending="claim"
        )

    def example(self, place: ClaimedPlace) -> tuple[str, str]:
        """Return the nearest existing test, and its text."""
        path = next(iter(nearest_tests(_subject(place), self._tests_near(place), self.client)), "")
        return path, (text_of(self.client.tree, path) or "") if path else ""

    def _tests_near(self, place: ClaimedPlace) -> Baseline:
        """Return the project's test files, those that belong to the place first."""
        return Baseline(test_files=self.tests.test_files, siblings=self.tests.related(place.path))

    def command(self, path: str) -> str:
        """Return the command that runs the file in the project's folder."""
        cwd = self.client.plan.cwd
        inner = path.removeprefix(f"{cwd}/") if cwd else path
        line = f"python -m {self.client.plan.framework} {inner}"
        return f"cd {cwd} && {line}" if cwd else line

    def refuse(self, test: ProposedTest, place: ClaimedPlace) -> StoppedDemonstration | None:
        """Judge the text by the gates of suggested tests: its place, and what it must not do."""
        plan = self.client.plan
        candidate = Candidate(_subject(place), test.path, test.code)
        failure = unfit_text(candidate) or policy(
            candidate, roots=plan.test_roots, names=plan.names, taken=frozenset(self.files)
        )
        if failure is None and (why := refused_place(test.path, partial(folder_of, self.client.tree))):
            failure = GateFailure(Gate.POLICY, f"Its path {why}.")
        failure = failure or smells(candidate)
        if failure is None:
            return None
        gate = DemonstrationGate.SMELLS if failure.gate is Gate.SMELLS else DemonstrationGate.POLICY
        return StoppedDemonstration(gate, failure.reason)

    def run(self, test: ProposedTest, place: ClaimedPlace, changed: ChangedFiles, *, again: bool = False) -> TestsRun:
        """Run the test alone; `again`: twice in one process, under other conditions."""
        self.watched.begin()
        settings = _OTHERWISE if again else HarnessRun(cover=(place.path,))
        run = replace(settings, paths=(test.path,), watch=(place.path,), seconds=self.run_seconds)
        try:
            with files_changed(self.client.tree, changed), added(self.client.tree, test.path, test.code):
                return run_of(self.client.run(run), self.client)
        except FileExistsError:
            return TestsRun(problem=f"`{test.path}` cannot be added: something else is there", unread=True)

    def run_at_base(self, test: ProposedTest, place: ClaimedPlace) -> TestsRun | None:
        """Run the test in the tree without the change; None if there is none, or if it has that file."""
        if self.base is None or text_of(self.base.tree, place.path) is None:
            return None
        run = HarnessRun(paths=(test.path,), watch=(place.path,), seconds=self.run_seconds)
        try:
            with added(self.base.tree, test.path, test.code):
                return run_of(self.base.run(run), self.base)
        except FileExistsError:
            return None

    def leftovers(self) -> Sequence[str]:
        """Return the files that runs left in the tree. Raises TreeChanged if one changed existing files."""
        return self.watched.leftovers()

    def canary(self, place: ClaimedPlace) -> ChangedFiles | None:
        """Return the file with a statement that raises: at the start of the function, else at the end of the file."""
        text = text_of(self.client.tree, place.path)
        if text is None:
            return None
        node = next((node for node, name in _functions(python_tree(text), "") if name == place.unit), None)
        if node is None:
            return {place.path: f'{text.rstrip()}\n\nraise RuntimeError("canary")\n'}
        body = node.body[1:] if _is_docstring(node.body[0]) and len(node.body) > 1 else node.body
        first = min([body[0].lineno, *(item.lineno for item in getattr(body[0], "decorator_list", []))])
        rows = text.split("\n")
        if first == node.lineno:  # def f(): return 1
            return None
        indent = rows[first - 1][: len(rows[first - 1]) - len(rows[first - 1].lstrip())]
        return {
            place.path: "\n".join([*rows[: first - 1], f'{indent}raise RuntimeError("canary")', *rows[first - 1 :]])
        }

    def suite(self) -> SuiteRun | StoppedDemonstration:
        """Run the repository's own tests at head, once."""
        found = self.tests.at_head()
        self.watched.forget()
        return found

    def run_suite(self, changed: ChangedFiles, places: Sequence[ClaimedPlace]) -> SuiteRun | StoppedDemonstration:
        """Run them again with those files changed."""
        found = self.tests.with_changes(changed, places, partial(files_changed, self.client.tree, changed))
        self.watched.forget()
        return found

    def mutants(self, place: ClaimedPlace, changed: ChangedFiles) -> Mapping[str, bool]:
        """Return faults in the function around the place, and whether the tests that cover it notice each."""
        text = changed.get(place.path) or text_of(self.client.tree, place.path) or ""
        unit = _unit(place, text)
        paths = self.tests.covering([place])
        if unit is None or not paths:
            return {}
        chosen = [mutant for mutant in possible_mutants(unit, most=MOST_MUTANTS) if mutant.swaps]
        with files_changed(self.client.tree, changed):
            outcomes = run_swapped(unit, chosen, paths, self.client, GenerationBudget(run_seconds=self.run_seconds))
        if isinstance(outcomes, str):
            return {}
        return {
            " -> ".join(mutant.diff.split("\n")[:2]): outcome != "survived"
            for mutant, outcome in outcomes.items()
            if outcome in ("killed", "survived", "timeout")
        }


def _subject(place: ClaimedPlace) -> CodeUnit:
    """Return the place as the unit of a test."""
    return CodeUnit(place.path, place.unit, min(place.lines), max(place.lines), (), "", place.lines)


def _unit(place: ClaimedPlace, text: str) -> CodeUnit | None:
    """Return the function of the place in that text, all of its statements changed."""
    try:
        found = next(((node, name) for node, name in _functions(python_tree(text), "") if name == place.unit), None)
    except (SyntaxError, ValueError, RecursionError):
        return None
    if found is None:
        return None
    node, name = found
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    lines = frozenset(statements(text, first, last).values())
    return CodeUnit(place.path, name, first, last, tuple(sorted({first, node.lineno})), text, lines)


def run_of(report: HarnessReport, client: HarnessClient) -> TestsRun:
    """Return the harness's report as the values of a demonstration."""
    problem = report.problem
    if report.errors:
        problem = problem or last_line(report.errors[0].text)
    elif report.strays and not problem:
        problem = "the tests ran another copy of the code than the one under review"
    return TestsRun(
        tests=tuple(
            RanTest(
                test.id,
                test.outcome if test.outcome in ("passed", "failed", "error") else "skipped",
                test.kind,
                _short(test.message, client),
                _short(test.trace, client),
                test.line,
                test.asserted,
            )
            for test in report.tests
        ),
        problem=problem,
        unread=bool(report.errors) or (bool(report.problem) and not report.collected),
        ran={path: _whole_statements(client, path, file.lines) for path, file in report.files.items()},
        left=tuple(report.left),
        timed_out=report.timed_out,
    )


def _whole_statements(client: HarnessClient, path: str, lines: Sequence[int]) -> frozenset[int]:
    """Return the lines that ran, with all lines of their statements inside functions."""
    text = text_of(client.tree, path) or ""
    try:
        mapped = statements(text, 1, text.count("\n") + 1)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset(lines)
    ran = {mapped.get(line, line) for line in lines}
    return frozenset(lines) | {line for line, first in mapped.items() if first in ran}


def _short(text: str, client: HarnessClient) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace(f"{client.tree}/", "").replace(f"{client.shown_at}/", "")


def _functions(node: ast.AST, above: str) -> Iterator[tuple[_Function, str]]:
    """Yield the outermost functions and methods with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield child, above + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{above}{child.name}.")
        elif isinstance(child, ast.stmt):
            yield from _functions(child, above)


def _function_around(tree: ast.Module, lines: frozenset[int]) -> tuple[_Function, str] | None:
    for node, name in _functions(tree, ""):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if any(first <= line <= (node.end_lineno or node.lineno) for line in lines):
            return node, name
    return None


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
