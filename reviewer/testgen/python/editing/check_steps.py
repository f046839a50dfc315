"""Write a test out as steps: what it does in order, and what it checks, with names replaced by values. Pure."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

from reviewer.testgen.python.editing.values import LOOSE, builds, inexact, is_built, really_calls, vague
from reviewer.testgen.python.gates.demands import METHODS, parameter_names, raised_by
from reviewer.testgen.python.gates.dotted_names import dotted
from reviewer.testgen.python.gates.written_values import assigned, bound, resolved, text_of_node

#: The most rows of a table, and the most steps of a test.
MOST_ROWS, MOST_STEPS = 60, 600

_SAME_ORDER = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)


class Incomparable(Exception):
    """A test that cannot be written out as steps, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Check:
    """An assertion: the result that it looks at, how, and what it expects.

    `kind` is a comparison, `true`, `false` or `raises`. `loose` says what makes it inexact, "" if nothing does.
    """

    given: str
    kind: str
    expected: str
    loose: str = ""

    @property
    def text(self) -> str:
        """The check in words."""
        return f"{self.given} {self.kind} {self.expected}".strip()[:200]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a `parametrize`, each as names and values, and all that stands around the values."""

    rows: tuple[tuple[tuple[str, ast.expr], ...], ...]
    frame: str


def table_rows(node: ast.expr) -> Table | None:
    """Return the rows that a decorator writes out; None if it is no such decorator, or cannot be read."""
    if not isinstance(node, ast.Call) or not dotted(node.func).endswith("parametrize") or len(node.args) != 2:
        return None
    names, table = parameter_names(node.args[0]), node.args[1]
    if not names or not isinstance(table, ast.List | ast.Tuple) or len(table.elts) > MOST_ROWS:
        return None
    if any(keyword.arg == "indirect" for keyword in node.keywords):
        return None  # its values are inputs of fixtures
    rows: list[tuple[tuple[str, ast.expr], ...]] = []
    around = [dotted(node.func), *names, *(ast.dump(keyword) for keyword in node.keywords)]
    for row in table.elts:
        parts: Sequence[ast.expr] = [row]
        if isinstance(row, ast.Call) and dotted(row.func).rpartition(".")[2] == "param":
            parts = row.args
            around += ["param", *(ast.dump(keyword) for keyword in row.keywords)]
        elif len(names) > 1 and isinstance(row, ast.Tuple | ast.List):
            parts = row.elts
        if len(parts) != len(names) or any(isinstance(part, ast.Starred) for part in parts):
            return None
        around.append("row")
        rows.append(tuple(zip(names, parts, strict=True)))
    return Table(tuple(rows), "\n".join(around))


@dataclass(frozen=True, slots=True)
class Steps:
    """Walks through a test in order, with the values of its names so far."""

    _values: dict[str, ast.expr]
    _found: list[str | Check] = field(default_factory=list)

    def read(self, body: Sequence[ast.stmt]) -> list[str | Check]:
        """Return the steps of these statements. Raises Incomparable."""
        self._read(body)
        return self._found

    def _read(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            self._statement(node)
            if len(self._found) > MOST_STEPS:
                raise Incomparable("it has too many steps")

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assert):
            if node.msg is not None and not isinstance(node.msg, ast.Constant | ast.JoinedStr):
                self._do(node.msg)
            self._asserted(node.test, holds=True)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._method(node.value):
            pass
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._with(node)
        elif isinstance(node, ast.For) and not node.orelse and self._is_table(node):
            self._loop(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            self._assign(node)
        else:
            self._whole(node)

    def _assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        names = list(assigned(node))
        plain = bool(names) and all(value is not None for _, value in names)
        if not plain or (isinstance(node, ast.Assign) and not all(map(_is_names, node.targets))):
            self._whole(node)
            return
        if node.value is not None and really_calls(self._resolved(node.value)):
            self._do(node.value)
        for name, value in names:
            assert value is not None
            self._values[name] = self._resolved(value)

    def _whole(self, node: ast.stmt) -> None:
        """Take a statement as it is written: nothing in it may change."""
        if any(isinstance(part, ast.Global | ast.Nonlocal) for part in ast.walk(node)):
            raise Incomparable("it sets names of the module")
        self._found.append(ast.unparse(self._replaced(node)))
        self._forget(node)

    def _forget(self, node: ast.AST) -> None:
        """Write down the values of names that are set anew in a way that is not followed, and forget them."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                value = self._values.pop(part.id, None)
                self._found.extend([] if value is None else [f"{part.id} was {text_of_node(value)}"])

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        kinds = [raised_by(item.context_expr) for item in node.items]
        if len(kinds) != 1 or not kinds[0]:
            self._found.append("with " + ", ".join(ast.unparse(self._replaced(item)) for item in node.items))
            for item in node.items:
                self._forget(item)
            self._read(node.body)
            self._found.append("end of with")
            return
        *before, last = node.body
        self._read(before)
        if isinstance(last, ast.Assign) and all(map(_is_names, last.targets)):
            self._do(last.value)
        elif not isinstance(last, ast.Expr):
            raise Incomparable("what should raise is no call")
        call = node.items[0].context_expr
        assert isinstance(call, ast.Call)
        words = "".join(f" {keyword.arg}={text_of_node(self._resolved(keyword.value))}" for keyword in call.keywords)
        subject = text_of_node(self._input(last.value))
        self._found.append(Check(subject, "raises", kinds[0] + words, vague(call)))
        if node.items[0].optional_vars is not None:
            self._found.append("as " + text_of_node(node.items[0].optional_vars))

    def _is_table(self, node: ast.For) -> bool:
        table = self._resolved(node.iter)
        return isinstance(table, ast.List | ast.Tuple) and len(table.elts) <= MOST_ROWS

    def _loop(self, node: ast.For) -> None:
        table = self._resolved(node.iter)
        assert isinstance(table, ast.List | ast.Tuple)
        if not table.elts:
            raise Incomparable("a loop over nothing")
        for row in table.elts:
            values = list(bound(node.target, row))
            if any(value is None for _, value in values):
                raise Incomparable("a row of a loop has another shape")
            self._values.update({name: value for name, value in values if value is not None})
            self._read(node.body)

    def _method(self, call: ast.Call) -> bool:
        """Read one of unittest's assertions; False if the call is none."""
        name = dotted(call.func).rpartition(".")[2]
        if name in METHODS and len(call.args) >= 2:
            loose = name if name in LOOSE else ""
            extra = "".join(ast.dump(part) for part in (*call.args[2:], *call.keywords)) if loose else ""
            self._compare(call.args[0], METHODS[name](), call.args[1], loose + extra)
        elif name in ("assertTrue", "assertFalse") and call.args:
            self._asserted(call.args[0], holds=name == "assertTrue")
        elif name in ("assertIsNone", "assertIsNotNone") and call.args:
            self._compare(call.args[0], ast.Is() if name == "assertIsNone" else ast.IsNot(), ast.Constant(None), "")
        elif name == "assertRaises" and len(call.args) >= 2:
            called = ast.Call(call.args[1], call.args[2:], call.keywords)
            self._found.append(Check(text_of_node(self._input(called)), "raises", dotted(call.args[0])))
        else:
            return False
        return True

    def _asserted(self, test: ast.expr, *, holds: bool) -> None:
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) and holds:
            for part in test.values:
                self._asserted(part, holds=True)
        elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self._asserted(test.operand, holds=not holds)
        elif isinstance(test, ast.Compare) and len(test.ops) == 1 and holds:
            self._compare(test.left, test.ops[0], test.comparators[0], "")
        else:
            condition = self._input(test)
            if not any(isinstance(part, ast.Call | ast.Name | ast.Attribute) for part in ast.walk(condition)):
                raise Incomparable(f"`{text_of_node(test)}` looks at no result")
            self._found.append(Check(text_of_node(condition), "true" if holds else "false", "", inexact(condition)))

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr, loose: str) -> None:
        """Read a comparison: one side is the result, the other what is expected of it."""
        a, b = self._resolved(left), self._resolved(right)
        calls = really_calls(a), really_calls(b)
        if all(calls):
            raise Incomparable(f"`{text_of_node(left)}` is compared with another result")
        swapped = calls[1] or (not calls[0] and not _has_names(left) and _has_names(right))
        if not any(calls) and builds(a) and builds(b):
            if is_built(a) == is_built(b):
                raise Incomparable(f"it cannot be told which side of `{text_of_node(left)}` is the result")
            swapped = is_built(a)
        sides, expected = (right, b) if swapped else (left, a), (a if swapped else b)
        kind = type(op).__name__ + (" of" if swapped and not isinstance(op, _SAME_ORDER) else "")
        subject = self._input(sides[0])
        if text_of_node(subject) == text_of_node(expected):
            raise Incomparable("it compares a value with itself")
        if not _has_names(sides[0]) and not calls[swapped]:
            raise Incomparable(f"`{text_of_node(sides[0])}` is no result")
        self._found.append(
            Check(text_of_node(subject), kind.strip(), text_of_node(expected), loose or inexact(expected))
        )

    def _do(self, node: ast.expr) -> None:
        self._found.append(text_of_node(self._input(node)))

    def _resolved(self, node: ast.expr) -> ast.expr:
        return resolved(node, self._values)

    def _input(self, node: ast.expr) -> ast.expr:
        """Return an input with its names replaced. Raises Incomparable if it is too large for that."""
        done = self._resolved(node)
        if any(isinstance(part, ast.Name) and part.id in self._values for part in ast.walk(done)):
            raise Incomparable(f"`{text_of_node(node)[:80]}` is too large to read")
        return done

    def _replaced(self, node: ast.AST) -> ast.AST:
        """Return a statement with the names replaced in all of its expressions."""
        read = self._input

        class Replace(ast.NodeTransformer):
            def visit(self, part: ast.AST) -> ast.AST:
                if isinstance(part, ast.expr) and not isinstance(getattr(part, "ctx", None), ast.Store | ast.Del):
                    return read(part)
                return self.generic_visit(part)

        replaced: ast.AST = Replace().visit(copy.deepcopy(node))
        return ast.fix_missing_locations(replaced)


def _is_names(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) or (
        isinstance(target, ast.Tuple | ast.List) and all(map(_is_names, target.elts))
    )


def _has_names(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) for part in ast.walk(node))
