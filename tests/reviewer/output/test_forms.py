"""What people and programs get to see of a review."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category, Rejected, Review, Skipped, TestSuggestion
from reviewer.domain.severity import Severity
from reviewer.llm.usage import Usage
from reviewer.output.html import to_html
from reviewer.output.json import to_json
from reviewer.output.markdown import to_markdown
from reviewer.output.text import to_text
from reviewer.output.wording import cost_text, headline, usage_text
from tests.fixtures.factories import anchor, finding, small_diff
from tests.paths import GOLDEN


def full_review() -> Review:
    """Return a review with something of everything."""
    return Review(
        summary="Adds logging to `total`, cc @octocat.",
        findings=(
            finding(suggestion="        result += item.price * item.count"),
            finding(
                anchor("src/ü name.ts", 1),
                category=Category.SECURITY,
                severity=Severity.ERROR,
                title="A token in the code",
                body="Whoever reads #12 can use it.\n\n- revoke it",
                quote='const token: string = "abc123def456ghi789jk";',
                advice="const token = env.TOKEN;",
            ),
            finding(anchor("src/app.py", 12, side=Side.LEFT), title="Needed", body="", severity=Severity.INFO),
            finding(
                anchor("src/app.py", 11, 10),
                title="Loop",
                quote="    result = 0\n    for item in items:",
                suggestion="",
            ),
        ),
        below=(finding(anchor("src/app.py", 13), severity=Severity.INFO, title="Loud\nlog"),),
        tests=(
            TestSuggestion(
                "tests/test_app.py", "src/app.py:10-14", "def test_total():\n    assert total([]) == 0\n", "Passes."
            ),
            TestSuggestion("tests/test_b.py", "src/app.py:1-2", "x = 1\n"),
            TestSuggestion(
                "tests/test_c.py", "src/app.py:1-2", "x = 2\n", "updates `x`", patch="@@ -1 +1 @@\n-x = 1\n+x = 2\n"
            ),
        ),
        skipped=(Skipped("package-lock.json", "lock file"),),
        rejected=(
            Rejected("refuted", "a.py", "t", "d"),
            Rejected("no such code", "a.py", "t"),
            Rejected("refuted", "b", "t"),
        ),
        notes=("Unknown key `x`.",),
        usage=Usage(4, 12_345, 678, Decimal("0.01234")),
        models=("MiniMax-M2.1",),
        files_reviewed=3,
    )


@pytest.mark.parametrize("name", ["review.txt", "review-colour.txt", "review.md", "review.json"])
def test_the_whole_review_as_it_is_shown(name: str) -> None:
    """The review looks as in the golden file: every part of it, in a stable order, in each form."""
    review, diff = full_review(), small_diff()
    shown = {
        "review.txt": lambda: to_text(review, colour=False, source=diff),
        "review-colour.txt": lambda: to_text(review, colour=True, source=diff),
        "review.md": lambda: to_markdown(review, diff),
        "review.json": lambda: to_json(review),
    }[name]()
    assert shown == (GOLDEN / name).read_bytes().decode()


def test_findings_stand_in_the_reviews_order_whatever_their_lines() -> None:
    """The editor has weighed what is read first; neither the line nor the file moves a finding up."""
    first, second = finding(title="The count"), finding(anchor("src/ü name.ts", 1), title="Other file")
    review = Review("s", (first, second, finding(anchor("src/app.py", 11, 10), title="First lines")))
    for shown in (to_text(review, colour=False, source=small_diff()), to_markdown(review, small_diff())):
        assert shown.index("The count") < shown.index("Other file") < shown.index("First lines")


def test_the_other_places_of_a_cause_are_named_in_every_form() -> None:
    """The change mends other code; a test that let the defect pass is not mended by it."""
    text = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n"
    places = parse_diff(
        "".join(f"diff --git a/{path} b/{path}\n{text.format(path)}" for path in ("x.py", "tests/test_x.py"))
    )
    also = tuple(place for path in ("x.py", "tests/test_x.py") if (place := places.anchor(path, 1, None, Side.RIGHT)))
    review = Review("s", (finding(also_at=also),))
    for shown in (
        to_text(review, colour=False, source=small_diff()),
        to_markdown(review, small_diff()),
        to_html(review, small_diff()),
    ):
        plain = shown.replace("<code>", "`").replace("</code>", "`")
        assert (
            "Also at `x.py:1`: the same change corrects it. The test at `tests/test_x.py:1` did not notice it." in plain
        )


def test_the_contract_of_the_json() -> None:
    """Every key that users rely on is there, under its name and with its type; others only add."""
    value = json.loads(to_json(full_review()))
    assert {"summary", "findings", "tests", "skipped", "rejected", "usage"} <= value.keys()
    first = value["findings"][0]
    keys = {
        "path",
        "side",
        "line",
        "start_line",
        "severity",
        "confidence",
        "category",
        "title",
        "body",
        "suggestion",
        "fingerprint",
    }
    assert keys <= first.keys()
    assert (first["path"], first["side"], first["line"], first["start_line"]) == ("src/app.py", "RIGHT", 12, None)
    assert value["findings"][3]["suggestion"] == ""
    assert value["usage"] == {"calls": 4, "prompt_tokens": 12345, "completion_tokens": 678, "cost_usd": 0.01234}
    assert [one["title"] for one in value["below"]] == ["Loud\nlog"]


def test_calls_in_a_row_are_told_where_others_went_beside_them() -> None:
    """What a reader waited for: the longest chain, unless all calls stood in it."""
    usage = Usage(7, 10, 10, Decimal("0.01"))
    assert "m: 7 calls (2 in a row), 10 prompt" in usage_text(usage, ["m"], chain=2)
    assert "m: 7 calls, 10 prompt" in usage_text(usage, ["m"], chain=7)
    assert json.loads(to_json(Review("s", usage=usage, chain=2)))["chain"] == 2


def test_an_unknown_cost_is_null_and_said() -> None:
    """A cost that is not known is null for programs and called unknown for people, never zero."""
    review = Review("s", usage=Usage(1, 2, 3, None), models=("m",), files_reviewed=1)
    assert json.loads(to_json(review))["usage"]["cost_usd"] is None
    assert "cost unknown" in to_text(review, colour=False, source=small_diff())


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (None, "cost unknown"),
        ("0", "$0.0000"),
        ("0.0000012", "under $0.0001"),
        ("1E-7", "under $0.0001"),
        ("0.01234", "$0.0123"),
        ("0.00005", "under $0.0001"),
        ("0.00015", "$0.0002"),
        ("1E+3", "$1000.0000"),
    ],
)
def test_costs_are_plain_numbers(cost: str | None, text: str) -> None:
    """Costs have four decimals, never an exponent, and a small one is not rounded to nothing."""
    assert cost_text(None if cost is None else Decimal(cost)) == text


def test_little_to_say_is_said_in_little() -> None:
    """An empty review is two lines; one that read nothing does not pass for praise."""
    diff = small_diff()
    usage: dict[str, Any] = {"usage": Usage(1, 1000, 10, Decimal("0.001")), "models": ("m",)}
    clean = to_text(Review("", files_reviewed=2, **usage), colour=False, source=diff)
    assert clean == "No findings in 2 files reviewed.\n\nm: 1 call, 1,000 prompt and 10 completion tokens, $0.0010\n"
    nothing = to_text(Review("", skipped=(Skipped("a.lock", "lock file"),)), colour=False, source=diff)
    assert nothing == "Nothing to review:\n  a.lock: lock file\n\nNo model was asked.\n"
    assert (
        headline(Review("", below=(finding(),), files_reviewed=1))
        == "0 findings in 1 file reviewed; 1 more, less important or less certain."
    )


HOSTILE = st.text(alphabet="a\x1b\x07\x9b\x00\r\n\t\u202e\ud800[31m`@#<>|", max_size=20)


@pytest.mark.slow  # computes for a second
@settings(deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_control_character_reaches_the_terminal(title: str, body: str, code: str) -> None:
    """Whatever the model writes, the terminal gets printable text in UTF-8, and escapes only of our own colours."""
    review = Review(
        body,
        (finding(title=title, body=body, quote=code, suggestion=title), finding(title=title, advice=code)),
        tests=(TestSuggestion(title, body, code, body),),
        skipped=(Skipped(code, title),),
        rejected=(Rejected(title, body, code),),
        notes=(body,),
        models=(title,),
        usage=Usage(1),
        files_reviewed=1,
    )
    shown = to_text(review, colour=False, source=small_diff())
    assert all(char == "\n" or char.isprintable() for char in shown), shown
    assert shown.encode()
    coloured = to_text(review, colour=True, source=small_diff())
    assert re.sub(r"\x1b\[(?:0|1|2|31|32|36|1;31|1;33)m", "", coloured) == shown
    assert to_json(review).isascii()
    assert to_markdown(review, small_diff()).encode()


def test_colours_do_not_change_the_text() -> None:
    """Without its colours the coloured text is the plain one."""
    review, diff = full_review(), small_diff()
    coloured = to_text(review, colour=True, source=diff)
    plain = re.sub(r"\x1b\[[0-9;]+m", "", coloured)
    assert plain == to_text(review, colour=False, source=diff)
    assert plain != coloured


def test_secrets_in_shown_code_are_replaced() -> None:
    """The code under a finding is shown without its secrets, in the terminal and in Markdown."""
    for shown in (to_text(full_review(), colour=False, source=small_diff()), to_markdown(full_review(), small_diff())):
        assert "abc123def456ghi789jk" not in shown
        assert '"[redacted: secret]"' in shown


def test_prose_is_wrapped_and_code_is_not() -> None:
    """To the width of the terminal: summary, bodies and lists break between words, code and long words never."""
    body = f"{'word ' * 30}\n\n- {'item ' * 20}\n\n```\n{'code ' * 20}\n```\n\n{'x' * 70}"
    long = finding(anchor("src/app.py", 12), title="T", body=body, suggestion=None)
    review = Review("s " * 60, findings=(long,), files_reviewed=1, skipped=(Skipped("a.lock", "because " * 20),))
    lines = to_text(review, colour=False, source=small_diff(), width=40).splitlines()
    wide = [line.split()[0] for line in lines if len(line) > 40]
    assert wide == ["src/app.py:12:", "code", "x" * 70]
    assert "    - item item item item item item item" in lines
    assert "      item item item item item item item" in lines
    whole = to_text(review, colour=False, source=small_diff())
    assert " ".join(whole.split()) == " ".join(" ".join(lines).split())
    assert to_text(review, colour=False, source=small_diff(), width=5) == whole
