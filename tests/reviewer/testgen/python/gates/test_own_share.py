"""Tests of a file that add nothing to its other tests are left out, with what only they used."""

from __future__ import annotations

from collections.abc import Mapping

from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.gates.mutation_gate import Kills
from reviewer.testgen.python.gates.own_share import name_of, useless_tests, without_tests
from reviewer.testgen.python.harness_report import FileCoverage

SOURCE = "def f(n):\n    if n > 5:\n        return 1\n    return 0\n"
UNIT = CodeUnit("m.py", "f", 1, 4, (1,), SOURCE, frozenset({2, 3, 4}), missed=frozenset({2, 3, 4}))
CODE = (
    "import json\nfrom m import f\n\nONLY = 3\n\n\ndef test_a():\n    assert f(6) == 1\n\n\n"
    "def test_b():\n    assert f(ONLY) == 0\n\n\n"
    "def test_loop():\n    for n in json.loads('[]'):\n        assert f(n) == 1\n"
)


def judged(contexts: Mapping[str, tuple[str, ...]], by_test: dict[str, frozenset[str]]) -> list[str]:
    fresh = frozenset().union(*by_test.values())
    kills = Kills(len(fresh), len(fresh), fresh, by_test=by_test, lines=frozenset({2, 3, 4}))
    return sorted(useless_tests(CODE, UNIT, FileCoverage(contexts=contexts), kills, ()))


def test_a_loop_over_nothing_goes() -> None:
    contexts = {"2": ("t.py::test_a", "t.py::test_b"), "3": ("t.py::test_a",), "4": ("t.py::test_b",)}
    kills = {"t.py::test_a": frozenset({"x", "y"}), "t.py::test_b": frozenset({"x"})}
    assert judged(contexts, kills) == ["test_loop"]


def test_a_test_that_its_neighbours_make_superfluous_goes() -> None:
    contexts = {"2": ("t.py::test_a", "t.py::test_b"), "3": ("t.py::test_a",), "4": ("t.py::test_a",)}
    kills = {"t.py::test_a": frozenset({"x", "y"}), "t.py::test_b": frozenset({"x"})}
    assert judged(contexts, kills) == ["test_b", "test_loop"]


def test_of_two_that_are_the_same_one_stays() -> None:
    contexts = {"2": ("t.py::test_a", "t.py::test_b", "t.py::test_loop")}
    kills = {f"t.py::{name}": frozenset({"x"}) for name in ("test_a", "test_b", "test_loop")}
    assert judged(contexts, kills) == ["test_b", "test_loop"]


def test_what_only_a_dropped_test_used_goes_with_it() -> None:
    left = without_tests(CODE, {"test_b", "test_loop"})
    assert left == "from m import f\n\n\ndef test_a():\n    assert f(6) == 1\n"


def test_a_class_without_tests_goes_whole() -> None:
    inner = "class TestF:\n    def test_x(self):\n        assert f(1) == 0\n"
    code = f"from m import f\n\n\n{inner}\n\ndef test_a():\n    assert f(9)\n"
    assert "class" not in without_tests(code, {"TestF.test_x"})
    assert "test_a" in without_tests(code, {"TestF.test_x"})


def test_names_of_both_frameworks() -> None:
    names = ["test_a", "A.test_a"]
    assert name_of("tests/t.py::test_a[1-2]", names) == "test_a"
    assert name_of("tests/t.py::A::test_a", names) == "A.test_a"
    assert name_of("tests.t.A.test_a", names) == "A.test_a"
    assert name_of("tests/t.py::test_other", names) == ""
