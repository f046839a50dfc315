"""Units with scripted answers: what a reviewer must keep, withhold or show. Half of the units have a planted defect.

Each unit promises something in its documentation. `answers` are the model's test files, the repairs in their order;
`verdict` is the second opinion on a test that failed, `opinions` are those on the tests of the kept file.
"""

# ruff: noqa: E501 - the units are code, written as it is

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reviewer.testgen.evidence import Gate


@dataclass(frozen=True, slots=True)
class SampleUnit:
    """A unit, its scripted answers, and what must come of them.

    `kept` are words of the tests that are kept, `never` words that no kept test may hold, `gates` those that stop a file
    or a test of it. `shown`: a test that failed is shown, as a reproduction (`sure`) or as a possible one.
    """

    name: str
    language: str
    defect: bool
    source: str
    answers: tuple[str, ...]
    verdict: str = ""
    opinions: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    shown: str = ""
    evidence: str = ""


def _python(name: str, body: str, *answers: str, defect: bool = False, head: str = "", **more: object) -> SampleUnit:
    """Return a unit of the module that has its name; each answer is the body of a test file."""
    codes = tuple(f"{head}from shop.{name} import {name}\n\n\n{answer}" for answer in answers)
    return SampleUnit(name, "python", defect, body, codes, **more)  # type: ignore[arg-type]


PYTHON = (
    _python(
        "clamp",
        'def clamp(n, low, high):\n    """Return n, but at least low and at most high."""\n'
        "    if n < low:\n        return low\n    return high if n > high else n\n",
        "def test_clamp():\n    assert [clamp(n, 2, 5) for n in (1, 2, 3, 5, 6)] == [2, 2, 3, 5, 5]\n",
        kept=("test_clamp",),
    ),
    _python(
        "initials",
        'def initials(name):\n    """Return the first letters of the words, in capitals."""\n'
        '    return "".join(word[0].upper() for word in name.split())\n',
        'def test_words():\n    assert initials("ada king") == "AK"\n\n\n'
        'def test_nothing():\n    for name in []:\n        assert initials(name) == "X"\n',
        kept=("test_words",), never=("test_nothing",), gates=(Gate.OWN,),
    ),
    _python(
        "middle",
        'def middle(items):\n    """Return the middle one of the sorted items; of an even number the lower one."""\n'
        "    return sorted(items)[(len(items) - 1) // 2]\n",
        "def test_middle():\n    assert middle([3, 1, 2]) == 2\n    assert middle([4, 1, 2, 3]) == 2\n\n\n"
        "def test_again():\n    assert middle([5, 3, 4]) == 4\n",
        kept=("test_middle",), never=("test_again",), gates=(Gate.OWN,),
    ),
    _python(
        "counted",
        'def counted(words, seen):\n    """Add each word to `seen` and return how many are new."""\n'
        "    new = [word for word in words if word not in seen]\n    seen.extend(new)\n    return len(new)\n",
        'SEEN = []\n\n\ndef test_first():\n    assert counted(["a", "b"], SEEN) == 2\n\n\n'
        'def test_second():\n    assert counted(["a", "c"], SEEN) == 1\n',
        'SEEN = []\n\n\ndef test_first():\n    assert counted(["a", "b"], SEEN) == 2\n\n\n'
        'def test_second():\n    assert counted(["a", "c"], SEEN) == 1\n    assert SEEN\n',
        gates=(Gate.STEADY,),
    ),
    _python(
        "percent",
        'def percent(part, whole):\n    """Return the part of the whole in percent: half of it is 50."""\n'
        "    return 100 * part / whole\n",
        "def test_half():\n    assert percent(1, 2) == 0.5\n",
        "def test_quarter():\n    assert percent(2, 8) == 25\n",
        verdict="refuted", kept=("test_quarter",),
    ),
    _python(
        "slug",
        'def slug(title):\n    return title.strip().lower().replace(" ", "-")\n',
        'def test_slug():\n    assert slug(" A B ") == "a-b"\n',
        opinions=("uncertain",), kept=("test_slug",), evidence="pins today's behaviour",
    ),
    _python(
        "chunked",
        'def chunked(items, size):\n    """Return the items in lists of that size; the last may be shorter."""\n'
        "    return [items[at : at + size] for at in range(0, len(items), size)]\n",
        "def test_chunked():\n    assert chunked([1, 2, 3], 2) == [[1, 2], [3]]\n    assert chunked([], 2) == []\n",
        kept=("test_chunked",),
    ),
    _python(
        "first_after",
        'LIMIT = 5\n\n\ndef first_after(numbers, limit):\n    """Return the numbers greater than limit, the first only."""\n'
        "    return [number for number in numbers if number >= limit][:1]\n",
        "def test_limit():\n    assert first_after([LIMIT], LIMIT) == []\n",
        "def test_limit():\n    assert first_after([LIMIT], LIMIT) == [LIMIT]\n",
        defect=True, head="from shop.first_after import LIMIT\n", verdict="confirmed", gates=(), shown="sure",
    ),
    _python(
        "count_up_to",
        'def count_up_to(n):\n    """Return the numbers from 1 to n, n included."""\n    return list(range(1, n))\n',
        "def test_three():\n    assert count_up_to(3) == [1, 2, 3]\n",
        "def test_three():\n    got = count_up_to(3)\n    assert len(got) == 2\n",
        defect=True, verdict="confirmed", shown="sure",
    ),
    _python(
        "is_adult",
        'def is_adult(age):\n    """Whether somebody is of age: at least 18."""\n    return age > 18\n',
        "def test_clear():\n    assert is_adult(19)\n    assert not is_adult(10)\n\n\n"
        "def test_boundary():\n    assert not is_adult(18)\n",
        defect=True, opinions=("confirmed", "refuted"), never=("test_boundary", "(18)"), gates=(Gate.PROMISED,),
    ),
    _python(
        "split_evenly",
        'def split_evenly(total, people):\n    """Return what each of the people gets, rounded down."""\n'
        "    return -(-total // people)\n",
        "def test_split():\n    assert split_evenly(10, 3) == 3\n",
        "def test_split():\n    assert split_evenly(10, 3) == 3\n",
        defect=True, verdict="confirmed", shown="sure",
    ),
    _python(
        "pages",
        'def pages(items, size):\n    """Return on how many pages of that size the items fit: a part of a page is a page."""\n'
        "    return items // size\n",
        "def test_part():\n    assert pages(5, 2) == 3\n",
        "def test_other():\n    assert pages(7, 2) == 3\n",
        defect=True, verdict="uncertain", opinions=("uncertain",), gates=(), shown="possible",
    ),
    _python(
        "days_left",
        'def days_left(today, end):\n    """Return the days from today to the end; 0 if it is over."""\n    return end - today\n',
        "def test_over():\n    assert days_left(9, 4) == 0\n",
        'def test_over():\n    """It may be over."""\n    expected = 4 - 9\n    assert days_left(9, 4) == expected\n',
        defect=True, verdict="confirmed", shown="sure",
    ),
    _python(
        "parse_flag",
        'def parse_flag(text):\n    """Whether the text is "yes", in capitals or not."""\n    return text == "yes"\n',
        'def test_capitals():\n    assert parse_flag("YES") is False\n    assert parse_flag("yes") is True\n',
        defect=True, opinions=("refuted",), gates=(Gate.PROMISED,),
    ),
)  # fmt: skip

