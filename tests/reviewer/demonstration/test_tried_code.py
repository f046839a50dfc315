"""What of a test certainly runs, and whether it would notice the result that a claim calls wrong."""

from __future__ import annotations

import time

import pytest

from reviewer.demonstration.proofs.claims import Claim
from reviewer.demonstration.proofs.tried_code import accepts_wrong_result, tried_code

_MEAN = Claim(calls=frozenset({"mean([])"}), literals=frozenset({"[]"}))


@pytest.mark.parametrize(
    ("body", "tried"),
    [
        ("assert mean([]) == 0", True),
        ("got = stats.mean( [ ] )\n    assert got == 0", True),
        ("with pytest.raises(KeyError):\n        mean([])", True),
        ("# mean([])\n    assert mean([1]) == 1", False),
        ("'''mean([])'''\n    assert mean([1]) == 1", False),
        ("run = lambda: mean([])\n    assert run", False),
        ("if 0:\n        mean([])\n    assert mean([1]) == 1", False),
        ("for _ in ():\n        assert mean([]) == 0", False),
        ("assert mean([1]) == 1 or mean([]) == 0", False),
        ("assert mean([1]) == 1, mean([])", False),
        ("assert [mean([]) for _ in ()] == []", False),
        ("return\n    assert mean([]) == 0", False),
        ("def never():\n        mean([])\n    assert mean([1]) == 1", False),
        ("assert my_mean([]) == 0", False),
    ],
)
def test_only_a_call_that_certainly_runs_tries_an_input(body: str, *, tried: bool) -> None:
    code = f"def test_mean():\n    {body}\n"
    assert _MEAN.is_tried_by(tried_code("tests/test_a.py", code)) is tried


@pytest.mark.parametrize(
    ("code", "tried"),
    [
        ("expect(mean([])).toBe(0); // mean([1])", True),
        ("// mean([])\nexpect(mean([1])).toBe(1);", False),
        ("\tif mean([]) != 0 {", True),
        ("/* mean([])\n */ expect(mean([1])).toBe(1);", False),
        ('expect(url("http://a")).toBe(mean([]));', True),
        ("  # mean([])\n  assert_equal 1, mean([1])", False),
    ],
)
def test_a_comment_of_another_language_tries_nothing(code: str, *, tried: bool) -> None:
    assert _MEAN.is_tried_by(tried_code("a.test.ts", code)) is tried


@pytest.mark.parametrize(
    ("check", "accepted"),
    [
        ("assert price(5000) == 0", ""),
        ("assert price(5000) == 490", "490"),
        ("assert price(5000) == 500 - 10", "490"),
        ("assert price(5000) in (0, 490)", "490"),
        ("got = price(5000)\n    assert got <= 490 and got != 0", "490"),
        ("self.assertIn(price(5000), [490])", "490"),
        ("self.assertEqual(price(5000), 0)", ""),
        ("assert price(5000) != 490", ""),
        ("assert price(5000) == 490\n    assert price(5000) == 0", ""),
        ("assert price(5000) == unknown()", ""),
        ("assert price(1) == 490", ""),
    ],
)
def test_a_test_that_the_wrong_result_would_pass_is_recognised(check: str, accepted: str) -> None:
    code = f"def test_price():\n    {check}\n"
    assert accepts_wrong_result(code, {"price(5000)"}, {"490"}) == accepted


@pytest.mark.parametrize("unit", ['"', '\\"', "'", "/*", "*", "//", "#", " #", "/", "(", "-", "not ", "f("])
def test_tests_of_a_model_are_read_in_linear_time(unit: str) -> None:
    began = time.process_time()
    for path in ("a.py", "a.ts"):
        tried_code(path, unit * 20_000)
        accepts_wrong_result(unit * 20_000, {"f(1)"}, {"2"})
    assert time.process_time() - began < 2
