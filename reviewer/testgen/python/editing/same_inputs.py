"""Compare two versions of a test file: is one test's expectation all that differs? Pure.

The test is written out as steps, with names replaced by their values and rows of tables one by one: what it does, in
order, and what it checks. An update may only change what a check expects of the same result, and must expect as much.
What cannot be compared counts as changed.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence

from reviewer.languages.parsers import python_tree
from reviewer.testgen.python.editing.check_steps import Check, Incomparable, Steps, table_rows
from reviewer.testgen.python.editing.least_edit import indented
from reviewer.testgen.python.editing.strength import weakened
from reviewer.testgen.python.gates.assertions import TestFunction
from reviewer.testgen.python.gates.demands import named_tests, raised_by
from reviewer.testgen.python.gates.written_values import constants


def function_text(code: str, name: str) -> str | None:
    """Return the lines of the test with that name, decorators included; None if there is not just one."""
    found = _only(python_tree(code), name)
    return None if found is None else "\n".join(code.split("\n")[slice(*_lines(found))])


def replaced(code: str, name: str, answer: str) -> str:
    """Return the file with the test replaced by the answer: the function, or the whole file.

    Raises SyntaxError if the answer cannot be parsed, KeyError if the file has no such test.
    """
    old = _only(python_tree(code), name)
    if old is None:
        raise KeyError(name)
    answer = answer.strip("\n")
    plain = indented(answer, "")
    tree = python_tree(plain)
    if len(tree.body) != 1 or not isinstance(tree.body[0], TestFunction):
        return answer + "\n"
    here = "\n".join(plain.split("\n")[slice(*_lines(tree.body[0]))])
    first, last = _lines(old)
    whole = code.split("\n")
    margin = whole[first][: len(whole[first]) - len(whole[first].lstrip())]
    return "\n".join([*whole[:first], *indented(here, margin).split("\n"), *whole[last:]])


def not_only_expectation(before: str, after: str, name: str) -> str:
    """Return in a sentence what else the update changes than what the test expects; empty if that is all."""
    try:
        old_tree, new_tree = python_tree(before), python_tree(after)
    except (SyntaxError, ValueError, RecursionError) as error:
        return f"The updated file does not parse: {error}."
    old, new = _only(old_tree, name), _only(new_tree, name)
    if old is None or new is None:
        return f"It leaves no test `{name}`."
    if _rest(old_tree, name) != _rest(new_tree, name):
        return f"It changes more than `{name}`."
    if _frame(old) != _frame(new):
        return f"It changes how `{name}` is called or marked."
    if problem := _described(old, new, name):
        return problem
    try:
        earlier, later = (_steps(tree, test) for tree, test in ((old_tree, old), (new_tree, new)))
    except Incomparable as error:
        return f"It cannot be told whether the inputs stay: {error}."
    return _compared(earlier, later, name)


def expected_errors(code: str, name: str) -> frozenset[str]:
    """Return the names of the exceptions that the test expects, without their modules."""
    test = _only(python_tree(code), name)
    items = (item for node in ast.walk(test) if isinstance(node, ast.With) for item in node.items) if test else ()
    return frozenset(raised_by(item.context_expr).rpartition(".")[2] for item in items) - {""}


def _compared(old: Sequence[str | Check], new: Sequence[str | Check], name: str) -> str:
    if sum(isinstance(step, Check) for step in new) < sum(isinstance(step, Check) for step in old):
        return f"It takes an assertion out of `{name}`."
    if [_given(step) for step in old] != [_given(step) for step in new]:
        return f"It changes what `{name}` does or with which input, not only what it expects."
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if isinstance(a, Check) and isinstance(b, Check) and a != b]
    if not pairs:
        return f"It changes nothing that `{name}` expects."
    return weakened(pairs, old, f"`{name}`")


def _described(old: TestFunction, new: TestFunction, name: str) -> str:
    """Return what an update does to the description of the test that it must not do."""
    before, after = ast.get_docstring(old), ast.get_docstring(new)
    if before and not after:
        return f"It takes the description of `{name}` away."
    if before != after and any(">>>" in text for text in (before, after) if text):
        return f"It changes examples in the description of `{name}`, which may be run."
    return ""


def _given(step: str | Check) -> tuple[str, str]:
    return ("check", step.given) if isinstance(step, Check) else ("do", step)


def _only(tree: ast.Module, name: str) -> TestFunction | None:
    found = [test for known, test in named_tests(tree) if known == name]
    return found[0] if len(found) == 1 else None


def _lines(test: TestFunction) -> tuple[int, int]:
    """Return the first line of the test, counted from 0, and the line behind its last."""
    first = min([test.lineno, *(decorator.lineno for decorator in test.decorator_list)])
    return first - 1, test.end_lineno or test.lineno


def _rest(tree: ast.Module, name: str) -> str:
    """Return the file's syntax without the inside of the test."""
    rest = copy.deepcopy(tree)
    test = _only(rest, name)
    assert test is not None
    test.body, test.decorator_list, test.args = [], [], ast.arguments([], [], None, [], [], None, [])
    return ast.dump(rest)


def _frame(test: TestFunction) -> tuple[str, ...]:
    """Return what is around the statements: kind, arguments and decorators, without the values in tables."""
    marks = [ast.dump(node) for node in test.decorator_list if table_rows(node) is None]
    tables = [rows.frame for node in test.decorator_list if (rows := table_rows(node)) is not None]
    return (type(test).__name__, ast.dump(test.args), *marks, *tables)


def _steps(tree: ast.Module, test: TestFunction) -> list[str | Check]:
    """Return the steps of the test, for each row of its tables."""
    if any(isinstance(node, ast.NamedExpr) for node in ast.walk(test)):
        raise Incomparable("it sets a name inside an expression")
    own = {argument.arg for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)}
    shared = {name: value for name, value in constants(tree.body).items() if name not in own}
    return [step for values in _rows(test, shared) for step in Steps(dict(values)).read(_statements(test))]


def _statements(test: TestFunction) -> list[ast.stmt]:
    return test.body[1:] if ast.get_docstring(test) is not None else test.body


def _rows(test: TestFunction, shared: Mapping[str, ast.expr]) -> Iterator[Mapping[str, ast.expr]]:
    """Yield the values of names for each row of all tables together."""
    rows: list[Mapping[str, ast.expr]] = [shared]
    for decorator in test.decorator_list:
        table = table_rows(decorator)
        if table is not None:
            rows = [{**row, **dict(more)} for more in table.rows for row in rows]
    yield from rows
