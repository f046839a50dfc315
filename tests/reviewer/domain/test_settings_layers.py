"""An organisation's settings under a repository's own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reviewer.domain.settings_layers import SettingsLayer, layered_settings, settings_in_force

ORG = "octo/.github:reviewer.yml"
OWN = ".github/reviewer.yml"


def both(org: str, own: str):
    return layered_settings([SettingsLayer(ORG, org), SettingsLayer(OWN, own)])


def test_a_key_of_the_repository_wins_and_the_others_stay():
    """Key by key, also where a section stands in both files; a value that is the default wins too."""
    settings, problems = both(
        "review:\n  drafts: true\n  language: German\nbudget:\n  per_month_usd: 5\n",
        "review:\n  language: English\n  exclude: [docs/**]\n",
    )
    assert problems == ()
    assert (settings.review.drafts, settings.review.language) == (True, "English")
    assert settings.review.exclude == ("docs/**",)
    assert settings.budget.per_month_usd == Decimal(5)


@pytest.mark.parametrize(
    ("org", "own"), [("budget:\n  per_month_usd: lots\n", ""), ("", "budget:\n  per_month_usd: lots\n"), ("- x\n", "")]
)
def test_a_file_that_cannot_be_read_stops_everything(org, own):
    """Whichever it is, and it is named."""
    settings, problems = both(org, own)
    assert not settings.review.auto
    assert settings.review.exclude == ("**",)
    assert str(problems[0]).startswith(ORG if org else OWN)


def test_a_bad_value_of_the_repository_lets_the_organisations_hold():
    """It is reported, and what is under it comes through; what narrows a review stays narrow."""
    settings, problems = both("review:\n  max_comments: 3\n  auto: true\n", "review:\n  max_comments: x\n  auto: x\n")
    assert len(problems) == 2
    assert settings.review.max_comments == 3
    assert settings.review.auto is False


def test_where_each_setting_comes_from():
    """Every key is listed once, with the file and line that set it, or `default`."""
    layers = [
        SettingsLayer(ORG, "review:\n  drafts: true\n  language: German\n"),
        SettingsLayer(OWN, "\nreview:\n  language: English\n"),
    ]
    settings, _ = layered_settings(layers)
    found = {entry.key: entry for entry in settings_in_force(settings, layers)}
    assert found["review.drafts"].origin == f"{ORG}:2"
    assert (found["review.language"].value, found["review.language"].origin) == ("English", f"{OWN}:3")
    assert found["budget.per_review_usd"].origin == "default"
    assert settings_in_force(settings, [SettingsLayer(OWN, "- [")])
