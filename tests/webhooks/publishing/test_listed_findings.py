"""What has no comment is not lost: its line, its link and its text stand in the summary, also after the next push."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category, Review
from reviewer.domain.settings import FailLevel
from reviewer.domain.severity import Confidence, Severity
from tests.fixtures.factories import anchor, finding, small_diff
from webhooks.publishing.ledger import PostedState
from webhooks.publishing.markers.summary import without_markers
from webhooks.publishing.plan import Publication, ReviewResult, plan_publication
from webhooks.publishing.review_scope import ReviewScope, ReviewTarget
from webhooks.publishing.text import plain_html

TARGET = ReviewTarget("o/r", 7, "a" * 40, "https://github.test/o/r/pull/7", job="o/r#7@a")
DIFF = small_diff()


def planned(review: Review, before: PostedState = PostedState(), *, level: FailLevel = FailLevel.NEVER) -> Publication:  # noqa: B008
    """Plan what a review posts."""
    result = ReviewResult(replace(review, files_reviewed=2), DIFF, ReviewScope(reviewed=2, fresh=2))
    return plan_publication(result, TARGET, before, fail_level=level)


def test_a_confirmed_finding_without_a_comment_is_a_line_with_a_link_and_a_text_that_unfolds() -> None:
    """What nobody confirmed stays a line in a list of its own."""
    title = "`load()` forgets <b>@octocat</b> #12"
    sure = replace(finding(), title=title, body="The file stays open.", fingerprint="a" * 16)
    unsure = replace(finding(), title="Perhaps slow", confidence=Confidence.LOW, fingerprint="b" * 16, quote="other")
    text = without_markers(planned(Review("Sums.", below=(sure, unsure))).summary)
    shown = text[text.index("1 more finding, less important:") :]
    (line,) = re.findall(r"<summary>(.*load.*)</summary>", shown)
    assert "<code>load()</code> forgets &lt;b&gt;@&#8203;octocat&lt;/b&gt; #&#8203;12" in line
    assert 'href="https://github.test/o/r/pull/7/files#diff-' in line
    assert f"<code>{sure.anchor.path}:{sure.anchor.line}</code>" in line
    assert "\nThe file stays open.\n\n</details>" in shown
    assert "Perhaps slow" in shown.split("less important or less certain")[1]


def test_the_text_of_a_listed_finding_survives_a_run_that_does_not_find_it_again() -> None:
    """The next run reviews other files; the text is taken from the summary that is there."""
    sure = replace(finding(), body="The file stays open.")
    first = planned(Review("Sums.", below=(sure,)))
    again = planned(Review("More."), PostedState(1, first.summary))
    assert again.summary.count("The file stays open.") == 1
    assert "1 more finding, less important:" in again.summary
    third = planned(Review("More."), PostedState(1, again.summary))
    assert third.summary.count("The file stays open.") == 1


def test_the_summary_names_findings_in_the_reviews_order() -> None:
    """Not by severity: the review's editor has weighed that."""
    first = replace(finding(), title="Everybody hits this", severity=Severity.WARNING, fingerprint="a" * 16)
    second = replace(finding(), title="Deep and rare", severity=Severity.ERROR, fingerprint="b" * 16, quote="other")
    text = planned(Review("Sums.", findings=(first, second))).summary
    assert text.index("Everybody hits this") < text.index("Deep and rare")


def test_a_comment_names_the_other_places_of_its_cause() -> None:
    """Each with a link to its line in the view of changed files."""
    other = anchor("src/app.py", 13)
    made = planned(Review("Sums.", findings=(replace(finding(), also_at=(other,)),)))
    assert made.review is not None
    body = made.review["comments"][0]["body"]
    link = rf"\[`{re.escape(other.path)}:13`\]\(https://github\.test/o/r/pull/7/files#diff-[0-9a-f]{{64}}R13\)"
    assert re.search(rf"Also at {link}: the same change corrects it\.", body)


def test_a_comment_says_of_a_test_that_it_did_not_notice_the_defect() -> None:
    """The change that mends the code does not mend the test that let it pass."""
    text = "diff --git a/tests/test_app.py b/tests/test_app.py\n--- a/tests/test_app.py\n+++ b/tests/test_app.py\n"
    test = parse_diff(f"{text}@@ -3 +3 @@\n-a\n+b\n").anchor("tests/test_app.py", 3, None, Side.RIGHT)
    assert test is not None
    made = planned(Review("Sums.", findings=(replace(finding(), also_at=(anchor("src/app.py", 13), test)),)))
    assert made.review is not None
    body = made.review["comments"][0]["body"]
    assert re.search(r"Also at \[`src/app\.py:13`\]\([^)]+\): the same change corrects it\. The test at", body)
    assert re.search(r"The test at \[`tests/test_app\.py:3`\]\([^)]+\) did not notice it\.", body)


@pytest.mark.parametrize(
    ("change", "conclusion"),
    [({}, "failure"), ({"confidence": Confidence.LOW}, "neutral"), ({"category": Category.REFACTORING}, "neutral")],
)
def test_a_sure_error_fails_the_check_also_where_it_is_only_listed(change: dict[str, object], conclusion: str) -> None:
    """The cap on comments, and the editor, decide what is read first, not what may be merged."""
    listed = replace(finding(), severity=Severity.ERROR, confidence=Confidence.HIGH)
    review = Review("Sums.", below=(replace(listed, **change),))  # type: ignore[arg-type]
    assert planned(review, level=FailLevel.ERROR).check["conclusion"] == conclusion


def test_html_of_a_title_is_one_inert_line() -> None:
    """Nothing in it is a link, a mention, a reference or markup; only code spans stay."""
    shown = plain_html("a `b<c` & @me\n#1 GH-2 www.x.y http://x deadbeef1 `open")
    assert shown.replace("&#8203;", "^") == (
        "a <code>b&lt;c</code> &amp; @^me #^1 GH-^2 www.^x.y http://^x dea^dbeef1 `open"
    )
    assert len(plain_html("x" * 5_000)) < 400
