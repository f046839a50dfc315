"""Answers that would damage a test file or weaken a test: layout, comments, texts, expectations beside the altered."""

from __future__ import annotations

import pytest

from reviewer.testgen.evidence import Gate, GateFailure
from reviewer.testgen.python.editing.updates import edited

HEAD = "import pytest\n\nfrom fees import fee\n\n\n"
SHIFTED = '''class TestFee:
    def test_fee(self):
        text = """a
b
    \n        c"""
        assert fee(text) == 5
'''
METHOD = SHIFTED.partition("\n")[2]
FLUSH = 'def test_fee(self):\n    text = """a\nb\n    \n        c"""\n    assert fee(text) == 7\n'
TABS = "class TestFee:\n\tdef test_fee(self):\n\t\tassert fee(40) == 5\n"
LONG = "def test_fee():\n    days = [\n        40,\n    ]\n    assert fee(days) == 5\n    assert fee('x') == 0\n"
SHORT = 'def test_fee():\n    days = [40]\n    assert fee(days) == 7\n    assert fee("x") == 0\n'
TABLE = """@pytest.mark.parametrize(
    ("days", "price"),
    [
        pytest.param(3, 0, id="free"),  # first
        pytest.param(40, 5, id="late"),  # second
    ],
)
def test_fee(days, price):
    assert fee(days) == price
"""
UNITTEST = """class TestFee(Case):
    def test_fee(self):
        for n in (1, 2):
            with self.subTest(n=n):
                self.assertEqual(fee(n), 5)
"""
NOTED = "def test_fee():\n    days = 40  # noqa: F841\n    # keep this\n    assert fee(days) == 5  # type: ignore\n"

