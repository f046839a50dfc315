"""What we read back or are configured by: the settings file, and the hidden markers of our own comments."""

from __future__ import annotations

import base64
import json
import random
import zlib
from decimal import Decimal

from hypothesis import strategies as st

from reviewer.diff.model import Side
from reviewer.domain.findings import Category
from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.settings import MAX_PROBLEMS, parse_settings
from reviewer.domain.severity import Severity
from tests.fuzz.campaign import Target
from tests.fuzz.texts import edited, made, text
from webhooks.publishing.markers.finding import finding_marker, fixed_marker, read_finding, read_fixed
from webhooks.publishing.markers.ledger_entries import MAX_EXPLANATION, MAX_QUOTE, LedgerEntry
from webhooks.publishing.markers.replies import marker_of_tests_comment, read_tests_comment
from webhooks.publishing.markers.summary import (
    MAX_LEDGER,
    Ledger,
    is_summary,
    marked_test,
    read_ledger,
    read_shown_tests,
    read_summary_head,
    shown_test,
    summary_markers,
    without_markers,
)

# --- settings -------------------------------------------------------------------------------------------------------

_SETTINGS = (
    (
        "review:\n  auto: true\n  include: ['src/**', '*.c']\n  exclude: vendor/\n  severity: info\n  max_comments: 5\n"
        "  path_instructions:\n    - path: 'src/*'\n      instructions: Mind the locks.\n"
    ),
    "review:\n  path_instructions:\n    'a/**': text\n    b: |\n      more\n      lines\ntests:\n  command: pytest\n",
    "budget:\n  per_review_usd: 0.50\n  per_month_usd: null\ntests: {suggest: no, setup: 'pip install -e .'}\n",
    "{review: {language: Deutsch, instructions: x}}",
)
_YAML = (
    *("&a ", "*a", "<<: *a", "!!python/object:os.system ", "!x ", "? ", ": ", "- ", "\n  - ", "\n", "\n    "),
    *("|", ">-"),
    *("review:", "  auto: ", "budget: ", "per_review_usd: ", ".inf", ".nan", "0x1f", "1:30:00", "2026-01-01"),
    *("~", "%YAML 1.1\n"),
    *("---\n", "...\n", "#", "[[[[", "{{{{", "'", '"', "\t", "path: '**/a/**/a/b'", "[!a-", "\\"),
    *("review: 1\nreview: 2\n",),
)  # fmt: skip


def check_settings(source: str) -> None:
    """Check that settings are within their bounds whatever the file says, and each problem has its line."""
    settings, problems = parse_settings(source)
    review, budget = settings.review, settings.budget
    assert 0 <= review.max_comments <= 40
    assert 2 <= len(review.language) <= 40
    assert len(review.instructions) <= 10_000
    for amount in (budget.per_review_usd, budget.per_pull_usd, budget.per_month_usd):
        assert amount is None or (isinstance(amount, Decimal) and 0 <= amount <= 1_000_000)
    patterns = [*review.include, *review.exclude, *(rule.path for rule in review.path_instructions)]
    assert PathPatterns(patterns)("a/b.py") in (True, False)
    assert len(problems) <= MAX_PROBLEMS + 1
    for problem in problems:
        assert 1 <= problem.line <= source.count("\n") + source.count("\r") + source.count("\x85") + len(source) + 1
        assert problem.message
        assert len(str(problem)) < 1_000


# --- markers --------------------------------------------------------------------------------------------------------

_WORDS = ("", "It fails", "a.py", "a b/ü.py", "`x` <!-- -->", "\n", "\U0001f469\u200d", '"\\', "\x00", "-->", "x" * 290)


