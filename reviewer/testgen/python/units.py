"""Choose what to test: changed functions with changed lines that no existing test runs, the riskiest first. Pure.

A statement is identified by its first line. Code that runs at import (definitions, constants, decorators) is left out,
because any test that imports the module "covers" it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reviewer.diff.hunks import Hunk
from reviewer.diff.model import Diff, FileDiff, FileStatus
from reviewer.languages.parsers import python_tree
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.harness_report import FileCoverage

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.BoolOp, ast.IfExp, ast.comprehension, ast.Match, ast.Raise)
_FORKS = (ast.If, ast.For, ast.While, ast.AsyncFor)
#: Statements that some version of Python does not trace.
_SILENT = (ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue)


def changed_units(diff: Diff, heads: Mapping[str, str]) -> tuple[CodeUnit, ...]:
    """Return the functions of Python files at head that have changed lines; a file that does not parse has none.

    A function inside a function belongs to the outer one. If lines were only removed, the following statement counts as
    changed; at the end of a function, the statement above.
    """
    units: list[CodeUnit] = []
    for file in diff.files:
        source = heads.get(file.path)
        if source is None or not file.path.endswith(".py") or is_test(file.path) or file.status is FileStatus.REMOVED:
            continue
        units += _units(file, source)
    return tuple(units)


def measured(units: Iterable[CodeUnit], files: Mapping[str, FileCoverage]) -> tuple[CodeUnit, ...]:
    """Return the units with the statements and branches that existing tests do not run, by their coverage."""
    return tuple(_measured(unit, files.get(unit.path, FileCoverage())) for unit in units)


def riskiest(units: Iterable[CodeUnit], *, most: int) -> tuple[CodeUnit, ...]:
    """Return the riskiest units that need a test: with lines or branches that no test runs, or unnoticed ones."""
    open_ones = [unit for unit in units if unit.missed or unit.half or unit.unnoticed]
    ranked = sorted(open_ones, key=lambda unit: (-_risk(unit), unit.path, unit.first))
    return tuple(ranked[:most])


def statements(source: str, first: int, last: int) -> dict[int, int]:
    """Return, for each line of the functions in that range, the first line of its statement."""
    found: dict[int, int] = {}
    for function in _outermost(python_tree(source)):
        if first <= function.lineno <= last:
            found |= _statements(function)
    return found


def hit(unit: CodeUnit, hits: FileCoverage | None) -> frozenset[int]:
    """Return the unit's changed statements that ran."""
    if hits is None:
        return frozenset()
    mapped = statements(unit.source, unit.first, unit.last)
    return frozenset({mapped[line] for line in hits.lines if line in mapped}) & unit.lines


def branches(unit: CodeUnit, hits: FileCoverage | None) -> frozenset[tuple[int, int]]:
    """Return the arcs that leave the unit's changed statements."""
    if hits is None:
        return frozenset()
    return frozenset(arc for arc in hits.arcs if arc[0] in unit.lines)


def _risk(unit: CodeUnit) -> int:
    """Return the weight of the unit: statements that no test runs count most, branches more than lines."""
    unnoticed = 3 * max(1, len(unit.lines)) if unit.unnoticed else 0
    return 4 * len(unit.missed) + unnoticed + 3 * len(unit.half) + 2 * unit.branches + len(unit.lines)


def _measured(unit: CodeUnit, hits: FileCoverage) -> CodeUnit:
    missed = unit.lines - hit(unit, hits)
    forks = {
        node.lineno
        for node in ast.walk(python_tree(unit.source))
        if isinstance(node, _FORKS) and node.lineno in unit.lines and not _endless(node)
    }
    exits = branches(unit, hits)
    half = {line for line in forks - missed if len({arc for arc in exits if arc[0] == line}) < 2}
    return replace(unit, missed=missed, half=frozenset(half))


def _endless(node: ast.stmt) -> bool:
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant)


def _units(file: FileDiff, source: str) -> Iterator[CodeUnit]:
    try:
        tree = python_tree(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    if "\r" in source.replace("\r\n", "\n") or "\f" in source:
        return  # Python and git count the lines of such a file differently
    added = frozenset(line.new for hunk in file.hunks for line in hunk.lines if line.kind == "+" and line.new)
    gaps = [gap for hunk in file.hunks for gap in _gaps(hunk)]
    for function, name in _named(tree, ""):
        mapped = _statements(function)
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        last = function.end_lineno or function.lineno
        beside = (_representing_line(gap, function, first, mapped) for gap in gaps)
        changed = frozenset(filter(None, beside)) | {line for line in added if first <= line <= last}
        if not changed:
            continue
        body = function.body[0].lineno
        yield CodeUnit(
            path=file.path,
            name=name,
            first=first,
            last=last,
            firsts=tuple(sorted({first, function.lineno})),
            source=source,
            lines=frozenset(mapped[line] for line in changed if line in mapped),
            header=frozenset(line for line in changed if function.lineno <= line < body),
            branches=sum(isinstance(node, _BRANCHES) for node in ast.walk(function)),
        )


@dataclass(frozen=True, slots=True)
class _Gap:
    """A place where lines were only removed: the lines of head above and below, and the removed code."""

    above: int
    below: int
    removed: tuple[str, ...]


def _gaps(hunk: Hunk) -> Iterator[_Gap]:
    # For an empty side git gives the line above.
    above, removed = hunk.new_start - (1 if hunk.new_count else 0), []
    for line in (*hunk.lines, None):
        if line is not None and line.kind == "-":
            removed.append(line.text)
        elif line is None or line.new is not None:
            code = tuple(row for row in removed if row.strip())
            if code and (line is None or line.kind != "+"):
                yield _Gap(above, above + 1, code)
            removed = []
            above += 1


def _representing_line(gap: _Gap, function: Function, first: int, mapped: Mapping[int, int]) -> int | None:
    """Return the line of the function that represents removed lines: the following statement, else the one above.

    Removed lines belong to a function by their indentation; a decorator belongs to the definition below it.
    """
    last = function.end_lineno or function.lineno
    if first <= gap.below <= function.lineno and gap.removed[-1].lstrip().startswith("@"):
        return function.lineno
    indent = len(gap.removed[0]) - len(gap.removed[0].lstrip())
    if not first <= gap.above <= last or indent <= function.col_offset:
        return None
    following = [line for line in mapped if line >= gap.below]
    return min(following) if following else max((line for line in mapped if line <= gap.above), default=function.lineno)


def _named(node: ast.AST, above: str) -> Iterator[tuple[Function, str]]:
    """Yield the outermost functions and methods with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child, above + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _named(child, f"{above}{child.name}.")
        elif isinstance(child, ast.stmt):
            yield from _named(child, above)


def _outermost(tree: ast.Module) -> Iterator[Function]:
    return (function for function, _ in _named(tree, ""))


def _statements(function: Function) -> dict[int, int]:
    found: dict[int, int] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.stmt) or node is function or isinstance(node, _SILENT):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue
        for line in range(node.lineno, _own_end(node) + 1):
            found[line] = min(found.get(line, node.lineno), node.lineno)
    return found


def _own_end(node: ast.stmt) -> int:
    """Return the last line of the statement, or of the header of a compound statement."""
    if not getattr(node, "body", None) and not getattr(node, "cases", None):
        return node.end_lineno or node.lineno
    parts = [part.context_expr if isinstance(part, ast.withitem) else part for part in ast.iter_child_nodes(node)]
    return max([node.lineno, *(part.end_lineno or 0 for part in parts if isinstance(part, ast.expr))])
