"""Make mutants: small faults in the changed lines, most of which a useful test notices. Pure.

A mutant replaces a span of the file's bytes, so it can be shown as a short diff and compiled anywhere. The first mutant
of each line comes before the second ones (https://arxiv.org/abs/2102.11378). Lines that only log or print get none,
because nobody tests them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import CodeUnit

#: Mutants with a known outcome. Numbers about other mutants are used only if these behave as expected.
GREEN, NO_OP, RAISE = "green", "no-op", "raise"

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"),
}  # fmt: skip
_LOG_CALLS = frozenset({"print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: bytes `start` to `end` of the file change from `before` to `after`. `line` is the statement's.

    `swaps` says that it is in the body of the unit's function, whose code object can be swapped.
    """

    id: str
    unit: CodeUnit
    line: int
    start: int
    end: int
    before: str
    after: str
    swaps: bool = True

    @property
    def diff(self) -> str:
        """The mutated line before and after, as lines of a diff."""
        data = self.unit.source.encode("utf-8")
        begin = data.rfind(b"\n", 0, self.start) + 1
        ends = data.find(b"\n", self.end)
        tail = data[self.end : ends if ends >= 0 else len(data)].decode("utf-8")
        lead = data[begin : self.start].decode("utf-8")
        old, new = (f"{lead}{text}{tail}".strip("\r\n") for text in (self.before, self.after))
        return "\n".join([*(f"- {row}" for row in old.split("\n")), *(f"+ {row}" for row in new.split("\n"))])


def mutants(unit: CodeUnit, *, most: int) -> tuple[Mutant, ...]:
    """Return at most `most` mutants of the unit's changed lines that compile, the first of each line first."""
    return _MutantMaker(unit).mutants(most)


def canaries(unit: CodeUnit) -> tuple[Mutant, ...]:
    """Return the mutant that changes nothing and the mutant that raises at the start of the function."""
    return _MutantMaker(unit).canaries()


def one_per_line(chosen: Sequence[Mutant]) -> tuple[Mutant, ...]:
    """Return the first mutant of each line; a moved boundary only if it is the only one.

    `n < low` and `n <= low` often mean the same, as in `return low if n < low else n`.
    """
    first: dict[int, Mutant] = {}
    for mutant in sorted(chosen, key=_moves_boundary):
        first.setdefault(mutant.line, mutant)
    return tuple(first.values())


def _moves_boundary(mutant: Mutant) -> bool:
    return {mutant.before, mutant.after} in ({"<", "<="}, {">", ">="})


