"""Read what a test file demands: for each input, the outcome that it expects, whatever the words are. Pure.

Two tests demand the same if they give the same input and expect the same, however they name values, wherever they keep
them, and whether they assert at once or by a variable. Names are replaced by the values that the file gives them, rows
of `parametrize` and of loops over literals are written out.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reviewer.languages.parsers import python_tree
from reviewer.testgen.python.gates.assertions import TestFunction, test_functions
from reviewer.testgen.python.gates.dotted_names import dotted
from reviewer.testgen.python.gates.written_values import Values, assigned, bound, constants, resolved, text_of_node

#: Calls around the code under test, or that build a value; any other call is the input.
_AROUND = frozenset(
    {
        "len",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "str",
        "repr",
        "bool",
        "int",
        "float",
        "next",
        "iter",
    }
    | {"sum", "min", "max", "any", "all", "round", "abs", "isinstance", "type", "approx", "Decimal", "Fraction", "date"}
    | {"datetime", "timedelta", "bytes", "range", "reversed", "enumerate", "zip", "map", "filter", "Path", "vars"}
)
_SWAPPED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
METHODS: Mapping[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq, "assertEquals": ast.Eq, "assertNotEqual": ast.NotEq, "assertIs": ast.Is,
    "assertIsNot": ast.IsNot, "assertIn": ast.In, "assertNotIn": ast.NotIn, "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE, "assertLess": ast.Lt, "assertLessEqual": ast.LtE, "assertListEqual": ast.Eq,
    "assertDictEqual": ast.Eq, "assertSetEqual": ast.Eq, "assertTupleEqual": ast.Eq, "assertSequenceEqual": ast.Eq,
    "assertAlmostEqual": ast.Eq, "assertCountEqual": ast.Eq, "assertMultiLineEqual": ast.Eq,
}  # fmt: skip

#: The most rows of a table that are written out.
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Expectation:
    """One demand of a test: `given` is the call of the code under test, `demanded` what must hold of its result `_`."""

    test: str
    line: int
    given: str
    demanded: str


def expectations(code: str) -> tuple[Expectation, ...]:
    """Return the demands of all tests of a file that parses, in their order."""
    tree = python_tree(code)
    shared = constants(tree.body)
    found: list[Expectation] = []
    for name, test in named_tests(tree):
        for values in _rows_of(test, shared):
            found += _Reader(name, dict(values)).read(test.body)
    return tuple(dict.fromkeys(found))


def named_tests(tree: ast.Module) -> tuple[tuple[str, TestFunction], ...]:
    """Return the tests of a file with their names; a method's is `Class.test_x`."""
    owners = {
        id(child): f"{node.name}." for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for child in node.body
    }
    return tuple((f"{owners.get(id(test), '')}{test.name}", test) for test in test_functions(tree))


def _rows_of(test: TestFunction, shared: Values) -> list[dict[str, ast.expr]]:
    """Return the values of the test's arguments for each row of `parametrize`, on top of the module's constants."""
    own = {argument.arg for argument in (*test.args.args, *test.args.kwonlyargs)}
    rows: list[dict[str, ast.expr]] = [{name: value for name, value in shared.items() if name not in own}]
    for decorator in test.decorator_list:
        if not isinstance(decorator, ast.Call) or not dotted(decorator.func).endswith("parametrize"):
            continue
        if len(decorator.args) < 2:
            continue
        names = parameter_names(decorator.args[0])
        table = resolved(decorator.args[1], shared)
        if names and isinstance(table, ast.List | ast.Tuple):
            rows = [{**row, **more} for more in _table(names, table.elts) for row in rows][:MOST_ROWS]
    return rows


