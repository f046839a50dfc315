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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("f(a,\n  b,\n  c)", "f(a, b, c)"),
        ("return (a + b)", "return a + b"),
        ("a = b;", "a = b"),
        ("a()\nb()\nc()", "a(); b(); c()"),
        ("if a:\n    b()\n    c()", "if a: b(); c()"),
        ("if (a) {\n  b();\n}", "if (a) b();"),
        ("if not (a in b):\n    f()", "if a not in b:\n    f()"),
        ("# Adds the tax.\nx += tax", "x += tax"),
        ('def f():\n    """Return it."""\n    return 1', "def f():\n    return 1"),
        ("# Adds\n# the tax.\nx = x + y", "x = tax(x, y)"),
    ],
)
def test_taste_and_layout_are_not_simpler(old: str, new: str) -> None:
    """The same words in other lines and brackets, or without their comments, are a matter of style."""
    assert not is_simpler(old, new, "src/a.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return sum(x.price * x.count for x in xs if x.ready)", "n = 0\nfor x in xs:\n    n += x.price\nreturn n"),
        ("f(a, b, (c), (d), (e))", "f(\n    a,\n    b,\n    c + d,\n)"),
        ("x = a + b\ny = c\nz = d", "if a:\n    x = b"),
        ("if not a:\n    return None\nreturn f(a, b, c)", "if a:\n    if b:\n        return f(a)"),
        ("a = f(x)\nb = g(a)\nc = h(b)\nreturn c", "return h(g(f(x)))"),
        ("for name in names:\n    use(name)\n    see(name)", f"consume({' + '.join(['name'] * 3)}, '{'x' * 100}')"),
    ],
)
def test_what_is_longer_deeper_or_packed_tighter_is_not_simpler(old: str, new: str) -> None:
    """Fewer words do not make up for more lines, more nesting, brackets in brackets or a line that nobody can read."""
    assert not is_simpler(old, new, "src/a.py")


def test_less_nesting_may_cost_two_lines() -> None:
    """An early return needs them."""
    old = "if a:\n    if b:\n        return f(a, b, c, d, e, g, h, i, j, k, m, n, o)\nreturn None"
    new = "if not a:\n    return None\nif b:\n    return f(a, b, c, d, e, g, h, i, j, k, m, n, o)\nreturn None"
    assert is_simpler(old, new, "src/a.py")
    assert not is_simpler(old, new.replace("return None\n", "x = 1\n    return None\n    y = 2\n", 1), "src/a.py")


def test_the_language_tells_what_a_comment_is() -> None:
    """A line that begins with `#` is code of C, and a comment of Python."""
    old, new = "#define A 1\nx = A;", "x = A;"
    assert is_simpler(old, new, "src/a.c")
    assert not is_simpler(old, new, "src/a.py")