class _MutantMaker:
    """Makes the mutants of one unit. Offsets are in bytes, because the syntax tree counts columns in bytes."""

    def __init__(self, unit: CodeUnit) -> None:
        self._unit = unit
        self._data = unit.source.encode("utf-8")
        self._starts = [0]
        for row in self._data.split(b"\n"):
            self._starts.append(self._starts[-1] + len(row) + 1)
        tree = python_tree(unit.source)
        self._function = next(
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno == unit.firsts[-1]
        )

    def mutants(self, most: int) -> tuple[Mutant, ...]:
        by_line: dict[int, list[Mutant]] = {}
        for line, _, span, after in sorted(self._proposals()):
            by_line.setdefault(line, []).append(self._mutant(line, span, self._text(span), after))
        rounds = [mutant for same in zip_longest(*by_line.values()) for mutant in same if mutant]
        chosen: list[Mutant] = []
        for mutant in rounds:
            if len(chosen) < most and self._compiles(mutant):
                chosen.append(mutant)
        return tuple(sorted(chosen, key=lambda mutant: mutant.line))

    def canaries(self) -> tuple[Mutant, ...]:
        body = [node for node in self._function.body if not _docstring(node)] or self._function.body[-1:]
        first = body[0]
        decorators = getattr(first, "decorator_list", [])
        line = min([first.lineno, *(decorator.lineno for decorator in decorators)])
        at = self._starts[line - 1] + first.col_offset
        lead = self._data[self._starts[line - 1] : at]
        joint = "; " if lead.strip() else "\n" + lead.decode("utf-8")
        if _docstring(first):  # the function contains only its docstring
            at = self._span(first)[1]
            raising = self._at(RAISE, at, "; raise RuntimeError('canary')")
        else:
            raising = self._at(RAISE, at, f"raise RuntimeError('canary'){joint}")
        return self._at(NO_OP, at, ""), raising

    def _at(self, name: str, at: int, text: str) -> Mutant:
        return Mutant(name, self._unit, self._function.lineno, at, at, "", text)

    def _mutant(self, line: int, span: tuple[int, int], before: str, after: str) -> Mutant:
        swaps = line in self._unit.lines
        name = f"{self._unit.path}:{line}:{span[0]}:{after[:40]}"
        return Mutant(name, self._unit, line, *span, before, after, swaps)

    def _compiles(self, mutant: Mutant) -> bool:
        text = self._data[: mutant.start] + mutant.after.encode() + self._data[mutant.end :]
        try:
            python_tree(text.decode("utf-8"))
        except (SyntaxError, ValueError):
            return False
        return True

    def _span(self, node: Any) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, span: tuple[int, int]) -> str:
        return self._data[span[0] : span[1]].decode("utf-8")

    def _proposals(self) -> Iterator[tuple[int, int, tuple[int, int], str]]:
        """Yield line, rank of the operator, span and replacement."""
        for default in [*self._function.args.defaults, *self._function.args.kw_defaults]:
            if default is not None and default.lineno in self._unit.header:
                yield from self._of(default, default.lineno)
        for node in _statements(self._function):
            if node.lineno in self._unit.lines and not _is_untested(node):
                for part in _own_parts(node):
                    yield from self._of(part, node.lineno)

    def _of(self, node: ast.AST, line: int) -> Iterator[tuple[int, int, tuple[int, int], str]]:
        for rank, (kind, operator) in enumerate(_OPERATORS):
            if isinstance(node, kind):
                for span, after in operator(self, node):
                    yield line, rank, span, after

    # Each operator yields spans and their replacements.

    def _compare(self, node: ast.Compare) -> Iterator[tuple[tuple[int, int], str]]:
        operands = [node.left, *node.comparators]
        for left, right, op in zip(operands, operands[1:], node.ops, strict=False):
            if (words := _COMPARISONS.get(type(op))) and (span := self._between(left, right, words[0])):
                yield span, words[1]

    def _boolean(self, node: ast.BoolOp) -> Iterator[tuple[tuple[int, int], str]]:
        words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        if span := self._between(node.values[0], node.values[1], words[0]):
            yield span, words[1]

    def _binary(self, node: ast.BinOp) -> Iterator[tuple[tuple[int, int], str]]:
        if isinstance(node.left, ast.Constant | ast.JoinedStr) and not _number(node.left):
            return  # formatting and joining of text: the string operator handles it
        if (words := _ARITHMETIC.get(type(node.op))) and (span := self._between(node.left, node.right, words[0])):
            yield span, words[1]

    def _between(self, left: ast.expr, right: ast.expr, word: str) -> tuple[int, int] | None:
        """Return the span of the word between two operands; None if brackets or comments make it ambiguous."""
        begin, end = self._span(left)[1], self._span(right)[0]
        gap = self._text((begin, end))
        if gap.count(word) != 1 or "#" in gap:
            return None
        at = begin + len(gap[: gap.index(word)].encode())
        return at, at + len(word)

    def _branch(self, node: ast.If | ast.While | ast.IfExp) -> Iterator[tuple[tuple[int, int], str]]:
        if not isinstance(node.test, ast.Constant):
            span = self._span(node.test)
            yield span, f"(not ({self._text(span)}))"

    def _constant(self, node: ast.Constant) -> Iterator[tuple[tuple[int, int], str]]:
        span = self._span(node)
        if isinstance(node.value, bool):
            yield span, str(not node.value)
        elif _number(node):
            yield span, f"({self._text(span)} + 1)"
        elif isinstance(node.value, str | bytes):
            mark = "b'XX' " if isinstance(node.value, bytes) else "'XX' "
            yield span, mark + self._text(span)

    def _joined(self, node: ast.JoinedStr) -> Iterator[tuple[tuple[int, int], str]]:
        span = self._span(node)
        yield span, "'XX' " + self._text(span)

    def _return(self, node: ast.Return) -> Iterator[tuple[tuple[int, int], str]]:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield self._span(node.value), "None"

    def _removed(self, node: ast.stmt) -> Iterator[tuple[tuple[int, int], str]]:
        yield self._span(node), "pass"

    def _assign(self, node: ast.Assign) -> Iterator[tuple[tuple[int, int], str]]:
        if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            yield self._span(node), "pass"
        elif not isinstance(node.value, ast.Constant):
            yield self._span(node.value), "None"

    def _call(self, node: ast.Expr) -> Iterator[tuple[tuple[int, int], str]]:
        if isinstance(node.value, ast.Call):
            yield self._span(node), "pass"

    def _not(self, node: ast.UnaryOp) -> Iterator[tuple[tuple[int, int], str]]:
        if isinstance(node.op, ast.Not):
            span = self._span(node)
            yield span, f"bool({self._text(self._span(node.operand))})"


_Operator = Callable[[_MutantMaker, Any], Iterator[tuple[tuple[int, int], str]]]

#: In order of preference for the first mutant of a line: changes of a decision or a number before deletions.
_OPERATORS: tuple[tuple[Any, _Operator], ...] = (
    (ast.Compare, _MutantMaker._compare),  # noqa: SLF001
    (ast.BoolOp, _MutantMaker._boolean),  # noqa: SLF001
    (ast.BinOp, _MutantMaker._binary),  # noqa: SLF001
    (ast.UnaryOp, _MutantMaker._not),  # noqa: SLF001
    ((ast.If, ast.While, ast.IfExp), _MutantMaker._branch),  # noqa: SLF001
    (ast.Constant, _MutantMaker._constant),  # noqa: SLF001
    (ast.JoinedStr, _MutantMaker._joined),  # noqa: SLF001
    (ast.Return, _MutantMaker._return),  # noqa: SLF001
    ((ast.Raise, ast.AugAssign), _MutantMaker._removed),  # noqa: SLF001
    (ast.Assign, _MutantMaker._assign),  # noqa: SLF001
    (ast.Expr, _MutantMaker._call),  # noqa: SLF001
)


def _statements(function: ast.AST) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(function) if isinstance(node, ast.stmt) and node is not function)


def _own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statement and its expressions, except inner statements, annotations and parts of f-strings."""
    yield node
    if isinstance(node, ast.JoinedStr | ast.Raise):  # messages of exceptions are not tested
        return
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children:
            expression = isinstance(child, ast.expr | ast.comprehension | ast.keyword | ast.withitem | ast.Slice)
            if expression and name not in ("annotation", "returns"):
                yield from _own_parts(child)


def _is_untested(node: ast.stmt) -> bool:
    if _docstring(node) or isinstance(node, ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    return getattr(called, "attr", getattr(called, "id", "")) in _LOG_CALLS


def _docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)
