"""Variables that were meant for the App and do nothing are told, with what was likely meant."""

from __future__ import annotations

import re

import pytest

from tests.paths import ROOT
from webhooks.operator_settings.misspelt import KNOWN, doubtful_variables


def test_a_misspelt_name_is_told_with_the_likely_one():
    assert doubtful_variables({"REVIEWER_MODLE": "x", "REVIEWER_MODEL": "x", "PATH": "/bin"}) == [
        "REVIEWER_MODLE is not a setting: is REVIEWER_MODEL meant?"
    ]
    assert doubtful_variables({"REVIEWER_XYZZY_QQ": "x"}) == ["REVIEWER_XYZZY_QQ is not a setting; it has no effect."]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://github.example.com", "without /api/v3"),
        ("https://github.example.com/api", "without /api/v3"),
        ("https://github.com", "GitHub's page"),
    ],
)
def test_a_doubtful_address_is_told(url, words):
    (doubt,) = doubtful_variables({"GITHUB_API_URL": url})
    assert words in doubt


@pytest.mark.parametrize(
    "url",
    ["", "https://api.github.com", "https://api.github.com/", "https://h/api/v3", "https://api.acme.ghe.com", "["],
)
def test_a_right_address_is_not(url):
    assert doubtful_variables({"GITHUB_API_URL": url}) == []


def test_a_short_token_is_told():
    assert "guessed" in doubtful_variables({"REVIEWER_OPERATOR_TOKEN": "short"})[0]


def test_every_variable_that_is_read_is_known():
    """A new setting is added to the list: what the code and the documentation name stands there."""
    paths = [
        *ROOT.glob("reviewer/**/*.py"),
        *ROOT.glob("webhooks/**/*.py"),
        ROOT / "docs" / "settings.md",
        ROOT / "app.py",
        ROOT / "gunicorn.conf.py",
        ROOT / "action.yml",  # the names of its inputs are put together in the code
    ]
    named = {name for path in paths for name in re.findall(r"\bREVIEWER_[A-Z_]*[A-Z]\b", path.read_text("utf-8"))}
    inner = {"REVIEWER_CANARY", "REVIEWER_ALLOW", "REVIEWER_DENY", "REVIEWER_MAX_USD"}
    assert named - KNOWN - inner == set()
