"""Detect a repair that only changes the expected value to what the code returned. Pure.

Such a repair would confirm a defect: the test failed because the code is wrong, and now it expects the wrong value.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator

from reviewer.languages.parsers import python_tree
from reviewer.testgen.python.gates.assertions import TestFunction, test_functions
from reviewer.testgen.python.gates.dotted_names import dotted

#: Calls that build an expected value; any other call in an assertion is the code under test.
_BUILDERS = frozenset({"approx", "set", "frozenset", "tuple", "list", "dict", "date", "datetime", "timedelta", "bytes"})


def only_expectation_changed(before: str, after: str, failed: Collection[str]) -> str | None:
    """Return the name of a failed test that the repair made pass only by changing its expectations.

    `before` and `after` are test files that parse; `failed` are names of tests (`test_x`) that failed before. None if
    every failed test is gone, unchanged, or differs in more than its expectations: a literal, a value built of
    literals, an inverted comparison or a `not`. A renamed test counts as the same test.
    """
    old, new = python_tree(before), python_tree(after)
    known = {test.name for test in test_functions(old)}
    renewed = test_functions(new)
    for test in test_functions(old):
        if test.name not in failed:
            continue
        same = [other for other in renewed if other.name == test.name]
        for other in same or [other for other in renewed if other.name not in known]:
            was, now = _Expecting(old, test), _Expecting(new, _named(other, test.name))
            if was.rest == now.rest and was.expected != now.expected:
                return test.name
    return None


def _named(test: TestFunction, name: str) -> TestFunction:
    renamed = copy.copy(test)
    renamed.name = name
    return renamed


class _Expecting:
    """A test split into the values that it expects and the rest."""

    def __init__(self, tree: ast.Module, test: TestFunction) -> None:
        self.expected: list[str] = []
        self._names = _compared_names(test)
        assignments = [node for node in tree.body if self._gives(node)]
        self.rest = "\n".join(self._dump(node) for node in [*assignments, test])

    def _gives(self, node: ast.AST) -> bool:
        """Whether the node assigns a name that an assertion compares with."""
        targets = node.targets if isinstance(node, ast.Assign) else []
        return any(isinstance(target, ast.Name) and target.id in self._names for target in targets)

    def _dump(self, node: ast.AST, *, expecting: bool = False) -> str:
        if expecting and isinstance(node, ast.expr) and _value(node):
            self.expected.append(ast.dump(node))
            return "?"
        if expecting and isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.expected.append("not")
            return self._dump(node.operand, expecting=True)
        if expecting and isinstance(node, ast.cmpop):
            self.expected.append(type(node).__name__)
            return "?"
        if isinstance(node, ast.Call) and "parametrize" in dotted(node.func):
            return self._fields(node, inner=True)
        inner = isinstance(node, ast.Assert) or _asserting(node) or self._gives(node)
        return self._fields(node, inner=inner or (expecting and not isinstance(node, ast.Call)))

    def _fields(self, node: ast.AST, *, inner: bool) -> str:
        parts: list[str] = []
        for _, value in ast.iter_fields(node):
            values = value if isinstance(value, list) else [value]
            parts += [self._dump(item, expecting=inner) if isinstance(item, ast.AST) else repr(item) for item in values]
        return f"{type(node).__name__}({', '.join(parts)})"


def _compared_names(test: TestFunction) -> set[str]:
    """Return the names that are one side of a comparison in an assertion: their values are expectations."""
    found: set[str] = set()
    for part in _expectations(test):
        for node in ast.walk(part):
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            sides = [*node.args] if _asserting(node) and isinstance(node, ast.Call) else sides
            found |= {side.id for side in sides if isinstance(side, ast.Name)}
    return found


def _expectations(test: TestFunction) -> Iterator[ast.AST]:
    return (node for node in ast.walk(test) if isinstance(node, ast.Assert) or _asserting(node))


def _asserting(node: ast.AST) -> bool:
    """Whether the node is a call of one of unittest's methods."""
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2].startswith("assert")


def _value(node: ast.expr) -> bool:
    """Whether the expression is a literal, or a value built of literals."""
    if isinstance(node, ast.Call):
        name = dotted(node.func).rpartition(".")[2]
        parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        return (name in _BUILDERS or name[:1].isupper()) and bool(parts) and all(_value(part) for part in parts)
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
