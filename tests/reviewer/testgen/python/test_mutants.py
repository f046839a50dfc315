"""Mutants: what is mutated, what is left alone, and that each can be shown and compiled."""

from __future__ import annotations

import ast
import difflib

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.mutants import canaries, mutants, one_per_line
from reviewer.testgen.python.units import changed_units


def unit_of(source: str) -> CodeUnit:
    """Return the first unit of a file that is all new."""
    rows = source.split("\n")[:-1]
    diff = f"--- /dev/null\n+++ b/m.py\n@@ -0,0 +1,{len(rows)} @@\n" + "".join(f"+{row}\n" for row in rows)
    return changed_units(parse_diff(diff), {"m.py": source})[0]


def mutated(source: str) -> set[str]:
    """Return the mutants of a function as the lines that they make."""
    return {mutant.diff.partition("\n+ ")[2].strip() for mutant in mutants(unit_of(source), most=100)}


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("return a < b", {"return a <= b", "return None"}),
        ("return a and b", {"return a or b", "return None"}),
        ("return a + b", {"return a - b", "return None"}),
        ("return not a", {"return bool(a)", "return None"}),
        ("return 3", {"return (3 + 1)", "return None"}),
        ("return True", {"return False", "return None"}),
        ("return 'é'", {"return 'XX' 'é'", "return None"}),
        ("return f'{a}'", {"return 'XX' f'{a}'", "return None"}),
        ("raise ValueError('no ' + a)", {"pass"}),
        ("a.b = b", {"pass"}),
        ("a += b", {"pass"}),
        ("a = b.c", {"a = None"}),
        ("a.go(b)", {"pass"}),
        ("return a is not None", {"return a is None", "return None"}),
        ("return 'é' in a, (a) >= (b)", {"return 'é' not in a, (a) >= (b)", "return 'é' in a, (a) > (b)"}),
    ],
)
def test_operators(line: str, made: set[str]) -> None:
    """Each operator makes the fault it is named for, bytes that are not ASCII or not."""
    assert made <= mutated(f"def f(a, b):\n    {line}\n")


@pytest.mark.parametrize(
    "line", ["print(a)", "logger.info('x %d', 3)", "'''Words.'''", "assert a", "pass", "return None"]
)
def test_lines_that_only_say_something_are_left_alone(line: str) -> None:
    """Logging, printing, describing: a test of these would be noise."""
    assert not mutated(f"def f(a):\n    {line}\n")


def test_a_description_is_mutated_like_anything_else() -> None:
    """Where a change is to how an object is shown, a test of that has to tell one text from another."""
    assert mutants(unit_of("class A:\n    def __repr__(self):\n        return 'A' + 'b'\n"), most=9)


def test_every_line_has_its_first_mutant_before_any_has_a_second() -> None:
    """With few mutants to spend, all lines get one."""
    unit = unit_of("def f(a, b):\n    if a < 1 and b > 2 or a == 3:\n        return a + b * 2\n    return 7\n")
    few = mutants(unit, most=3)
    assert sorted(one.line for one in few) == [2, 3, 4]
    firsts = one_per_line(mutants(unit, most=50))
    assert sorted(one.line for one in firsts) == [2, 3, 4]
    assert "<=" not in {one.after for one in firsts}  # a moved boundary often means the same


def test_the_signature_is_mutated_at_import() -> None:
    """A changed default is a mutant that cannot be swapped in; annotations are none."""
    (one,) = (one for one in mutants(unit_of("def f(a: int = 3) -> int:\n    return a\n"), most=9) if not one.swaps)
    assert one.diff.endswith("+ def f(a: int = (3 + 1)) -> int:")


@pytest.mark.parametrize(
    "source",
    [
        "def f(a):\n    return a\n",
        "def f(a): return a\n",
        "def f(a):\n    '''Doc.'''\n    if a:\n        return 1\n    return 2\n",
        "class A:\n    @property\n    def f(self):\n        '''Doc.'''\n        with self:\n            return 1\n",
        "def f(a):\n    '''Only words.'''\n",
        "def f(a):\n    @a\n    def g():\n        return 1\n    return g\n",
    ],
)
def test_canaries_compile_and_raise_at_the_entry(source: str) -> None:
    """Whatever the body begins with, the raising canary is code whose first act is to raise."""
    unit = unit_of(source)
    noop, raising = canaries(unit)
    data = source.encode()
    assert data[: noop.start] + noop.after.encode() + data[noop.end :] == data
    tree = ast.parse(data[: raising.start] + raising.after.encode() + data[raising.end :])
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "f")
    body = [node for node in function.body if not isinstance(node, ast.Expr)]
    assert isinstance(body[0], ast.Raise)


def test_units_know_statements_by_their_first_line() -> None:
    """Docstrings, comments and signatures are no lines to cover; a call over three lines is one."""
    unit = unit_of(
        "def f(a):\n    '''Doc.'''\n    # words\n    b = max(\n        a,\n        1,\n    )\n    return b\n"
    )
    assert unit.lines == {4, 8}
    assert unit.header == {1}


def test_a_change_that_only_removes_is_seen() -> None:
    """Of removed lines the one that follows counts as changed."""
    diff = "--- a/m.py\n+++ b/m.py\n@@ -1,4 +1,3 @@\n def f(a):\n-    a = 1\n     b = a\n     return b\n"
    (unit,) = changed_units(parse_diff(diff), {"m.py": "def f(a):\n    b = a\n    return b\n"})
    assert unit.lines == {2}


HEAD = """class C:
    def f(self, a):
        b = a

        return b

    @cached
    def g(self):
        return 1


def h():
    return 2
"""


@pytest.mark.parametrize(
    ("after", "removed", "found"),
    [
        (2, ["        a = 1"], {"C.f": {3}}),
        (4, ["        b += 1"], {"C.f": {5}}),
        (5, ["        log(b)"], {"C.f": {5}}),
        (5, ["", "    def x(self):", "        pass"], {}),
        (6, ["    @property"], {"C.g": {8}}),
        (7, ["    @property"], {"C.g": {8}}),
        (9, ["        # said", "        log(1)"], {"C.g": {9}}),
        (9, ["", "", "def x():", "    pass"], {}),
        (13, ["    return 3"], {"h": {13}}),
        (13, ["x = 1"], {}),
    ],
)
@pytest.mark.parametrize("context", [0, 1])
def test_what_was_removed_belongs_to_the_function_it_stood_in(
    after: int, removed: list[str], found: dict[str, set[int]], context: int
) -> None:
    """What follows there counts as changed, at its end what is above; what stood between functions is of neither."""
    head = HEAD.splitlines(keepends=True)
    base = [*head[:after], *(f"{line}\n" for line in removed), *head[after:]]
    diff = "".join(difflib.unified_diff(base, head, "a/m.py", "b/m.py", n=context))
    units = changed_units(parse_diff(diff), {"m.py": HEAD})
    assert {unit.name: unit.lines | unit.header for unit in units} == found


@pytest.mark.parametrize("source", ["def f(:\n", "def f():\r    return 1\n", "x = 1\x0c\n\ndef f():\n    return 1\n"])
def test_files_that_cannot_be_counted_have_no_units(source: str) -> None:
    """What does not parse, or counts its lines differently than git, is left out."""
    diff = "--- /dev/null\n+++ b/m.py\n@@ -0,0 +1,4 @@\n+a\n+b\n+c\n+d\n"
    assert not changed_units(parse_diff(diff), {"m.py": source})