def parameter_names(node: ast.expr) -> list[str]:
    """Return the names of a `parametrize`, however they are written."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name.strip() for name in node.value.split(",") if name.strip()]
    if isinstance(node, ast.List | ast.Tuple):
        return [part.value for part in node.elts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return []


def _table(names: Sequence[str], rows: Sequence[ast.expr]) -> Iterator[dict[str, ast.expr]]:
    for row in rows[:MOST_ROWS]:
        parts: Sequence[ast.expr] = [row]
        if isinstance(row, ast.Call) and dotted(row.func).endswith("param"):
            parts = row.args
        elif len(names) > 1 and isinstance(row, ast.Tuple | ast.List):
            parts = row.elts
        if len(parts) == len(names):
            yield dict(zip(names, parts, strict=True))


class _Reader:
    """Walks through a test in order, with the values of its names so far."""

    def __init__(self, test: str, values: dict[str, ast.expr]) -> None:
        self._test = test
        self._values = values

    def read(self, body: Sequence[ast.stmt]) -> list[Expectation]:
        """Return the demands of these statements."""
        found: list[Expectation] = []
        for node in body:
            found += self._statement(node)
            for name, value in assigned(node):
                if value is None:
                    self._values.pop(name, None)
                else:
                    self._values[name] = resolved(value, self._values)
        return found

    def _statement(self, node: ast.stmt) -> list[Expectation]:
        if isinstance(node, ast.Assert):
            return self._asserted(node.test, node.lineno)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return self._method(node.value)
        if isinstance(node, ast.With | ast.AsyncWith):
            raised = [raised_by(item.context_expr) for item in node.items]
            kinds = [kind for kind in raised if kind]
            return self._raising(node.body, kinds[0], node.lineno) if kinds else self.read(node.body)
        if isinstance(node, ast.For | ast.AsyncFor):
            return self._loop(node)
        found: list[Expectation] = []
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if isinstance(inner, list) and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found += self.read(inner)
        return found

    def _loop(self, node: ast.For | ast.AsyncFor) -> list[Expectation]:
        table = resolved(node.iter, self._values)
        if not isinstance(table, ast.List | ast.Tuple | ast.Set):
            return self.read(node.body)
        found: list[Expectation] = []
        for row in table.elts[:MOST_ROWS]:
            values = {name: value for name, value in bound(node.target, row) if value is not None}
            found += _Reader(self._test, {**self._values, **values}).read(node.body)
        return found

    def _raising(self, body: Sequence[ast.stmt], kind: str, line: int) -> list[Expectation]:
        calls = [part for node in body for part in ast.walk(node) if isinstance(part, ast.Call)]
        subjects = [call for call in calls[:1] if not _is_around(call)] or calls[:1]
        return [
            Expectation(self._test, line, text_of_node(resolved(call, self._values)), f"raises {kind}")
            for call in subjects
        ]

    def _method(self, call: ast.Call) -> list[Expectation]:
        """Return the demand of one of unittest's methods."""
        name = dotted(call.func).rpartition(".")[2]
        if name in METHODS and len(call.args) >= 2:
            compared = ast.Compare(call.args[0], [METHODS[name]()], [call.args[1]])
            return self._asserted(compared, call.lineno)
        if name in ("assertTrue", "assertFalse") and call.args:
            test = call.args[0] if name == "assertTrue" else ast.UnaryOp(ast.Not(), call.args[0])
            return self._asserted(test, call.lineno)
        if name in ("assertIsNone", "assertIsNotNone") and call.args:
            word = ast.Is() if name == "assertIsNone" else ast.IsNot()
            return self._asserted(ast.Compare(call.args[0], [word], [ast.Constant(None)]), call.lineno)
        if name == "assertRaises" and len(call.args) >= 2:
            called = ast.Call(call.args[1], call.args[2:], call.keywords)
            kind = dotted(call.args[0])
            return [
                Expectation(self._test, call.lineno, text_of_node(resolved(called, self._values)), f"raises {kind}")
            ]
        return []

    def _asserted(self, test: ast.expr, line: int) -> list[Expectation]:
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return [demand for part in test.values for demand in self._asserted(part, line)]
        whole = resolved(test, self._values)
        subject = _subject(whole)
        if subject is None:
            return []
        subject_text = text_of_node(subject)
        return [Expectation(self._test, line, subject_text, text_of_node(_turned(_without(whole, subject_text))))]


def raised_by(node: ast.expr) -> str:
    """Return the exception that a `with` block demands; empty if it demands none."""
    if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] not in (
        "raises",
        "assertRaises",
        "warns",
    ):
        return ""
    return (dotted(node.args[0]) or "an exception") if node.args else "an exception"


def _is_around(call: ast.Call) -> bool:
    return dotted(call.func).rpartition(".")[2] in _AROUND


def _subject(node: ast.expr) -> ast.Call | None:
    """Return the outermost call that is not only around another, on the left side first; None if there is none."""
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, ast.Call) and not _is_around(part):
            return part
        children = list(ast.iter_child_nodes(part))
        waiting = [*children, *waiting] if isinstance(part, ast.Compare) else [*waiting, *children]
    return None


def _without(node: ast.expr, subject: str) -> ast.expr:
    """Return the expression with `_` in place of the call."""

    class Replace(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            if text_of_node(call) == subject:
                return ast.Name("_", ast.Load())
            self.generic_visit(call)
            return call

    replaced = Replace().visit(copy.deepcopy(node))
    assert isinstance(replaced, ast.expr)
    return replaced


def _turned(node: ast.expr) -> ast.expr:
    """Return a comparison with the result on its left side."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return node
    right = node.comparators[0]
    mentions = [
        any(isinstance(part, ast.Name) and part.id == "_" for part in ast.walk(side)) for side in (node.left, right)
    ]
    op = node.ops[0]
    if mentions != [False, True] or isinstance(op, ast.In | ast.NotIn):
        return node
    return ast.Compare(right, [_SWAPPED.get(type(op), type(op))()], [node.left])
