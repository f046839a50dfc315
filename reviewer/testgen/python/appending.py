"""Tests that proved something, tried at the end of a test file of the change: there a suggestion takes one click.

GitHub's suggestion block replaces lines that stand in the diff, so it can add to a file whose last line does
(https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests), and cannot
make a new one. Promises: existing lines stay as they are; the tests mean there what they meant in a file of their own,
and ran there, in as many ways, beside what the file has. Where that does not hold they stay a file of their own.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reviewer.diff.model import Anchor
from reviewer.domain.findings import Appendix, TestSuggestion
from reviewer.languages.paths import is_test
from reviewer.safety.markdown import postable
from reviewer.safety.redaction import redact
from reviewer.testgen.evidence import ChangeUnderTest
from reviewer.testgen.python.gates.run_gates import CONDITIONS, GateContext
from reviewer.testgen.python.gates.static_gates import test_functions
from reviewer.testgen.python.harness_client import HarnessRun
from reviewer.testgen.python.harness_report import function_of
from reviewer.testgen.repair_loop import TreeChanged, restore
from reviewer.testgen.working_tree import changed_to, snapshot, text_of

#: Lines above the new ones that a patch shows, as git does.
_CONTEXT = 3

#: Names that change how every test of a module is run.
_RULES = frozenset(
    {"pytestmark", "setup_module", "teardown_module", "setup_function", "teardown_function", "setUpModule"}
    | {"tearDownModule", "load_tests", "__test__", "pytest_generate_tests"}
)


@dataclass(frozen=True, slots=True)
class End:
    """A test file of the change whose last line takes a suggestion, and its text."""

    path: str
    anchor: Anchor
    text: str


def ends_of(subject: ChangeUnderTest, bench: GateContext) -> tuple[End, ...]:
    """Return the ends of the change's test files to which tests can be added."""
    diff = subject.change.diff
    found: list[End] = []
    for file in diff.files:
        if not is_test(file.path) or file.path not in bench.before.test_files or file.symlink:
            continue
        text = text_of(subject.head, file.path) or ""
        anchor = diff.anchor(file.path, text.count("\n"))
        # What is above is quoted in the suggestion: it must come out as it went in.
        plain = text.endswith("\n") and "\r" not in text and postable(text) and not redact(_above(text))[1]
        if anchor is not None and plain:
            found.append(End(file.path, anchor, text))
    return tuple(found)


def with_appendices(
    tests: Sequence[TestSuggestion], ends: Sequence[End], bench: GateContext, in_time: Callable[[], bool]
) -> tuple[TestSuggestion, ...]:
    """Return the tests; those that hold at an end with their appendix. Each is tried below those before it."""
    grown = {end.path: end.text for end in ends}
    done: list[TestSuggestion] = []
    for test in tests:
        appendix = None
        for end in ends:
            code = appended(grown[end.path], test.code)
            if code is None or not in_time() or not _holds(end.path, f"{grown[end.path]}{code}", test, bench):
                continue
            grown[end.path] += code
            appendix = Appendix(end.anchor, _above(end.text), code.removesuffix("\n"))
            break
        done.append(replace(test, appendix=appendix))
    return tuple(done)


def _above(text: str) -> str:
    return "\n".join(text.removesuffix("\n").split("\n")[-_CONTEXT:])


def _holds(path: str, text: str, test: TestSuggestion, bench: GateContext) -> bool:
    """Whether the file passes with its new end, in fresh processes under all conditions, and every new test is run."""
    names = {function.name for function in test_functions(ast.parse(test.code))}
    untouched = snapshot(bench.head.tree)
    try:
        with changed_to(bench.head.tree, path, text):
            for condition in (HarnessRun(), *CONDITIONS):
                wanted = replace(condition, paths=(path,), seconds=bench.budget.run_seconds)
                report = bench.head.run(wanted)
                passed = {function_of(one.id) for one in report.tests if one.outcome == "passed"}
                if not report.green or report.left or not names <= passed:
                    return False
        restore(bench.head.tree, untouched)
    except (FileNotFoundError, TreeChanged):
        return False
    return True


def appended(existing: str, code: str) -> str | None:
    """Return the text to put at the end of a test file so that the tests of `code` stand there, None where they cannot.

    They can where the file imports the same names from the same places, defines none of the others that they use or
    define, and has no rules for all of its tests. Pure.
    """
    try:
        there, new = ast.parse(existing), ast.parse(code)
        taken, used = _bound(existing), _names(new)
    except (SyntaxError, ValueError, RecursionError):
        return None
    wanted = set(_imported(new))
    if not wanted <= set(_imported(there)) or _has_rules(there, taken):
        return None
    if taken & (used - {name for name, _ in wanted}):
        return None
    body = _body(new, code)
    return f"\n\n{body}\n" if body else None


def _bound(source: str) -> set[str]:
    """Return the names that a module binds at its top level, branches included."""
    table = symtable.symtable(source, "there.py", "exec")
    return {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}


def _names(tree: ast.Module) -> set[str]:
    """Return all names that the file defines, reads or takes as an argument: a fixture is named by an argument."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what the file imports at its top level: the name it gets, and where it is from."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for one in node.names:
                bound = one.asname or one.name.partition(".")[0]
                yield bound, f"import {one.name}{' as' if one.asname else ''}"
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                yield one.asname or one.name, f"from {'.' * node.level}{node.module or ''} import {one.name}"


def _has_rules(tree: ast.Module, taken: set[str]) -> bool:
    """Whether something in the file changes how tests at its end are run, or its end is no place for them."""
    last = tree.body[-1] if tree.body else None
    if taken & (_RULES | set(dir(builtins))) or isinstance(last, ast.If):
        return True
    return any(isinstance(node, ast.keyword) and node.arg == "autouse" for node in ast.walk(tree))


def _body(tree: ast.Module, code: str) -> str:
    """Return the code below its imports; empty where anything else stands among them."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    start = imports[-1].end_lineno or 0 if imports else 0
    above = [node for node in tree.body if node.lineno <= start and node not in imports]
    documented = ast.get_docstring(tree) is not None
    if above[documented:] or not imports:
        return ""
    return "\n".join(code.split("\n")[start:]).strip("\n")
