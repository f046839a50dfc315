"""Settings that would fill the process or stop it: each key is refused with its line, the others hold."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest

from reviewer.domain.settings import MAX_PROBLEMS, Settings, parse_settings

MERGES = "a: &a {x: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [*a, *a, *a, *a, *a, *a, *a]}}\n" for n in range(9))
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))

REFUSED = {
    "a merge key": ("review:\n  <<: {auto: false}\n", "review.<<", 2, "merge key"),
    "an anchor on a value": ("review:\n  exclude: &a [x]\n", "review.exclude", 2, "anchor"),
    "an anchor on a section": ("review: &a\n  auto: false\n", "review", 1, "anchor"),
    "an anchor deep in a list": ("review:\n  exclude:\n  - &a x\n", "review.exclude", 3, "anchor"),
    "an anchor on a key": ("review:\n  &a auto: false\n", "review.auto", 2, "anchor"),
    "an alias": ("review:\n  auto: *a\n", "", 2, "alias"),
    "a tag of Python": ("review:\n  exclude: !!python/name:os.system x\n", "review.exclude", 2, "tag"),
    "a tag of YAML": ("review: !!map {auto: false}\n", "review", 1, "tag"),
    "a tag of nobody": ("review:\n  auto: !x true\n", "review.auto", 2, "tag"),
    "binary data": ("review:\n  instructions: !!binary aGVsbG8=\n", "review.instructions", 2, "tag"),
    "a number in base 60": ("review:\n  max_comments: 1:30\n", "review.max_comments", 2, "base 60"),
    "a long number in base 60": ("budget:\n  per_pull_usd: " + "1:" * 20_000 + "1.5\n", "budget.per_pull_usd", 2, "60"),
    "a number without end": ("review:\n  max_comments: " + "9" * 60_000, "review.max_comments", 2, "digits"),
    "a hexadecimal number": ("review:\n  max_comments: 0x" + "f" * 50_000, "review.max_comments", 2, "digits"),
    "a tiny number": ("budget:\n  per_pull_usd: 1e-999999999\n", "budget.per_pull_usd", 2, "decimal places"),
    "a huge number": ("budget:\n  per_pull_usd: 1e999999999\n", "budget.per_pull_usd", 2, "1000000"),
    "infinity": ("budget:\n  per_pull_usd: .inf\n", "budget.per_pull_usd", 2, "finite"),
    "too many patterns": ("review:\n  exclude: [" + "a, " * 300 + "]", "review.exclude", 2, "200"),
    "a long pattern": ("review:\n  exclude: '" + "*a" * 200 + "'", "review.exclude", 2, "300"),
    "a pattern that is none": ("review:\n  exclude: 'a[b'\n", "review.exclude", 2, "not closed"),
    "a pattern with a bad range": ("review:\n  include: '[z-a]'\n", "review.include", 2, "cannot be read"),
    "a pattern with a last backslash": ("review:\n  include: 'a\\'\n", "review.include", 2, "backslash"),
    "an alias as a key": ("a: x\n? *a\n: 1\n", "", 2, "plain word"),
    "a list as a key": ("review:\n  ? [a]\n  : b\n", "", 2, "plain word"),
    "flow lists": ("[" * 60_000, "", 1, "deep"),
    "block lists": ("- " * 30_000, "", 1, "deep"),
    "flow mappings": ("{" * 60_000, "", 1, "plain word"),
    "16,000 aliases of a rule": (
        "review:\n  path_instructions:\n  - &a {path: x, instructions: y}\n" + "  - *a\n" * 8_000, "", 3992, "values",
    ),
    "a thousand lines": ("review:\n  exclude: [" + "a, " * 20_000 + "]", "", 2, "values"),
    "a date that is none": ("review:\n  language: 2001-99-99\n", "", 1, "not valid YAML"),
    "a zero byte": ("review: \0", "", 1, "not valid YAML"),
    "two documents": ("review:\n---\nreview:\n", "", 2, "not valid YAML"),
}  # fmt: skip


#: Of these the file cannot be told what may be reviewed or spent; any other key has its default or the narrowest value.
STOPPING = re.compile(r"review(\.(include|exclude|<<))?|budget(\..+)?|")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_key_and_line(name: str) -> None:
    """The problem names the key and the line. What narrows a review then lets nothing in; what else is set holds."""
    text, key, line, words = REFUSED[name]
    began = time.process_time()
    settings, problems = parse_settings(text + "\ntests:\n  auto: true\n" if key else text)
    assert time.process_time() - began < 2
    assert [(problem.key, problem.line) for problem in problems] == [(key, line)]
    assert words in problems[0].message
    assert "default" in problems[0].message
    assert len(str(problems[0])) < 600
    assert problems[0].stops is bool(STOPPING.fullmatch(key))
    nothing = Settings().review.model_copy(update={"auto": False, "exclude": ("**",)})
    narrowest = Settings().review.model_copy(update={"auto": False}) if key == "review.auto" else Settings().review
    assert settings.review == (nothing if problems[0].stops else narrowest)
    assert settings.budget == Settings().budget
    assert settings.tests.auto is bool(key)


@pytest.mark.parametrize("text", [MERGES, LAUGHS], ids=["merges", "aliases"])
def test_bombs_cost_nothing(text: str) -> None:
    """Nothing is multiplied: each key is reported once, and what is beside it holds."""
    began = time.process_time()
    settings, problems = parse_settings(text + "review:\n  drafts: true\n")
    assert time.process_time() - began < 2
    assert settings.review.drafts is True
    assert 9 <= len(problems) <= MAX_PROBLEMS + 1


def test_a_thousand_mistakes_are_counted() -> None:
    """A file of unknown keys is read in linear time; the first are shown, the rest is a number."""
    began = time.process_time()
    _, problems = parse_settings("review:\n" + "".join(f"  k{n}: 1\n" for n in range(1_900)))
    assert time.process_time() - began < 3
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == f"and {1_900 - MAX_PROBLEMS:,} more problems"


UNITS = [
    *(" ", "\n", "\t", '"', "'", "[", "{", "}", "? ", ": ", "-", "&a ", "*a ", "!", "%", "#", "|\n", ">\n", "---\n"),
    *("a: ", "a,", "<<: ", "1:", "9", "\\", "`", "@", "é", "\x1b"),
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.slow
def test_hostile_alphabets(unit: str) -> None:
    """64 kB of anything are read or refused at once, and never raise."""
    began = time.process_time()
    settings, _ = parse_settings(f"review:\n  exclude: {unit * (60_000 // len(unit.encode()))}")
    assert time.process_time() - began < 3
    assert settings.tests == Settings().tests


def test_amounts_of_money_are_kept() -> None:
    """The bounds leave what people write alone."""
    settings, problems = parse_settings(
        "budget:\n  per_review_usd: 0.000001\n  per_pull_usd: 0\n  per_month_usd: 1e3\n"
    )
    assert problems == ()
    assert settings.budget.per_review_usd == Decimal("0.000001")
    assert settings.budget.per_month_usd == 1000
