"""Replace the names in an expression by the values that a test file gives them. Pure."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence

#: How often the names in a value are replaced in turn, and the most nodes of an expression in which they are.
MOST_DEPTH, MOST_NODES = 6, 400

Values = Mapping[str, ast.expr]


def constants(body: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """Return the values of names that the module assigns once."""
    found: dict[str, ast.expr] = {}
    seen: set[str] = set()
    for node in body:
        for name, value in assigned(node):
            if name in seen:
                found.pop(name, None)
            elif value is not None:
                found[name] = value
            seen.add(name)
    return found


def assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that a statement assigns; the value is None if it cannot be told apart."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, node.value
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, None
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from bound(target, node.value)


def bound(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names of a target, with their parts of the value."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        parts: list[ast.expr | None] = [None] * len(target.elts)
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            parts = list(value.elts)
        for inner, part in zip(target.elts, parts, strict=True):
            yield from bound(inner, part)


def resolved(node: ast.expr, values: Values, depth: int = MOST_DEPTH) -> ast.expr:
    """Return the expression with names replaced by their values, and arithmetic on literals done."""
    if sum(1 for _ in ast.walk(node)) > MOST_NODES:
        return node

    class Replace(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            value = values.get(name.id)
            if value is None or not depth or not isinstance(name.ctx, ast.Load):
                return name
            less = {other: it for other, it in values.items() if other != name.id}
            return resolved(value, less, depth - 1)

        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            return _computed(node)

        def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
            self.generic_visit(node)
            return _computed(node)

    replaced = Replace().visit(copy.deepcopy(node))
    assert isinstance(replaced, ast.expr)
    return replaced


def _computed(node: ast.BinOp | ast.UnaryOp) -> ast.expr:
    """Return the result of an operation on small numbers; other operations stay."""
    parts = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.operand]
    numbers = [part.value for part in parts if isinstance(part, ast.Constant) and type(part.value) in (int, float)]
    if len(numbers) != len(parts):
        return node
    if isinstance(node, ast.UnaryOp):
        return ast.Constant(-numbers[0]) if isinstance(node.op, ast.USub) else node  # type: ignore[operator]
    left, right = float(numbers[0]), float(numbers[1])  # type: ignore[arg-type]
    done = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}.get(type(node.op))
    if done is None or abs(done) > 1e12:
        return node
    return ast.Constant(int(done) if all(type(number) is int for number in numbers) else done)


def text_of_node(node: ast.expr) -> str:
    """Return the expression as Python writes it."""
    return ast.unparse(ast.fix_missing_locations(node))
