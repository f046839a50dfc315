"""Compare what two versions of a test file demand: which inputs, and which outcome for each. Pure."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping

from reviewer.languages.parsers import python_tree
from reviewer.testgen.python.gates.assertions import TestFunction
from reviewer.testgen.python.gates.demands import expectations, named_tests


def copied_demand(before: str, after: str, failed: Mapping[str, int]) -> str | None:
    """Return the name of a failed test whose demand the repair turned into another one on the same input.

    `failed` are the names of tests that failed by an assertion, each with the line of that assertion.
    """
    return next((test for test, line in failed.items() if turned_demands(before, after, test, line)), None)


def renewed_tests(before: str, after: str) -> frozenset[str]:
    """Return the tests of `after` that demand something that `before` does not, or whose demands cannot be read."""
    old = {(demand.given, demand.demanded) for demand in expectations(before)}
    demands: dict[str, set[tuple[str, str]]] = {}
    for demand in expectations(after):
        demands.setdefault(demand.test, set()).add((demand.given, demand.demanded))
    known = {ast.dump(_plain(test)) for _, test in named_tests(python_tree(before))}
    names = named_tests(python_tree(after))
    return frozenset(
        name
        for name, test in names
        if ast.dump(_plain(test)) not in known and not (demands.get(name) and demands[name] <= old)
    )


def turned_demands(before: str, after: str, test: str, line: int) -> frozenset[str]:
    """Return the tests of `after` that demand something else of an input on which a test of `before` failed.

    `line` is that of the assertion that failed.
    """
    asked = expectations(after)
    same = {(demand.given, demand.demanded) for demand in asked}
    demands = [demand for demand in expectations(before) if demand.test == test]
    here = [demand for demand in demands if demand.line == line] or demands
    inputs = {demand.given for demand in here if (demand.given, demand.demanded) not in same}
    return frozenset(demand.test for demand in asked if demand.given in inputs)


def _plain(test: TestFunction) -> TestFunction:
    """Return the test without name and docstring."""
    plain = copy.deepcopy(test)
    plain.name = "test"
    if ast.get_docstring(plain) is not None:
        plain.body = plain.body[1:] or [ast.Pass()]
    return plain
