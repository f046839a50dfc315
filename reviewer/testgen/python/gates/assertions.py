"""Find the tests of a file and check that each asserts something that can fail. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from reviewer.testgen.python.gates.dotted_names import dotted

TestFunction = ast.FunctionDef | ast.AsyncFunctionDef


def test_functions(tree: ast.Module) -> tuple[TestFunction, ...]:
    """Return the functions that a test framework would collect by their names, without fixtures and helper classes.

    If it would collect none, return those that were probably meant to be tests.
    """
    found = [test for owner, test in _named_as_tests(tree) if owner is None or owner.bases or owner.name[:4] == "Test"]
    return tuple(found or (test for _, test in _named_as_tests(tree)))


def _named_as_tests(node: ast.Module | ast.ClassDef) -> Iterator[tuple[ast.ClassDef | None, TestFunction]]:
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from ((owner or child, test) for owner, test in _named_as_tests(child))
        elif isinstance(child, TestFunction) and child.name.startswith("test") and not _is_fixture(child):
            yield None, child


def _is_fixture(function: TestFunction) -> bool:
    return any("fixture" in ast.dump(decorator) for decorator in function.decorator_list)


def empty_tests(tree: ast.Module) -> Iterator[str]:
    """Yield a sentence for each test that asserts nothing, asserts what always holds, or swallows an exception."""
    tests = test_functions(tree)
    if not tests:
        yield "The file has no test."
    asserting = {node.name for node in ast.walk(tree) if isinstance(node, TestFunction) and any(_assertions(node, ()))}
    for test in tests:
        assertions = list(_assertions(test, asserting - {test.name}))
        if not assertions:
            yield f"`{test.name}` asserts nothing."
        elif all(_weak(assertion) for assertion in assertions):
            yield f"`{test.name}` only asserts what is always true, a type, or that something is not None."
        for node in ast.walk(test):
            if isinstance(node, ast.ExceptHandler | ast.Call) and _swallows(node):
                yield f"`{test.name}` swallows an exception (line {node.lineno})."


#: With these a failing assertion is caught as well.
_CAUGHT = ("AssertionError", "Exception", "BaseException")


def _swallows(node: ast.ExceptHandler | ast.Call) -> bool:
    """Whether an exception is caught and nothing done; to return is something, unless assertions are caught too."""
    if isinstance(node, ast.Call):
        suppresses = dotted(node.func).rpartition(".")[2] == "suppress"
        return suppresses and any(dotted(argument) in _CAUGHT for argument in node.args)
    catches_all = node.type is None or any(dotted(part) in _CAUGHT for part in ast.walk(node.type))
    return all(
        isinstance(statement, ast.Pass | ast.Continue)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (catches_all and isinstance(statement, ast.Return))
        for statement in node.body
    )


def _assertions(function: ast.AST, helpers: Collection[str]) -> Iterator[ast.AST]:
    """Yield the assertions: statements, `raises`, unittest's methods, calls of the file's functions that assert."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2]
            if name in ("raises", "warns", "fail") or re.match(r"assert[A-Z_]", name) or name in helpers:
                yield node


def _weak(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Tuple) and node.elts):
        return True
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant)
    if isinstance(node, ast.BoolOp):
        always = [isinstance(value, ast.Constant) and bool(value.value) for value in node.values]
        return (isinstance(node.op, ast.Or) and any(always)) or all(_weak(value) for value in node.values)
    if isinstance(node, ast.Compare):
        return _weak_comparison(node)
    if isinstance(node, ast.Call):
        name = dotted(node.func).rpartition(".")[2]
        if name in ("isinstance", "hasattr", "callable", "issubclass", "assertIsInstance", "assertIsNotNone"):
            return True
        if name in ("assertTrue", "assertFalse") and node.args:
            return _weak(node.args[0])
        if name in ("assertEqual", "assertIs") and len(node.args) >= 2:
            return ast.dump(node.args[0]) == ast.dump(node.args[1])
    return False


def _weak_comparison(node: ast.Compare) -> bool:
    left, right, op = node.left, node.comparators[0], node.ops[0]
    if ast.dump(left) == ast.dump(right) or (isinstance(left, ast.Constant) and isinstance(right, ast.Constant)):
        return True
    if isinstance(op, ast.IsNot | ast.NotEq) and isinstance(right, ast.Constant) and right.value is None:
        return True
    if isinstance(left, ast.Call) and dotted(left.func) == "type":
        return True
    sized = isinstance(left, ast.Call) and dotted(left.func) == "len"
    return sized and isinstance(op, ast.GtE) and isinstance(right, ast.Constant) and right.value == 0
