"""What is recognised in the words of a claim."""

from __future__ import annotations

import time

import pytest

from reviewer.demonstration.proofs.claims import Claim, claim_of, head_lines
from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category, Finding
from reviewer.domain.severity import Confidence, Severity

DIFF = parse_diff(
    "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,4 +1,3 @@\n one\n-two\n-three\n+TWO\n four\n"
)


def claim(title: str, body: str = "") -> Claim:
    anchor = DIFF.anchor("a.py", 2)
    assert anchor is not None
    return claim_of(Finding(anchor, Severity.ERROR, Category.BUG, title, body, "TWO", Confidence.HIGH, "f"))


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        ("`mean([])` raises ZeroDivisionError", {"ZeroDivisionError"}),
        ("raises shop.errors.BadPrice and KeyError", {"KeyError"}),
        ("returns None instead of raising a ValueError", set()),
        ("it should raise ValueError, but raises KeyError", {"KeyError"}),
        ("crashes", set()),
    ],
)
def test_exceptions_that_go_wrong_are_told_from_those_demanded(text: str, failures: set[str]) -> None:
    assert claim(text).failures == failures


@pytest.mark.parametrize(
    ("text", "code", "tried"),
    [
        ("`mean([])` raises", "assert mean([ ]) == 0", True),
        ("`mean([])` raises", "assert mean([1]) == 1", False),
        ("`total(2, 'b')` is wrong", 'assert total(2, "b") == 3', True),
        ("fails for an empty list", "assert mean([]) == 0", True),
        ("fails for 5000", "assert shipping(5000) == 0", True),
        ("fails for 5000", "assert shipping(500) == 0", False),
        ("`total(items)` is wrong", "assert total([1]) == 1", False),
    ],
)
def test_a_test_must_use_the_input_that_the_claim_names(text: str, code: str, *, tried: bool) -> None:
    assert claim(text).is_tried_by(code) is tried


@pytest.mark.parametrize(
    ("text", "code", "wrong"),
    [
        ("`mean([])` raises ZeroDivisionError", "    with pytest.raises(ZeroDivisionError):\n", "ZeroDivisionError"),
        ("`f(2)` returns 5", "    assert f(2) == 5\n", "5"),
        ("`f(2)` returns 5 instead of 4", "    assert f(2) == 4\n", ""),
        ("`f(2)` returns 2", "    assert f(2) == 4\n", ""),
        ("it should return 4", "    assert f(2) == 4\n", ""),
        ("`f(2)` returns 5", "  expect(f(2)).toBe(5);\n", "5"),
        ("`f(2)` comes to 5, although it is free", "    assert f(2) == 5\n", "5"),
        ("`f(2)` ought to be 5", "    assert f(2) == 5\n", ""),
        ("`f(2)` raises KeyError", "    with pytest.raises(LookupError):\n", "raises"),
        ("`f(2)` raises KeyError instead of ValueError", "    with pytest.raises(ValueError):\n", ""),
        ("`f(2)` raises KeyError", "    except Exception:\n", "except"),
        ("`f(2)` panics", "  expect(() => f(2)).toThrow();\n", "toThrow"),
        ("`f(2)` throws", "  expect(() => f(2)).not.toThrow();\n", ""),
        ("`f(2)` panics", "\tdefer func() { recover() }()\n", "recover("),
    ],
)
def test_a_test_that_demands_the_wrong_result_is_recognised(text: str, code: str, wrong: str) -> None:
    assert claim(text).is_expected_by(code) == wrong


def test_a_claim_about_removed_lines_is_about_those_beside_them() -> None:
    """Only lines of the head can run."""
    anchor = DIFF.anchor("a.py", 3, side=Side.LEFT)
    assert anchor is not None
    finding = Finding(anchor, Severity.ERROR, Category.BUG, "t", "", "three", Confidence.HIGH, "f")
    assert head_lines(finding, DIFF) == {1, 2}


@pytest.mark.parametrize("unit", ["f(1", "a.b.", "returns 1 ", "'", '"x', "should be not ", "1_", "Error" * 20, "-"])
def test_words_of_a_model_are_read_in_linear_time(unit: str) -> None:
    began = time.process_time()
    claim(unit * 4_000, unit * 4_000).is_tried_by(unit * 4_000)
    claim(unit * 4_000).is_expected_by(unit * 4_000)
    assert time.process_time() - began < 2
