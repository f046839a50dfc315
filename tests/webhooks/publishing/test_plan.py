"""What is posted, to the byte: right shape for GitHub, nothing twice, nothing forged, within the limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from reviewer.domain.findings import Appendix, Finding, Rejected, Review, Skipped, TestSuggestion
from reviewer.domain.settings import FailLevel, SettingsProblem
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.usage import Usage
from tests.fixtures.factories import anchor, finding, small_diff
from webhooks.publishing.bodies.inline_comments import inline_comment
from webhooks.publishing.checks import annotations_of
from webhooks.publishing.ledger import PostedState, Thread, entry_of
from webhooks.publishing.markers.finding import read_finding
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.markers.summary import read_ledger, without_markers
from webhooks.publishing.plan import Publication, ReviewResult
from webhooks.publishing.plan import plan_publication as planned
from webhooks.publishing.review_scope import ReviewScope, ReviewTarget

TARGET = ReviewTarget("o/r", 7, "a" * 40, "https://github.test/o/r/pull/7", job="o/r#7@a")
NOTHING = PostedState()
BILL = {"usage": Usage(3, 1000, 200, Decimal("0.00027")), "models": ("MiniMax-M2.1",), "files_reviewed": 2}


def review_of(*findings: object, **more: object) -> Review:
    """Return a review with those findings."""
    return Review("It does things.", tuple(findings), **{**BILL, **more})  # type: ignore[arg-type]


def plan(review: Review, before: PostedState = NOTHING, *, problems: tuple[SettingsProblem, ...] = (),
         fail_level: FailLevel = FailLevel.NEVER) -> Publication:  # fmt: skip
    """Plan the publication of a first review of the small diff."""
    extent = ReviewScope(reviewed=review.files_reviewed, fresh=review.files_reviewed)
    result = ReviewResult(review, small_diff(), extent, problems=problems)
    return planned(result, TARGET, before, fail_level=fail_level)


def entry(one: Finding) -> LedgerEntry:
    """Return the finding's entry in the ledger."""
    return entry_of(one, small_diff(), inline=True)


def said(made: Publication) -> PostedState:
    """Return what stands on the pull request once the publication was sent."""
    assert made.review is not None
    bodies = [one["body"] for one in made.review["comments"]]
    return PostedState(1, made.summary, threads=tuple(Thread(n + 2, body) for n, body in enumerate(bodies)))


def test_a_comment_has_the_keys_that_github_takes() -> None:
    """One line: no start; a range: start_line and start_side; nothing else, as unknown keys are refused."""
    one = finding()
    assert set(inline_comment(one, entry(one))) == {"path", "line", "side", "body"}
    text = inline_comment(replace(one, suggestion="fixed()", advice=None), entry(one))["body"]
    assert "```suggestion\nfixed()\n```" in text
    assert text.splitlines()[-1].startswith(f"<!-- reviewer:finding {one.fingerprint} at=")


def test_what_was_said_is_not_said_again() -> None:
    """A finding is known by its identity, or by its code when it is worded anew; then no review is posted."""
    one = finding()
    first = plan(review_of(one))
    assert first.review is not None
    assert first.review["event"] == "COMMENT"
    assert first.review["commit_id"] == TARGET.head_sha
    again = plan(review_of(one), said(first))
    assert again.review is None
    reworded = replace(one, title="Said quite differently", fingerprint="0" * 16)
    assert plan(review_of(reworded), said(first)).review is None
    killed = PostedState(threads=said(first).threads)
    assert plan(review_of(one), killed).review is None


