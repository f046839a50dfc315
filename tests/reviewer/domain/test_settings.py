"""The settings file: good defaults, and bad input that costs one key and not the review."""

from __future__ import annotations

import json
import os

import pytest

from reviewer.domain.settings import FailLevel, Settings, parse_settings, settings_schema
from reviewer.domain.severity import Severity
from tests.paths import ROOT


def test_an_empty_file_means_the_defaults() -> None:
    """No text, comments only and an empty section all mean the defaults."""
    for text in ("", "# nothing\n", "review:\n", "---\n"):
        assert parse_settings(text) == (Settings(), ())


def test_values_are_read() -> None:
    """Each kind of value arrives, in both spellings of path instructions."""
    text = """
review:
  auto: false
  exclude: docs/**
  severity: warning
  fail_level: error
  path_instructions:
    "src/**": Mind the locks.
tests:
  command: pytest -q
budget:
  per_month_usd: 12.5
"""
    settings, problems = parse_settings(text)
    assert problems == ()
    assert settings.review.auto is False
    assert settings.review.exclude == ("docs/**",)
    assert settings.review.severity is Severity.WARNING
    assert settings.review.path_instructions[0].path == "src/**"
    assert settings.tests.command == "pytest -q"
    assert str(settings.budget.per_month_usd) == "12.5"


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("review:\n  auto: maybe\n", "review.auto", 2),
        ("review:\n  drafts: true\n  colour: blue\n", "review.colour", 3),
        ("review:\n  max_comments: 400\n", "review.max_comments", 2),
        ("\nfoo: 1\n", "foo", 2),
        ("review: 3\n", "review", 1),
        ("1: 2\n", "1", 1),
        ("budget:\n  per_review_usd: -1\n", "budget.per_review_usd", 2),
        ("review:\n  path_instructions:\n  - path: x\n", "review.path_instructions", 2),
        ("review: [\n", "", 2),
        ("- a\n", "", 1),
        ("&a [*a]", "", 1),
        ("x: " + "y" * 70_000, "", 1),
    ],
)
def test_a_bad_value_is_reported_with_its_line(text: str, key: str, line: int) -> None:
    """The problem names the key and the line, and the defaults hold for it."""
    settings, problems = parse_settings(text)
    assert [(problem.key, problem.line) for problem in problems] == [(key, line)]
    defaults = Settings().model_dump()
    if text.startswith("review:\n  drafts"):
        defaults["review"]["drafts"] = True
    assert settings.model_dump() == defaults


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("review:\n  severity: error\n  drafts: false\n  severity: warning\n", "review.severity", 4),
        ("review:\n  severity: error\ntests:\n  auto: false\nreview:\n  severity: warning\n", "review", 5),
    ],
)
def test_a_key_given_twice_is_reported(text: str, key: str, line: int) -> None:
    """The last one counts, as for every reader of YAML, and whoever wrote it is told."""
    settings, (problem,) = parse_settings(text)
    assert (problem.key, problem.line) == (key, line)
    assert "twice" in problem.message
    assert settings.review.severity is Severity.WARNING


def test_one_bad_key_spares_the_others() -> None:
    """A wrong value drops that key only."""
    settings, problems = parse_settings("review:\n  auto: 7x\n  max_comments: 3\n")
    assert settings.review.max_comments == 3
    assert settings.review.auto is True
    assert "auto" in str(problems[0])


def test_fail_levels() -> None:
    """A level fails on its own severity and above; `never` fails on nothing."""
    assert FailLevel.WARNING.fails(Severity.ERROR)
    assert FailLevel.WARNING.fails(Severity.WARNING)
    assert not FailLevel.WARNING.fails(Severity.INFO)
    assert not FailLevel.NEVER.fails(Severity.ERROR)


def test_the_schema_names_every_key() -> None:
    """The generated JSON schema knows each section and forbids other keys."""
    schema = settings_schema()
    assert set(schema["properties"]) == {"review", "tests", "budget"}
    assert schema["additionalProperties"] is False
    assert "path_instructions" in schema["$defs"]["ReviewSettings"]["properties"]


def test_the_published_schema_is_the_one_of_the_classes() -> None:
    """docs/reviewer.schema.json is what editors use; UPDATE_GOLDEN=1 writes it anew."""
    path = ROOT / "docs" / "reviewer.schema.json"
    text = json.dumps(settings_schema(), indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text