def _entry(chance: random.Random) -> LedgerEntry:
    """Return any finding that a comment may keep."""

    def digest() -> str:
        return f"{chance.getrandbits(64):x}"

    def words(times: int = 1) -> str:
        return "".join(chance.choices(_WORDS, k=chance.randint(0, 3))) * times

    return LedgerEntry(
        fingerprint=digest(),
        place=digest(),
        code=digest(),
        path=words(),
        side=chance.choice(tuple(Side)),
        line=chance.randrange(10**9),
        lines=chance.randint(1, 1000),
        severity=chance.choice(tuple(Severity)),
        category=chance.choice(tuple(Category)),
        title=words()[:300],
        sha=chance.choice(("", "a" * 40, "b" * 64)),
        quote=words(chance.choice((1, 100))),
        explanation=words(chance.choice((1, 400))),
    )


_ENTRY = LedgerEntry("f" * 16, "a" * 16, "c" * 16, "a.py", Side.RIGHT, 3, 1, Severity.ERROR, Category.BUG, "It fails")


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


_BAD_FILES = json.dumps({"head": "a", "files": "x" * 9}).encode()
_COMMENTS = (
    f"🔴 **bug** (error): It fails\n\nBecause.\n\n{finding_marker(_ENTRY)}",
    f"Fixed.\n{fixed_marker('a' * 40)}",
    (f"{summary_markers(Ledger('a' * 40, 'b' * 40, 'o/r#1@a', frozenset(), (_ENTRY,)))}## Review\n"
    f"{marked_test(shown_test('<details>x</details>', 'a' * 16, 't.py'))}\n"),
    f"Tests\n{marker_of_tests_comment('a' * 16)}",
    f"<!-- reviewer:finding ffff at=aaaa v1={_packed(b'[' * 100_000)} -->",
    f"<!-- reviewer:finding ffff at=aaaa v1={_packed(b' ' * 2_000_000)} -->",
    f"<!-- reviewer:summary head=a -->\n<!-- reviewer:ledger v1={_packed(b'{' + b'1' * 6_000)} -->",
    f"<!-- reviewer:summary head=a -->\n<!-- reviewer:ledger v1={_packed(_BAD_FILES)} -->",
    "<!-- reviewer:test v=2 of=a size=99999999999999999999 -->\n<details>",
)  # fmt: skip
_MARKS = (
    *(
        "<!-- reviewer:",
        "<!-- reviewer:finding ",
        " -->",
        " v1=",
        " v=2",
        " v=999",
        " at=",
        " was=",
        "size=",
        "size=²",
        "٣",
    ),
    *(
        "<!-- reviewer:summary head=",
        "<!-- reviewer:test v=2 of=a size=7 -->\n",
        "<details>",
        "</details>",
        "\r\n",
        "=",
    ),
)
COMMENTS = st.one_of(edited(_COMMENTS, *_MARKS), text(*_MARKS))


def read_comment(body: str) -> list[object]:
    """Read whatever a comment may hold."""
    return [
        *(read_finding(body, "a.py", 1), read_fixed(body), read_ledger(body), read_summary_head(body)),
        *(is_summary(body), without_markers(body), read_tests_comment(body), list(read_shown_tests(body))),
    ]


def check_marker(value: tuple[str, LedgerEntry]) -> None:
    """Check that whatever stands in a comment is read without an error; what we write is read as it was written."""
    body, entry = value
    read_comment(body)
    kept = read_finding(f"{body}\n{finding_marker(entry)}")
    assert kept is not None
    assert (kept.fingerprint, kept.path, kept.title) == (entry.fingerprint, entry.path, entry.title)
    assert kept.quote == entry.quote[:MAX_QUOTE]
    assert kept.explanation == entry.explanation[:MAX_EXPLANATION]
    markers = summary_markers(Ledger("a" * 40, entries=(entry,) * 3))
    assert len(markers) <= MAX_LEDGER
    ledger = read_ledger(f"{markers}{body}")
    assert ledger is not None
    assert [found.fingerprint for found in ledger.entries] == [entry.fingerprint] * 3


STATE = (
    Target("settings", st.one_of(edited(_SETTINGS, *_YAML), text(*_YAML)), check_settings, parse_settings),
    Target("marker", st.tuples(COMMENTS, made(_entry)), check_marker, read_comment, lambda value: value[0]),
)