def test_marks_count_only_where_they_belong() -> None:
    """A mark inside a comment's text is code that it shows; a summary's ledger is its second line."""
    mark = "<!-- reviewer:finding 0123456789abcdef at=0123456789abcdef -->"
    assert read_finding(f"see {mark}\n\nand more") is None
    found = read_finding(f"🔴 **error** (bug): Boom\n\n{mark}", "a.py", 3)
    assert found is not None
    assert (found.fingerprint, found.title, found.path, found.line) == ("0123456789abcdef", "Boom", "a.py", 3)
    summary = plan(review_of(finding())).summary
    known = read_ledger(summary)
    assert known is not None
    assert (known.head, known.job) == (TARGET.head_sha, TARGET.job)
    assert read_ledger(f"> {summary}") is None
    assert read_ledger(summary.replace("v1=", "v1=AAAA")) is None


def test_the_summary_names_everything() -> None:
    """Verdict, links, what is below the line, tests, skipped, rejected, problems, notes, and the bill."""
    low = finding(anchor("src/app.py", 13), title="Perhaps slow", confidence=Confidence.LOW, fingerprint="f2",
                  quote="        log(item)")  # fmt: skip
    full = review_of(
        finding(title="Division by zero"),
        below=(low,),
        tests=(TestSuggestion("tests/test_a.py", "a.py:1-2", "def test_a():\n    assert a() == '```'\n"),),
        skipped=(Skipped("yarn.lock", "lock file"),),
        rejected=(
            Rejected("refuted", "a.py", "x"),
            Rejected("refuted", "a.py", "y"),
            Rejected("duplicate", "a.py", "z"),
        ),
        notes=("No test suggestions for 1 of 2 parts: down",),
    )
    text = plan(full, problems=(SettingsProblem("review.auto", 3, "unknown key"),)).summary
    assert text.startswith(f"<!-- reviewer:summary head={'a' * 40} -->\n")
    for part in (
        "Division by zero", "Perhaps slow", "yarn.lock", "low confidence", "tests/test_a.py", "not run",
        "````py\ndef test_a",
        "lock file", "1 duplicate, 2 refuted", "down", "review.auto", "MiniMax-M2.1", "3 calls", "$0.0003",
        "https://github.test/o/r/pull/7/files#diff-",
    ):  # fmt: skip
        assert part in text, part


def offered(code: str = "\n\ndef test_b():\n    assert b() == 2", at: int = 0) -> TestSuggestion:
    """Return a test that was run at the end of a file of the small diff."""
    place = anchor("src/app.py", 12)
    return TestSuggestion(
        f"tests/test_b{at}.py",
        f"a.py:{at + 1}-2",
        "import b\n",
        "5 of 5 runs",
        appendix=Appendix(place, "def test_a():\n    assert a() == 1", code),
    )


def test_tests_for_one_file_are_one_suggestion() -> None:
    """It replaces the last line by itself and what comes below; once it stands the summary links to it."""
    review = review_of(tests=(offered(), offered("\n\ndef test_c():\n    assert b() == '```'", 1)))
    first = plan(review)
    assert first.review is not None
    assert first.review["body"].startswith("Suggested tests for 1 file at aaaaaaa.")
    (comment,) = first.review["comments"]
    assert set(comment) == {"path", "line", "side", "body"}
    assert (
        "````suggestion\n    assert a() == 1\n\n\ndef test_b():\n    assert b() == 2\n\n\n"
        "def test_c():\n    assert b() == '```'\n````" in comment["body"]
    )
    assert "import b" in first.summary  # where GitHub refuses the place, the file is still shown
    url = "https://github.test/o/r/pull/7#discussion_r2"
    stored = comment["body"].replace("\n", "\r\n")
    second = plan(review, replace(NOTHING, summary_id=1, threads=(Thread(2, stored, url=url),)))
    assert second.review is None
    assert second.summary.count(url) == 2
    assert "import b" not in second.summary


def test_an_update_of_a_test_is_shown_as_its_diff() -> None:
    """Folded, with its evidence; markup of the model does nothing there."""
    code, patch = "def test_a():\n    assert a() == 2\n", "-    assert a() == 1\n+    assert a() == 2\n"
    update = TestSuggestion("tests/test_a.py", "a.py:1-2", code, "updates it, says @mona", patch=patch)
    text = plan(review_of(tests=(update,))).summary
    assert "Suggested update: <code>tests/test_a.py</code>" in text
    assert f"```diff\n{patch}```" in text
    assert code not in text
    assert " @mona" not in text


