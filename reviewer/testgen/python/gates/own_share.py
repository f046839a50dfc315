"""Leave out tests of a file that cover and kill nothing that its other tests do not. Pure."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import CodeUnit, Gate, GateFailure
from reviewer.testgen.python.gates.demands import named_tests
from reviewer.testgen.python.gates.mutation_gate import Kills
from reviewer.testgen.python.harness_report import FileCoverage
from reviewer.testgen.python.units import statements

_Share = frozenset[str | int]


def name_of(test: str, names: Collection[str]) -> str:
    """Return which of a file's tests (`Class.test_x`) has that id, pytest's or unittest's; empty if none has."""
    plain = test.partition("[")[0].replace("::", ".")
    fitting = [name for name in names if plain == name or plain.endswith(f".{name}")]
    return max(fitting, key=len, default="")


def useless_tests(
    code: str, unit: CodeUnit, coverage: FileCoverage, kills: Kills, failing_before: Collection[str]
) -> dict[str, GateFailure]:
    """Return the tests that the file can do without, with the reason.

    A test counts by the lines that only it runs, by the mutants that it kills and no existing test does, and by failing
    without the change. One that kills no mutant of the lines that it runs asserts nothing there.
    """
    names = [name for name, _ in named_tests(python_tree(code))]
    if len(names) < 2:
        return {}
    ran = _lines(unit, coverage, names)
    killed = {name: _all(kills.by_test, name, names) | _endless(kills, ran[name]) for name in names}
    before = set(failing_before)
    dropped: dict[str, GateFailure] = {}
    for name in names:
        if not killed[name] and name not in before and (not ran[name] or ran[name] & kills.lines):
            dropped[name] = GateFailure(Gate.OWN, f"`{name}` notices no fault: no assertion of it depends on the code.")
    shares: dict[str, _Share] = {
        name: frozenset(killed[name] & kills.fresh)
        | (ran[name] & unit.missed)
        | ({"base"} if name in before else set())
        for name in names
        if name not in dropped
    }
    last_first = names[::-1]
    for name in sorted(last_first, key=lambda name: len(shares.get(name, ()))):
        others = [share for other, share in shares.items() if other != name]
        if name in shares and others and shares[name] <= frozenset().union(*others):
            del shares[name]
            reason = f"`{name}` covers and kills nothing that its neighbours and the existing tests do not."
            dropped[name] = GateFailure(Gate.OWN, reason)
    return dropped


def _all(by_test: Mapping[str, frozenset[str]], name: str, names: Collection[str]) -> frozenset[str]:
    """Return what all cases of one test kill."""
    return frozenset().union(*(killed for test, killed in by_test.items() if name_of(test, names) == name))


def _endless(kills: Kills, ran: Collection[int]) -> set[str]:
    """Return the mutants that never ended, for a test that runs their lines: nobody knows which test noticed them."""
    return {mutant for mutant, line in kills.endless.items() if line in ran}


def _lines(unit: CodeUnit, coverage: FileCoverage, names: Collection[str]) -> dict[str, frozenset[int]]:
    """Return the unit's changed statements that each test runs."""
    mapped = statements(unit.source, unit.first, unit.last)
    found: dict[str, set[int]] = {name: set() for name in names}
    for row, tests in coverage.contexts.items():
        line = mapped.get(int(row)) if row.isdigit() else None
        for test in tests if line in unit.lines else ():
            if (name := name_of(test, names)) and line is not None:
                found[name].add(line)
    return {name: frozenset(lines) for name, lines in found.items()}


def without_tests(code: str, names: Collection[str]) -> str:
    """Return the file without those tests, and without imports, constants and helpers that only they used."""
    tree = python_tree(code)
    drop = {id(test) for name, test in named_tests(tree) if name in names}
    rows = code.split("\n")
    gone: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            inner = [child for child in node.body if id(child) in drop]
            if isinstance(node, ast.ClassDef) and inner and len(inner) == len(_beside_docstring(node)):
                gone |= _rows_of(node)
            for child in inner:
                gone |= _rows_of(child)
    kept = "\n".join(row for number, row in enumerate(rows, 1) if number not in gone)
    return _tidied(kept)


def _beside_docstring(node: ast.ClassDef) -> list[ast.stmt]:
    return [child for child in node.body if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))]


def _rows_of(node: ast.stmt) -> set[int]:
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return set(range(first, (node.end_lineno or node.lineno) + 1))


def _tidied(code: str) -> str:
    """Return the file without top-level imports, constants and helpers that nothing in it uses."""
    for _ in range(5):  # what is left out may have used another one
        tree = python_tree(code)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        used |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}  # it may be the name of a fixture
        gone: set[int] = set()
        edits: dict[int, str] = {}
        for node in tree.body:
            _look_at(node, used, gone, edits)
        if not gone and not edits:
            break
        rows = code.split("\n")
        code = "\n".join(edits.get(number, row) for number, row in enumerate(rows, 1) if number not in gone)
    return _spaced(code)


def _look_at(node: ast.stmt, used: Collection[str], gone: set[int], edits: dict[int, str]) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
        names = [
            name for name in node.names if (name.asname or name.name.partition(".")[0]) in used or name.name == "*"
        ]
        if not names:
            gone |= _rows_of(node)
        elif len(names) < len(node.names):
            edits[node.lineno] = ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), "names": names}))
            gone |= _rows_of(node) - {node.lineno}
    elif isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
        if not {name.id for name in node.targets if isinstance(name, ast.Name)} & {*used, "pytestmark"}:
            gone |= _rows_of(node)
    elif isinstance(node, ast.FunctionDef) and node.name not in used and not node.decorator_list:
        gone |= set() if node.name.startswith(("test", "setup", "teardown")) else _rows_of(node)


def _spaced(code: str) -> str:
    """Return the file with at most two empty rows in a row, and a line end at its end."""
    rows: list[str] = []
    for row in code.strip("\n").split("\n"):
        if row.strip() or rows[-2:] != ["", ""]:
            rows.append(row if row.strip() else "")
    return "\n".join(rows) + "\n"
