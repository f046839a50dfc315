"""The Action's inputs become one value, or an error that names each input that is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reviewer.domain.settings import FailLevel
from reviewer.errors import SettingsError
from webhooks.action.inputs import Forks, Inputs, TestRuns, read_inputs


def test_empty_inputs_are_the_defaults():
    """An input that is left out arrives as an empty variable, or as none."""
    empty = dict.fromkeys(["REVIEWER_TESTS", "REVIEWER_FORKS", "REVIEWER_FAIL_LEVEL", "REVIEWER_COMMANDS"], " ")
    read = read_inputs(empty, ["review"])
    assert (read.level, read.commands, read.forks, read.tests, read.tests_python, read.ceilings) == (
        (None, frozenset(), Forks.LABEL, TestRuns.ON, "", None)
    )
    assert read_inputs({}, ["review"]) == read


def test_inputs_are_read():
    read = read_inputs(
        {
            "REVIEWER_TESTS": "self-hosted",
            "REVIEWER_TESTS_PYTHON": " .venv/bin/python ",
            "REVIEWER_FORKS": "all",
            "REVIEWER_FAIL_LEVEL": "warning",
            "REVIEWER_COMMANDS": "/review, ask",
            "REVIEWER_MAX_USD_PER_PULL": "$0.50",
        },
        ["review", "ask", "tests"],
    )
    assert isinstance(read, Inputs)
    assert (read.tests, read.tests_python, read.forks) == (TestRuns.SELF_HOSTED, ".venv/bin/python", Forks.ALL)
    assert (read.level, read.commands) == (FailLevel.WARNING, frozenset({"review", "ask"}))
    assert read.ceilings is not None
    assert (read.ceilings.per_pull_usd, read.ceilings.per_month_usd) == (Decimal("0.50"), None)


def test_all_that_is_wrong_is_named():
    """A value that is no choice is never taken for a default: nothing is run, and each input is named."""
    with pytest.raises(SettingsError) as caught:
        read_inputs({"REVIEWER_TESTS": "false", "REVIEWER_FORKS": "some", "REVIEWER_COMMANDS": "revue"}, ["review"])
    assert str(caught.value).splitlines() == [
        "The input `commands` is 'revue'; it takes some of review.",
        "The input `forks` is 'some'; it takes one of label, all.",
        "The input `tests` is 'false'; it takes one of on, off, self-hosted.",
    ]
