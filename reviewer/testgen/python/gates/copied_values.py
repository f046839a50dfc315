"""Whether a repair only wrote down what the code happened to do: the expectation changed, the test did not. Pure.

That is how a defect gets a certificate: the test failed because the code is wrong, and now it demands the wrong value.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator

from reviewer.testgen.python.gates.static_gates import TestFunction, dotted, test_functions

#: Calls that build a value to compare with; any other call in an assertion is what is tested.
_BUILDERS = frozenset({"approx", "set", "frozenset", "tuple", "list", "dict", "date", "datetime", "timedelta", "bytes"})


def only_expectation_changed(before: str, after: str, failed: Collection[str]) -> str | None:
    """Return the name of a failed test that the repair made pass by other expectations alone.

    `before` and `after` are test files that parse; `failed` are names of tests (`test_x`) that failed before. None when
    every failed test is gone, untouched, or different in more than what it expects: a literal, a value built of
    literals, a turned comparison or a `not`. Another name makes no other test.
    """
    old, new = ast.parse(before), ast.parse(after)
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
    """A test taken apart: what it expects, and the rest of it."""

    def __init__(self, tree: ast.Module, test: TestFunction) -> None:
        self.expected: list[str] = []
        self._names = _compared_names(test)
        given = [node for node in tree.body if self._gives(node)]
        self.rest = "\n".join(self._dump(node) for node in [*given, test])

    def _gives(self, node: ast.AST) -> bool:
        """Whether the node gives a value to a name that an assertion compares with."""
        targets = node.targets if isinstance(node, ast.Assign) else []
        return any(isinstance(one, ast.Name) and one.id in self._names for one in targets)

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
            parts += [self._dump(one, expecting=inner) if isinstance(one, ast.AST) else repr(one) for one in values]
        return f"{type(node).__name__}({', '.join(parts)})"


def _compared_names(test: TestFunction) -> set[str]:
    """Return the names that stand in an assertion as one side of it: their values are expectations."""
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
        parts = [*node.args, *(one.value for one in node.keywords)]
        return (name in _BUILDERS or name[:1].isupper()) and bool(parts) and all(_value(part) for part in parts)
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
