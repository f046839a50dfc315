"""Simpler is what has less, by counting."""

from __future__ import annotations

import pytest

from reviewer.tasks.verification.simplicity import is_simpler

LOOP = "found = []\nfor one in all:\n    if one.good:\n        found.append(one)\n"
NESTED = "if a:\n    if b:\n        return f(a, b)\nreturn None\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LOOP, "found = [one for one in all if one.good]"),
        (NESTED, "if a and b:\n    return f(a, b)\nreturn None"),
        ("x = bool(a == b)", "x = a == b"),
        ("if (list.size() == 0) {\n    return true;\n}\nreturn false;", "return list.size() == 0;"),
        ("unused = 1", ""),
    ],
)
def test_less_is_simpler(old: str, new: str) -> None:
    """Fewer lines, less nesting, or fewer words."""
    assert is_simpler(old, new)
    assert not is_simpler(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return x * 2", "return x << 1"),
        ("a = 1\nb = 2", "b = 2\na = 1"),
        ("a = 1", "a   =   1"),
        ("total = a + b", "total = sum([a, b])"),
        ("a = f(x)\nb = g(a)", "b = g(f(x) if x is not None else f(default_of(x)))"),
        ("", ""),
    ],
)
def test_other_is_not_simpler(old: str, new: str) -> None:
    """The same said in another way, or in one line that is longer than the two, is no refactoring."""
    assert not is_simpler(old, new)