_JS = 'import { expect, test } from "vitest";\n\nimport {{ {0} }} from "../src/{0}";\n\n'


def _typescript(name: str, body: str, *answers: str, defect: bool = False, **more: object) -> SampleUnit:
    head = _JS.replace("{{", "{").replace("}}", "}").replace("{0}", name)
    return SampleUnit(name, "typescript", defect, body, tuple(head + answer for answer in answers), **more)  # type: ignore[arg-type]


TYPESCRIPT = (
    _typescript(
        "clip",
        "/** Return n, but at most high. */\nexport function clip(n: number, high: number): number {\n"
        "  if (n > high) {\n    return high;\n  }\n  return n;\n}\n",
        'test("clips", () => {\n  expect(clip(9, 5)).toBe(5);\n  expect(clip(5, 5)).toBe(5);\n'
        "  expect(clip(3, 5)).toBe(3);\n});\n",
        kept=("clips",),
    ),
    _typescript(
        "last",
        "/** Return the last item, or the other value if there is none. */\n"
        "export function last(items: number[], other: number): number {\n"
        "  if (items.length === 0) {\n    return other;\n  }\n  return items[items.length - 1];\n}\n",
        'test("last", () => {\n  expect(last([1, 2], 0)).toBe(2);\n  expect(last([], 7)).toBe(7);\n});\n'
        'test("loop", () => {\n  for (const one of [] as number[]) {\n    expect(last([one], 0)).toBe(one);\n  }\n});\n',
        kept=('test("last"',), never=('test("loop"',), gates=(Gate.OWN,),
    ),
    _typescript(
        "above",
        "/** Return the numbers greater than limit. */\nexport function above(items: number[], limit: number): number[] {\n"
        "  return items.filter((one) => one >= limit);\n}\n",
        'test("limit", () => {\n  expect(above([5], 5)).toEqual([]);\n});\n',
        'test("limit", () => {\n  const got = above([5], 5);\n  expect(got).toEqual([5]);\n});\n',
        defect=True, verdict="confirmed", shown="sure",
    ),
    _typescript(
        "share",
        "/** Return the share of each, rounded down. */\nexport function share(total: number, people: number): number {\n"
        "  return Math.ceil(total / people);\n}\n",
        'test("uneven", () => {\n  expect(share(10, 3)).toBe(4);\n});\n',
        defect=True, opinions=("refuted",), never=("toBe(4)",), gates=(Gate.PROMISED,),
    ),
    _typescript(
        "twice",
        "/** Return the text two times. */\nexport function twice(text: string): string {\n  return text + text;\n}\n",
        'test("twice", () => {\n  expect(twice("a")).toBe("a");\n});\n',
        'test("twice", () => {\n  expect(twice("b" + "c")).toBe("bcbc");\n});\n',
        verdict="refuted", kept=("bcbc",), never=('toBe("a")',),
    ),
)  # fmt: skip


