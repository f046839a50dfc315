"""Repairs that merely write down what was observed, told from repairs that mend the test."""

from __future__ import annotations

import pytest

from reviewer.testgen.python.gates.copied_values import only_expectation_changed

HEAD = "import pytest\nfrom m import f\n\n\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("assert f(3) == 4", "assert f(3) == 5"),
        ("assert f(3) == [1, 2]", "assert f(3) == [1, 2, 3]"),
        ("assert f(3) == -1", "assert f(3) == 1"),
        ("assert f(3) == pytest.approx(0.25)", "assert f(3) == pytest.approx(4.0)"),
        ("assert f(3) is None", "assert f(3) == 7"),
        ("assert f(3)", "assert not f(3)"),
        ("assert f(3) == 4", "assert f(3) != 4"),
        ("expected = 4\n    assert f(3) == expected", "expected = 5\n    assert f(3) == expected"),
        ("self.assertEqual(f(3), 4)", "self.assertEqual(f(3), 5)"),
    ],
)
def test_only_the_expectation_changed(before: str, after: str) -> None:
    """A literal, a value of literals, a turned comparison: the test wants something else and does the same."""
    old, new = (f"{HEAD}def test_f():\n    {body}\n" for body in (before, after))
    assert only_expectation_changed(old, new, {"test_f"}) == "test_f"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("assert f(3) == 4", "assert f(3) == 4"),
        ("assert f(3) == 4", "assert f(2) == 5"),
        ("assert f(3) == 4", "x = f(3)\n    assert x == 5"),
        ("n = 3\n    assert f(n) == 4", "n = 2\n    assert f(n) == 5"),
        ("assert f(3) == 4", "with pytest.raises(ValueError):\n        f(3)"),
    ],
)
def test_the_test_itself_changed(before: str, after: str) -> None:
    """Other inputs or another form: the model thought again, and the gates will tell."""
    old, new = (f"{HEAD}def test_f():\n    {body}\n" for body in (before, after))
    assert only_expectation_changed(old, new, {"test_f"}) is None


def test_another_name_makes_no_other_test() -> None:
    """A failed test that comes back under another name, with another expectation, is the same test."""
    old = f"{HEAD}def test_f():\n    assert f(-3) == -1\n    assert f(9) == 4\n"
    new = old.replace("test_f", "test_f_of_it").replace("== -1", "== 0")
    assert only_expectation_changed(old, new, {"test_f"}) == "test_f"
    assert only_expectation_changed(old, new.replace("f(9)", "f(8)"), {"test_f"}) is None


def test_expected_columns_and_constants_count() -> None:
    """Expectations in a table or in a constant of the file are expectations."""
    table = HEAD + '@pytest.mark.parametrize(("n", "e"), [(1, {0})])\ndef test_f(n, e):\n    assert f(n) == e\n'
    assert only_expectation_changed(table.format(2), table.format(3), {"test_f"}) == "test_f"
    constant = HEAD + "WANTED = {0}\n\n\ndef test_f():\n    assert f(1) == WANTED\n"
    assert only_expectation_changed(constant.format(2), constant.format(3), {"test_f"}) == "test_f"


def test_tests_that_passed_may_change() -> None:
    """Only what failed is looked at."""
    old, new = (f"{HEAD}def test_f():\n    assert f(3) == {value}\n" for value in (4, 5))
    assert only_expectation_changed(old, new, {"test_g"}) is None
