"""Put a change back, whole and function by function, and see whether the existing tests notice.

A function that can be put back without any test failing is not tested, however many of its lines run. Code that only
moved, and functions whose change is in comments or layout, need no test. Effects only through the client; the staged
trees are left as they were.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reviewer.diff.model import Diff
from reviewer.languages.parsers import python_tree
from reviewer.testgen.evidence import CodeUnit, GenerationBudget
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.gates.mutation_gate import run_imported, run_swapped
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport
from reviewer.testgen.python.mutants import Mutant
from reviewer.testgen.without_change import without_change
from reviewer.testgen.working_tree import text_of

#: The most functions that are put back one by one.
MOST_UNITS = 12

_BROKEN = (SyntaxError, ValueError, RecursionError)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class EarlierFunction:
    """A function as it was before the change: its text, and its syntax without layout and documentation."""

    text: str
    meaning: str


def worth_testing(diff: Diff, units: Iterable[CodeUnit], base: Path) -> tuple[CodeUnit, ...]:
    """Return the units whose behaviour may have changed: not those that only moved, or changed in layout only."""
    earlier = _earlier(diff, base)
    anywhere = {function.meaning for functions in earlier.values() for function in functions.values()}
    return tuple(unit for unit in units if _meaning_of(unit) not in anywhere)


def noticed(
    units: Iterable[CodeUnit], diff: Diff, client: HarnessClient, base: Path, before: Baseline, budget: GenerationBudget
) -> tuple[CodeUnit, ...]:
    """Return the units; `unnoticed` is set where no existing test fails when the function is put back."""
    earlier = _earlier(diff, base)
    found: list[CodeUnit] = []
    for place, unit in enumerate(units):
        old = earlier.get(unit.path, {}).get(unit.name)
        alone = old and place < MOST_UNITS and _is_unnoticed(unit, old, client, before, budget)
        found.append(replace(unit, unnoticed=bool(alone)))
    return tuple(found)


def suite_without_change(
    diff: Diff, client: HarnessClient, base: Path, before: Baseline, seconds: float
) -> HarnessReport:
    """Run the existing tests of head on the code before the change."""
    paths = before.siblings if before.limited else ()
    with without_change(client.tree, base, diff.files):
        return client.run(HarnessRun(paths=paths, seconds=seconds))


def is_green(report: HarnessReport, before: Baseline) -> bool:
    """Whether every test that passes with the change passes without it as well."""
    bad = any(test.id not in before.red for test in report.bad)
    return not (report.problem or bad or any(error.id not in before.red for error in report.errors))


def _is_unnoticed(
    unit: CodeUnit, old: EarlierFunction, client: HarnessClient, before: Baseline, budget: GenerationBudget
) -> bool:
    """Whether the existing tests that run the function pass with its earlier version."""
    paths = before.test_files_of(unit, client)
    if not paths:
        return True
    back = _as_mutant(unit, old)
    if back is None:
        return False
    outcomes = run_swapped(unit, [back], paths, client, budget, before)
    word = "odd" if isinstance(outcomes, str) else outcomes[back]
    if word not in ("killed", "survived", "timeout"):
        word = run_imported(back, paths, client, budget, before)
    return word == "survived"


def _as_mutant(unit: CodeUnit, old: EarlierFunction) -> Mutant | None:
    """Return the change back to the earlier version as a mutant of the whole function."""
    rows = unit.source.split("\n")
    start = len("\n".join(rows[: unit.first - 1]).encode()) + (unit.first > 1)
    now = "\n".join(rows[unit.first - 1 : unit.last])
    line = min(unit.lines or unit.header or {unit.firsts[-1]})
    mutant = Mutant("put back", unit, line, start, start + len(now.encode()), now, old.text)
    return mutant if now != old.text else None


def _earlier(diff: Diff, base: Path) -> dict[str, dict[str, EarlierFunction]]:
    """Return the functions before the change by the path of the file at head, and by name."""
    found: dict[str, dict[str, EarlierFunction]] = {}
    for file in diff.files:
        text = text_of(base, file.old_path or file.path) if file.path.endswith(".py") else None
        if text is None:
            continue
        try:
            found[file.path] = dict(_functions(python_tree(text), text.split("\n")))
        except _BROKEN:
            continue
    return found


def _functions(node: ast.AST, rows: list[str], above: str = "") -> Iterator[tuple[str, EarlierFunction]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            text = "\n".join(rows[first - 1 : child.end_lineno])
            yield above + child.name, EarlierFunction(text, _meaning(child))
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, rows, f"{above}{child.name}.")
        elif isinstance(child, ast.stmt):
            yield from _functions(child, rows, above)


def _meaning_of(unit: CodeUnit) -> str:
    nodes = (node for node in ast.walk(python_tree(unit.source)) if isinstance(node, _Function))
    return next((_meaning(node) for node in nodes if node.lineno == unit.firsts[-1]), "")


def _meaning(node: _Function) -> str:
    """Return the syntax of a function without its documentation and annotations."""
    plain = copy.deepcopy(node)
    for inner in ast.walk(plain):
        if isinstance(inner, _Function):
            inner.returns = None
            if ast.get_docstring(inner, clean=False) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
        elif isinstance(inner, ast.arg):
            inner.annotation = None
    return ast.dump(plain)


def altered(whole: HarnessReport | None, before: Baseline) -> frozenset[str]:
    """Return the ids of the tests that fail with the change and pass without it."""
    if whole is None or whole.problem:
        return frozenset()
    return frozenset(test.id for test in whole.tests if test.outcome == "passed" and test.id in before.red)


def undecided_words(ids: Iterable[str]) -> str:
    """Return the sentence about tests that the change alters, where nobody could tell which is right; "" for none."""
    if not (names := sorted(ids)):
        return ""
    listed = ", ".join(f"`{name}`" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    ending = "es" if len(names) == 1 else ""
    return (
        f"{listed}{more} pass{ending} without this change and fail{ending[1:]} with it: either the change breaks what "
        "is demanded there, or the expectation has to change with it."
    )


def notes_of(units: Iterable[CodeUnit], whole: HarnessReport | None, before: Baseline) -> Mapping[str, str]:
    """Return the sentences about what the existing tests do not notice, by what they are about."""
    found: dict[str, str] = {}
    if whole is not None and is_green(whole, before) and before.tests:
        passed = sum(test.outcome == "passed" for test in whole.tests)
        found["whole"] = (
            f"Your tests stay green without this change: with its code put back to what it was, all {passed} tests "
            "that pass with it pass as well."
        )
        return found
    quiet = [unit for unit in units if unit.unnoticed and before.tests]
    if quiet:
        names = ", ".join(f"`{unit.name}`" for unit in quiet[:5])
        each = "it is" if len(quiet) == 1 else "each of them is"
        found["units"] = f"Your tests stay green without the change of {names}: {each} put back, and no test fails."
    return found