def _go(name: str, body: str, *answers: str, defect: bool = False, **more: object) -> SampleUnit:
    codes = tuple(f'package shop\n\nimport "testing"\n\n{answer}' for answer in answers)
    return SampleUnit(name, "go", defect, f"package shop\n\n{body}", codes, **more)  # type: ignore[arg-type]


GO = (
    _go(
        "atmost",
        "// AtMost returns n, but at most high.\nfunc AtMost(n, high int) int {\n\tif n > high {\n\t\treturn high\n\t}\n"
        "\treturn n\n}\n",
        "func TestAtMost(t *testing.T) {\n\tif AtMost(9, 5) != 5 || AtMost(5, 5) != 5 || AtMost(3, 5) != 3 {\n"
        '\t\tt.Error("wrong")\n\t}\n}\n',
        kept=("TestAtMost",),
    ),
    _go(
        "sign",
        "// Sign returns -1, 0 or 1.\nfunc Sign(n int) int {\n\tif n > 0 {\n\t\treturn 1\n\t}\n\tif n < 0 {\n\t\treturn -1\n\t}\n"
        "\treturn 0\n}\n",
        "func TestSign(t *testing.T) {\n\tif Sign(5) != 1 || Sign(0) != 0 || Sign(-5) != -1 {\n"
        '\t\tt.Error("wrong")\n\t}\n}\n\n'
        "func TestSignLoop(t *testing.T) {\n\tfor _, n := range []int{} {\n\t\tif Sign(n) != 1 {\n"
        '\t\t\tt.Error("wrong")\n\t\t}\n\t}\n}\n',
        kept=("TestSign(",), never=("TestSignLoop",), gates=(Gate.OWN,),
    ),
    _go(
        "over",
        "// Over tells whether n is greater than limit.\nfunc Over(n, limit int) bool {\n\treturn n >= limit\n}\n",
        'func TestOver(t *testing.T) {\n\tif Over(5, 5) {\n\t\tt.Error("want false")\n\t}\n}\n',
        'func TestOver(t *testing.T) {\n\tif !Over(5, 5) {\n\t\tt.Error("want true")\n\t}\n}\n',
        defect=True, verdict="confirmed", shown="sure",
    ),
    _go(
        "half",
        "// Half returns the half of n, rounded down.\nfunc Half(n int) int {\n\treturn (n + 1) / 2\n}\n",
        'func TestHalfEven(t *testing.T) {\n\tif Half(0) != 0 {\n\t\tt.Error("wrong")\n\t}\n}\n\n'
        'func TestHalfOdd(t *testing.T) {\n\tif Half(7) != 4 {\n\t\tt.Error("wrong")\n\t}\n}\n',
        defect=True, opinions=("confirmed", "refuted"), never=("TestHalfOdd",), gates=(Gate.PROMISED,),
    ),
    _go(
        "plus",
        "// Plus returns the sum.\nfunc Plus(a, b int) int {\n\treturn a - b\n}\n",
        'func TestPlus(t *testing.T) {\n\tt.Run("two", func(t *testing.T) {\n\t\tif Plus(1, 1) != 2 {\n'
        '\t\t\tt.Error("want 2")\n\t\t}\n\t})\n}\n',
        'func TestPlus(t *testing.T) {\n\tt.Run("two", func(t *testing.T) {\n\t\tif Plus(1, 1) != 2 {\n'
        '\t\t\tt.Error("want 2")\n\t\t}\n\t})\n}\n',
        defect=True, verdict="confirmed", shown="sure",
    ),
)  # fmt: skip

UNITS: Mapping[str, tuple[SampleUnit, ...]] = {"python": PYTHON, "typescript": TYPESCRIPT, "go": GO}
