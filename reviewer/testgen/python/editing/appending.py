"""Try generated tests at the end of a test file of the change, where a suggestion can be accepted with one click.

GitHub's suggestion block replaces lines of the diff, so it can add to a file whose last line is in the diff
(https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests), but it
cannot create a file. Existing lines stay unchanged. At the end of the file the tests have the same meaning as in their
own file, and they were run there, under all conditions and beside the existing tests. Otherwise they stay in their own
file.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reviewer.diff.model import Anchor
from reviewer.domain.findings import Appendix, TestSuggestion
from reviewer.languages.parsers import python_tree
from reviewer.languages.paths import is_test
from reviewer.safety.code_blocks import postable
from reviewer.safety.redaction import redact
from reviewer.testgen.evidence import ChangeUnderTest
from reviewer.testgen.python.gates.assertions import test_functions
from reviewer.testgen.python.gates.run_gates import GateContext
from reviewer.testgen.python.harness_client import HarnessRun
from reviewer.testgen.python.harness_report import function_of
from reviewer.testgen.working_tree import TreeChanged, changed_to, restore, snapshot, text_of

#: Lines above the new ones that a patch shows, as in git.
_CONTEXT = 3

#: The conditions under which the file is run with its new end. The tests were run under more in their own file.
_CONDITIONS = (
    HarnessRun(),
    HarnessRun(reverse=True, environment={"PYTHONHASHSEED": "1"}),
    HarnessRun(repeat=2, environment={"PYTHONHASHSEED": "4242", "TZ": "XYZ-13:45"}),
)

#: Names that change how all tests of a module are run.
_RULES = frozenset(
    {"pytestmark", "setup_module", "teardown_module", "setup_function", "teardown_function", "setUpModule"}
    | {"tearDownModule", "load_tests", "__test__", "pytest_generate_tests"}
)


@dataclass(frozen=True, slots=True)
class End:
    """A test file of the change whose last line accepts a suggestion, and its text."""

    path: str
    anchor: Anchor
    text: str


def ends_of(subject: ChangeUnderTest, context: GateContext) -> tuple[End, ...]:
    """Return the ends of the change's test files to which tests can be added."""
    diff = subject.change.diff
    found: list[End] = []
    for file in diff.files:
        if not is_test(file.path) or file.path not in context.before.test_files or file.symlink:
            continue
        text = text_of(subject.head, file.path) or ""
        anchor = diff.anchor(file.path, text.count("\n"))
        # The suggestion quotes the lines above, so they must survive unchanged.
        plain = text.endswith("\n") and "\r" not in text and postable(text) and not redact(_above(text))[1]
        if anchor is not None and plain:
            found.append(End(file.path, anchor, text))
    return tuple(found)


def with_appendices(
    tests: Sequence[TestSuggestion], ends: Sequence[End], context: GateContext, in_time: Callable[[], bool]
) -> tuple[TestSuggestion, ...]:
    """Return the tests; those that pass at an end get their appendix. Each is tried below the ones before it."""
    texts = {end.path: end.text for end in ends}
    done: list[TestSuggestion] = []
    for test in tests:
        appendix = None
        for end in ends:
            code = appended(texts[end.path], test.code)
            if code is None or not in_time() or not _passes(end.path, f"{texts[end.path]}{code}", test, context):
                continue
            texts[end.path] += code
            appendix = Appendix(end.anchor, _above(end.text), code.removesuffix("\n"))
            break
        done.append(replace(test, appendix=appendix))
    return tuple(done)


def _above(text: str) -> str:
    return "\n".join(text.removesuffix("\n").split("\n")[-_CONTEXT:])


def _passes(path: str, text: str, test: TestSuggestion, context: GateContext) -> bool:
    """Whether the file passes with its new end, in new processes under all conditions, and every new test is run."""
    names = {function.name for function in test_functions(python_tree(test.code))}
    untouched = snapshot(context.head.tree)
    try:
        with changed_to(context.head.tree, path, text):
            for condition in _CONDITIONS:
                run = replace(condition, paths=(path,), seconds=context.budget.run_seconds)
                report = context.head.run(run)
                passed = {function_of(result.id) for result in report.tests if result.outcome == "passed"}
                bad = report.problem or report.errors or any(it.id not in context.before.red for it in report.bad)
                if bad or report.left or not names <= passed:
                    return False
        restore(context.head.tree, untouched)
    except (FileNotFoundError, TreeChanged):
        return False
    return True


def appended(existing: str, code: str) -> str | None:
    """Return the text that adds the tests of `code` to the end of a test file, None if they cannot be added.

    They can be added if the file imports the same names from the same modules, defines no other name that they use or
    define, and has no settings for all of its tests. Pure.
    """
    try:
        there, new = python_tree(existing), python_tree(code)
        taken, used = _bound(existing), _names(new)
    except (SyntaxError, ValueError, RecursionError):
        return None
    run = set(_imported(new))
    if not run <= set(_imported(there)) or _has_rules(there, taken):
        return None
    if taken & (used - {name for name, _ in run}):
        return None
    body = _body(new, code)
    return f"\n\n{body}\n" if body else None


def _bound(source: str) -> set[str]:
    """Return the names that a module binds at its top level, branches included."""
    table = symtable.symtable(source, "there.py", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _names(tree: ast.Module) -> set[str]:
    """Return all names that the file defines, reads or takes as an argument (which may name a fixture)."""
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
    """Yield the imports at the top level of the file: the bound name, and where it is from."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, f"import {alias.name}{' as' if alias.asname else ''}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"from {'.' * node.level}{node.module or ''} import {alias.name}"


def _has_rules(tree: ast.Module, taken: set[str]) -> bool:
    """Whether the file changes how tests at its end are run, or ends with an `if` block."""
    last = tree.body[-1] if tree.body else None
    if taken & (_RULES | set(dir(builtins))) or isinstance(last, ast.If):
        return True
    return any(isinstance(node, ast.keyword) and node.arg == "autouse" for node in ast.walk(tree))


def _body(tree: ast.Module, code: str) -> str:
    """Return the code below its imports; empty if there is other code between them."""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    start = imports[-1].end_lineno or 0 if imports else 0
    above = [node for node in tree.body if node.lineno <= start and node not in imports]
    documented = ast.get_docstring(tree) is not None
    if above[documented:] or not imports:
        return ""
    return "\n".join(code.split("\n")[start:]).strip("\n")