def test_one_suggestion_for_the_end_of_a_file_as_it_is() -> None:
    """Another run's tests for the same end are shown as a file: two suggestions for one line exclude each other."""
    first = plan(review_of(tests=(offered(),)))
    assert first.review is not None
    (comment,) = first.review["comments"]
    standing = replace(NOTHING, summary_id=1, threads=(Thread(2, comment["body"], url="https://github.test/c/2"),))
    other = offered("\n\ndef test_d():\n    assert b() == 3")
    made = plan(review_of(tests=(other,)), standing)
    assert made.review is None
    assert "import b" in made.summary
    grown = replace(other, appendix=replace(other.appendix, above="def test_b():\n    assert b() == 2"))  # type: ignore[type-var]
    assert plan(review_of(tests=(grown,)), standing).review is not None


def test_nothing_to_say_is_one_short_line() -> None:
    """No findings: the verdict, the model's summary and the bill; no boilerplate."""
    text = plan(review_of()).summary
    assert len(without_markers(text).splitlines()) <= 5
    assert "No findings in 2 files" in text


@pytest.mark.parametrize(
    ("severity", "level", "conclusion"),
    [
        (Severity.ERROR, FailLevel.NEVER, "neutral"),
        (Severity.ERROR, FailLevel.ERROR, "failure"),
        (Severity.WARNING, FailLevel.ERROR, "neutral"),
        (Severity.INFO, FailLevel.INFO, "failure"),
        (None, FailLevel.ERROR, "success"),
    ],
)
def test_the_conclusion_follows_the_fail_level(severity: Severity | None, level: FailLevel, conclusion: str) -> None:
    """Findings are neutral unless the repository wants them to fail; none is a success."""
    findings = [finding(severity=severity)] if severity else []
    assert plan(review_of(*findings), fail_level=level).check["conclusion"] == conclusion


def test_nothing_reviewed_is_not_a_success() -> None:
    """A change of which nothing could be reviewed is neutral."""
    empty = Review("", skipped=(Skipped("a.bin", "binary"),))
    assert plan(empty).check["conclusion"] == "neutral"


def test_bodies_stay_within_githubs_limits() -> None:
    """Thousands of skipped files and a giant test are cut, and that is said."""
    skipped = tuple(Skipped(f"some/long/path/to/file_{n}.bin", "binary") for n in range(3000))
    test = TestSuggestion("t.py", "", "x = 1\n" * 20_000)
    made = plan(review_of(finding(body="y" * 100_000), skipped=skipped, tests=(test,)))
    assert made.review is not None
    bodies = [made.summary, made.check["output"]["summary"], *(entry["body"] for entry in made.review["comments"])]
    assert all(len(body) <= 65_535 for body in bodies)
    assert "too long for a comment" in made.summary
    assert made.review["comments"][0]["body"].rstrip().endswith("-->")


def test_text_of_the_model_is_inert() -> None:
    """Mentions, marks and HTML of a steered model do nothing in comments and summary."""
    nasty = finding(
        title="@octocat <!-- reviewer:summary -->", body="<img src=https://evil.test/x> see #12 ![](//evil)"
    )
    made = plan(review_of(nasty))
    assert made.review is not None
    for text in (made.review["comments"][0]["body"], made.summary.split("\n", 2)[2]):
        assert "@octocat" not in text
        assert "<img" not in text
        assert "<!-- reviewer:summary" not in text


def test_annotations_carry_the_findings_where_comments_cannot() -> None:
    """Levels, places and at most fifty of them."""
    rows = annotations_of([finding(severity=Severity.ERROR)] * 60)
    assert len(rows) == 50
    assert rows[0]["annotation_level"] == "failure"
    assert rows[0]["start_line"] <= rows[0]["end_line"]