KEPT: list[tuple[str, str, str, str]] = [
    ("a text at the left edge", SHIFTED, METHOD.replace("== 5", "== 7"), SHIFTED.replace("== 5", "== 7")),
    ("the whole file", SHIFTED, HEAD + SHIFTED.replace("== 5", "== 7"), SHIFTED.replace("== 5", "== 7")),
    ("a method answered as a function", SHIFTED, FLUSH, SHIFTED.replace("== 5", "== 7")),
    ("tabs", TABS, "\tdef test_fee(self):\n\t\tassert fee(40) == 7\n", TABS.replace("5", "7")),
    ("tabs, answered as a function", TABS, "def test_fee(self):\n\tassert fee(40) == 7\n", TABS.replace("5", "7")),
    ("a layout of its own", LONG, SHORT, LONG.replace("== 5", "== 7")),
    ("a table's comments", TABLE, TABLE.replace("40, 5", "40, 7").replace("  # first", ""),
     TABLE.replace("40, 5", "40, 7")),
    ("comments", NOTED, NOTED.replace("== 5", "== 7"), NOTED.replace("== 5", "== 7")),
    ("a tool's comment", NOTED, NOTED.replace("== 5", "== 7").replace("noqa: F841", "noqa"),
     NOTED.replace("== 5", "== 7")),
    ("subtests", UNITTEST, HEAD + UNITTEST.replace("5", "7"), UNITTEST.replace("5", "7")),
    ("letters beyond ASCII", 'def test_fee():\n    assert fee("é") == "ü"  # ß\n',
     'def test_fee():\n    assert fee("é") == "ö"  # ß\n', 'def test_fee():\n    assert fee("é") == "ö"  # ß\n'),
    ("no line end at the end", "def test_fee():\n    assert fee(40) == 5", "def test_fee():\n    assert fee(40) == 7\n",
     "def test_fee():\n    assert fee(40) == 7"),
    ("a comment above that is repeated", "def test_fee():\n    assert fee(40) == 5\n",
     "# about fees\ndef test_fee():\n    assert fee(40) == 7\n", "def test_fee():\n    assert fee(40) == 7\n"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "answer", "kept"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_only_the_lines_that_mean_something_else_change(function: str, answer: str, kept: str) -> None:
    """Texts, comments, indentation and line breaks stay to the letter, however the answer is laid out."""
    name = "TestFee.test_fee" if function.startswith("class") else "test_fee"
    assert edited(HEAD + function, name, answer) == HEAD + kept


ONE = "def test_fee():\n    assert fee(40) == 5\n"
TWO = ONE + '    assert "free" in text(3)\n'
BOUND = ONE + "    assert fee(3) < 1\n"
RAISES = "def test_fee():\n    with pytest.raises(ValueError, match='five'):\n        fee(-1)\n"
PAIR = "def test_fee():\n    assert Point(5) == Fee(40).point\n"
TOLD = 'def test_fee():\n    """It costs.\n\n    >>> fee(3)\n    0\n    """\n    assert fee(40) == 5\n'
STOPPED: list[tuple[str, str, list[tuple[str, str]], str]] = [
    ("comments dropped", NOTED, [("== 5", "== 7"), ("    # keep this\n", "")], "comment: `# keep this`"),
    ("a tool's comment dropped", NOTED, [("== 5  # type: ignore", "== 7")], "comment: `# type: ignore"),
    ("a tool's comment added", NOTED, [("== 5", "== 7"), ("# keep", "# noqa # keep")], "comment: `# noqa"),
    ("the description dropped", TOLD, [("== 5", "== 7"), (TOLD[16:-24], "    ")], "takes the description"),
    ("an example of the description", TOLD, [("== 5", "== 7"), ("    0\n", "    7\n")], "examples in the description"),
    ("an indirect table", TABLE.replace("]", "], indirect=True"), [("40, 5", "4, 5")], "called or marked"),
    ("a name set in an expression", ONE.replace("5", "(n := 5)") + "    assert fee(n) == 0\n", [("5", "7")],
     "sets a name inside"),
    ("the input on the right", PAIR, [("Fee(40)", "Fee(4)")], "with which input"),
    ("two new objects", PAIR.replace(".point", ""), [("Fee(40)", "Fee(4)")], "which side"),
    ("one of more", ONE.replace("== 5", "in (5,)"), [("(5,)", "(6, 7, 8)")], "weakens"),
    ("a part of a text", 'def test_fee():\n    assert "five" in text(40)\n', [("five", "s")], "weakens"),
    ("any message", RAISES, [("five", ".*")], "weakens"),
    ("one of several errors", RAISES, [("ValueError", "(KeyError, Exception)")], "weakens"),
    ("any error, by its module", RAISES, [("ValueError", "builtins.Exception")], "weakens"),
    ("a part of the text of another", TWO, [("== 5", "== 7"), ('"free"', '"ree"')], "that the change leaves"),
    ("another bound", BOUND, [("== 5", "== 7"), ("< 1", "< 100")], "that the change leaves"),
    ("a value for another bound", BOUND, [("== 5", "== 7"), ("< 1", "== 0")], "that the change leaves"),
    ("what equals much", ONE, [("5", "IsInt()")], "what `IsInt` equals"),
    ("a name that may be anything", ONE, [("5", "SOME")], "what `SOME` equals"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "changes", "why"), [row[1:] for row in STOPPED], ids=[row[0] for row in STOPPED])
def test_what_says_less_than_before_is_stopped(function: str, changes: list[tuple[str, str]], why: str) -> None:
    """Neither the altered expectation nor one beside it may say less, and nothing that people wrote is lost."""
    answer = function
    for old, new in changes:
        assert old in answer
        answer = answer.replace(old, new)
    stopped = edited(HEAD + function, "test_fee", answer)
    assert isinstance(stopped, GateFailure), stopped
    assert stopped.gate is Gate.INPUTS
    assert why in stopped.reason


FINE: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("two exact values", BOUND.replace("< 1", "== 0"), [("== 5", "== 7"), ("== 0", "== 1")]),
    ("a value of the standard library", ONE, [("5", 'Decimal("7")')]),
    ("another message", RAISES, [("five", "seven")]),
    ("another error", RAISES, [("ValueError", "KeyError")]),
    ("another collection of that size", ONE.replace("== 5", "in (5,)"), [("(5,)", "(7,)")]),
    ("the expectation on the left", PAIR, [("Point(5)", "Point(7)")]),
    ("a comment in other words", NOTED, [("== 5", "== 7"), ("keep this", "it is seven")]),
    ("a bound alone", BOUND.replace("== 5", "== 7"), [("< 1", "< 2")]),
]


@pytest.mark.parametrize(("function", "changes"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_an_honest_update_is_not_stopped(function: str, changes: list[tuple[str, str]]) -> None:
    """What demands as much of the same result is taken as it was written."""
    answer = function
    for old, new in changes:
        assert old in answer
        answer = answer.replace(old, new)
    assert edited(HEAD + function, "test_fee", answer) == HEAD + answer
