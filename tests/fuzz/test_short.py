"""A few hundred inputs for each target of `make fuzz`, the same in every run; and the campaign itself finds faults."""

from __future__ import annotations

import re

import pytest
from hypothesis import strategies as st

from tests.fuzz.campaign import Target, run
from tests.fuzz.report import guided, main
from tests.fuzz.targets import TARGETS


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks(name: str) -> None:
    """No input crashes a target, is read wrongly, or takes more than linear time."""
    outcome = run(TARGETS[name], 300, grown=4)
    assert outcome.failures == []
    assert outcome.inputs == 300


def _refuse_b(text: str) -> None:
    if "b" in text:
        raise ValueError("a b")


FAULTY = Target("b", st.text("ab", max_size=9), _refuse_b, len)


def test_a_crash_is_found_with_its_smallest_input() -> None:
    """An error that is not allowed is a failure, and the smallest input that causes it is shown."""
    outcome = run(FAULTY, 100)
    (failure,) = outcome.failures
    assert "ValueError: a b" in failure
    assert "value='b'" in failure


@pytest.mark.slow
def test_more_than_linear_time_is_found() -> None:
    """A function that looks through the text for each character is a failure, although small inputs are fast."""
    outcome = run(
        Target("square", st.text("ab", min_size=1, max_size=9), len, lambda text: [text.count("c") for _ in text * 4]),
        20,
        grown=2,
    )
    assert any("Twice as much" in failure for failure in outcome.failures)


def test_allowed_errors_are_no_failures_while_a_text_grows() -> None:
    """What a reader may raise ends the measurement of that text only."""
    target = Target("typed", st.text("a", min_size=1, max_size=3), len, int, typed=(ValueError,))
    assert run(target, 10).failures == []


@pytest.mark.slow
def test_the_report_has_a_row_for_each_target(capsys: pytest.CaptureFixture[str]) -> None:
    """`make fuzz` prints inputs, seconds, failures and the slowest input; an unknown target is refused by name."""
    assert main(["--inputs", "20", "signature", "link"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"signature +20 +\d+ +0 +[\d.]+ ms", shown)
    assert re.search(r"link +20 +\d+ +0 +[\d.]+ ms", shown)
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "there is no target nothing; there are signature" in capsys.readouterr().err


@pytest.mark.slow
def test_guided_inputs_find_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Where Atheris is installed: a target that holds, and one whose check fails for an input that must be found."""
    pytest.importorskip("atheris")
    assert guided(["link"], 50, 0) == []
    assert re.search(r"link +50 +held", capsys.readouterr().out)
    faulty = "tests.fuzz.test_short:FAULTY"
    assert guided([faulty], 5_000, 0) == [faulty]
    assert re.search(r"fails for '[ab]*b[ab]*'", capsys.readouterr().out)
