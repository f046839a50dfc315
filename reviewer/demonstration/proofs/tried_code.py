"""Keep only the code of a test that certainly runs, and tell whether it would notice the claimed wrong result. Pure.

A test that passes refutes a claim. So what only looks like the claimed call must not count: a comment, a docstring, a
lambda that nobody calls, a branch that may not be taken.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, cast

from reviewer.demonstration.proofs.claims import bare_code
from reviewer.languages.parsers import python_tree

_Function = ast.FunctionDef | ast.AsyncFunctionDef

#: A comment of the other languages, or a text in which its signs are none. An open one ends with its line.
_COMMENT = re.compile(
    r"""(?P<text>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*+"""
    r"""|(?:^|(?<=\s))\#(?!\[)[^\n]*+"""
)


def tried_code(path: str, code: str) -> str:
    """Return the code of a test that certainly runs where the test passes, as far as that can be told."""
    if not path.endswith(".py"):
        return _COMMENT.sub(lambda found: found["text"] or " ", code)
    tree = _tree(code)
    try:
        return code if tree is None else ast.unparse(ast.fix_missing_locations(_CertainOnly().visit(tree)))
    except RecursionError:
        return ""


def accepts_wrong_result(code: str, calls: Collection[str], results: Collection[str]) -> str:
    """Return a result, called wrong by a claim, with which every check of the claimed calls in a Python test holds.

    `calls` and `results` are as in `Claim`. Empty if there is none, or if a check cannot be worked out.
    """
    tree = _tree(code)
    checks = list(_checks(tree, calls)) if tree is not None and results else []
    for result in sorted(results) if checks else ():
        try:
            value = ast.literal_eval(
                {"true": "True", "false": "False", "null": "None", "nil": "None"}.get(result, result)
            )
            if all(_value(check, calls, names, value) for check, names in checks):
                return result
        except (ValueError, TypeError, SyntaxError, RecursionError, ArithmeticError):
            continue
    return ""


def _tree(code: str) -> ast.Module | None:
    try:
        return python_tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_BRANCHES = ast.If | ast.While | ast.For | ast.AsyncFor | ast.ExceptHandler | ast.match_case
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class _CertainOnly(ast.NodeTransformer):
    """Takes out docstrings, helpers, lambdas, and what is run only under a condition."""

    def __init__(self) -> None:
        self._in_test = False

    def visit(self, node: ast.AST) -> Any:
        """Return what stays of the node."""
        if isinstance(node, _Function):
            return self._test(node)
        instead = self._instead(node)
        if instead is not None:
            return instead
        if isinstance(node, ast.Assert):
            node.msg = None
        elif isinstance(node, _BRANCHES):
            node.body = [ast.Pass()]
            if isinstance(node, ast.If | ast.While | ast.For | ast.AsyncFor):
                node.orelse = []
        self.generic_visit(node)
        if isinstance(node, ast.ClassDef) and not node.body:
            node.body = [ast.Pass()]
        return node

    def _instead(self, node: ast.AST) -> ast.AST | None:
        """Return what certainly runs of an expression that may run only in part; None for every other node."""
        if isinstance(node, ast.Lambda):
            return ast.Constant(None)
        if isinstance(node, _COMPREHENSIONS):
            return ast.Tuple([self.visit(part.iter) for part in node.generators], ast.Load())
        if isinstance(node, ast.IfExp):
            return cast("ast.AST", self.visit(node.test))
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return cast("ast.AST", self.visit(node.values[0]))
        return ast.Pass() if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else None

    def _test(self, node: _Function) -> ast.AST | None:
        if self._in_test or not node.name.startswith("test"):
            return None
        self._in_test = True
        ends = [at for at, part in enumerate(node.body) if isinstance(part, ast.Return | ast.Raise)]
        node.body = node.body[: ends[0] + 1] if ends else node.body
        self.generic_visit(node)
        self._in_test = False
        node.body = node.body or [ast.Pass()]
        return node


def _checks(tree: ast.Module, calls: Collection[str]) -> Iterator[tuple[ast.expr, frozenset[str]]]:
    """Yield what is asserted about the claimed calls, with the names that hold their results."""
    for test in (node for node in ast.walk(tree) if isinstance(node, _Function) and node.name.startswith("test")):
        names = frozenset(
            target.id
            for node in ast.walk(test)
            if isinstance(node, ast.Assign) and _is_claimed(node.value, calls)
            for target in node.targets
            if isinstance(target, ast.Name)
        )
        for node in ast.walk(test):
            check = node.test if isinstance(node, ast.Assert) else _unittest_check(node)
            if check is not None and any(
                _is_claimed(part, calls) or (isinstance(part, ast.Name) and part.id in names)
                for part in ast.walk(check)
            ):
                yield check, names


_METHODS: Mapping[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq, "assertNotEqual": ast.NotEq, "assertIs": ast.Is, "assertIsNot": ast.IsNot,
    "assertIn": ast.In, "assertNotIn": ast.NotIn, "assertLess": ast.Lt, "assertLessEqual": ast.LtE,
    "assertGreater": ast.Gt, "assertGreaterEqual": ast.GtE,
}  # fmt: skip


def _unittest_check(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name, arguments = node.func.attr, node.args
    if name in _METHODS and len(arguments) >= 2:
        return ast.Compare(arguments[0], [_METHODS[name]()], [arguments[1]])
    if name == "assertTrue" and arguments:
        return arguments[0]
    return ast.UnaryOp(ast.Not(), arguments[0]) if name == "assertFalse" and arguments else None


def _is_claimed(node: ast.AST, calls: Collection[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    bare = bare_code(ast.unparse(node))
    return any(bare == call or bare.endswith(f".{call}") for call in calls)


_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.eq, ast.IsNot: operator.ne, ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_COMPUTED: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def _value(node: ast.expr, calls: Collection[str], names: Collection[str], result: object) -> Any:
    """Return the value of an expression where the claimed calls return `result`. Raises ValueError if unknown."""

    def value(part: ast.expr) -> Any:
        return _value(part, calls, names, result)

    if _is_claimed(node, calls) or (isinstance(node, ast.Name) and node.id in names):
        return result
    if isinstance(node, ast.Compare):
        sides = [value(side) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return all(_COMPARED[type(op)](left, right) for op, left, right in pairs)
    if isinstance(node, ast.BoolOp):
        return (all if isinstance(node.op, ast.And) else any)([value(part) for part in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        left, right = value(node.left), value(node.right)
        if not all(isinstance(side, int | float) and abs(side) < 1e15 for side in (left, right)):
            raise ValueError(node)
        return _COMPUTED[type(node.op)](left, right)
    if isinstance(node, ast.Tuple | ast.List):
        return (tuple if isinstance(node, ast.Tuple) else list)(value(part) for part in node.elts)
    return ast.literal_eval(node)
