"""Plan everything that is posted on a pull request, as exact request bodies, before anything is sent. Pure.

Promises: nothing is posted twice (our own earlier comments are recognised by their hidden markers), every text fits
GitHub's limits, all text of the model is neutralised, and each finding without an inline comment is in the summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.diff.model import Diff, Side
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.settings import FailLevel, SettingsProblem
from reviewer.domain.severity import Confidence, Severity
from reviewer.safety.code_blocks import code_span
from reviewer.safety.shortening import shorten
from webhooks.publishing.bodies.inline_comments import inline_comment
from webhooks.publishing.checks import Conclusion, annotations_of, completed_check
from webhooks.publishing.ledger import PostedState, SettledLedger, Thread, current_ledger, settle
from webhooks.publishing.markers.bill import bill_lines
from webhooks.publishing.markers.finding import fixed_marker
from webhooks.publishing.markers.ledger_entries import FindingStatus, LedgerEntry
from webhooks.publishing.markers.replies import review_marker
from webhooks.publishing.markers.summary import Ledger, summary_markers
from webhooks.publishing.review_scope import FindingSummary, ReviewScope, ReviewTarget, headline
from webhooks.publishing.suggested_tests.test_comments import SuggestedTestsComment, comments_with_tests
from webhooks.publishing.summary import conclusion_of, summary_text
from webhooks.publishing.text import MAX_BODY, count_noun


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """The result of a run, to be published.

    `review` is of the files that this run reviewed, `diff` the whole change, `files` the digests of all files that are
    reviewed by now. `gone` are the fingerprints of earlier findings whose defect is no longer there.
    """

    review: Review
    diff: Diff
    scope: ReviewScope
    files: frozenset[bytes] | None = frozenset()
    gone: frozenset[str] = frozenset()
    problems: tuple[SettingsProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class FixedThread:
    """A thread to close: resolve it, or where that is not allowed reply `reply` once."""

    comment_id: int
    node_id: str
    reply: str


@dataclass(frozen=True, slots=True)
class Publication:
    """The bodies to send. `review` is None when there is nothing new to post inline.

    `standing` are all open findings with a place in the present diff; `entries` is the ledger that the summary keeps.
    """

    review: dict[str, Any] | None
    summary: str
    check: dict[str, Any]
    fixed: tuple[FixedThread, ...] = ()
    standing: tuple[Finding, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()


def plan_publication(
    result: ReviewResult, target: ReviewTarget, before: PostedState, *, fail_level: FailLevel = FailLevel.NEVER
) -> Publication:
    """Plan the review, the threads to close, the summary comment and the check run."""
    review = result.review
    settled = settle(
        current_ledger(before),
        review.findings,
        review.below,
        result.diff,
        head=target.head_sha,
        gone=result.gone,
        is_new_base=bool(result.scope.new_base),
    )
    urls = {thread.comment_id: thread.url for thread in before.threads}
    paused_by = before.ledger.paused_by if before.ledger else ""
    findings = FindingSummary(settled.entries, urls, _count_new(settled, before), _order(review, settled), paused_by)
    markers = summary_markers(_ledger(result, target, findings)) + bill_lines(before.summary_body, target.bill)
    tests = comments_with_tests(review.tests, before.threads)
    text = summary_text(
        review,
        target,
        findings,
        result.scope,
        room=MAX_BODY - len(markers),
        earlier=before.summary_body,
        problems=result.problems,
        offered={comment.path: comment.url for comment in tests if comment.url},
    )
    return Publication(
        review=_review_body(settled, [comment for comment in tests if not comment.url], target),
        summary=f"{markers}{text}",
        check=_check(findings, result, text, fail_level, target),
        fixed=_fixed_threads(settled, before.threads, target),
        standing=standing_findings(settled.entries, review, result.diff),
        entries=settled.entries,
    )


def _order(review: Review, settled: SettledLedger) -> dict[str, int]:
    """Return the places of this run's findings in its own order, by the fingerprints of their entries."""
    own = [finding.fingerprint for finding in (*review.findings, *review.below)]
    return {entry.fingerprint: own.index(entry.fingerprint) for entry in settled.entries if entry.fingerprint in own}


def _ledger(result: ReviewResult, target: ReviewTarget, findings: FindingSummary) -> Ledger:
    """Return what the summary remembers of this review."""
    return Ledger(
        head=target.head_sha,
        base=target.base_sha,
        job=target.job,
        files=result.files,
        entries=findings.entries,
        base_ref=target.base_ref,
        paused_by=findings.paused_by,
        reviewed=result.scope.reviewed,
        left_out=result.scope.left_out,
        unanswered=result.scope.unanswered,
    )


def _count_new(settled: SettledLedger, before: PostedState) -> int:
    """Count the open inline findings that the summary before this one did not have."""
    remembered = before.ledger.entries if before.ledger else ()
    known = {entry.fingerprint for entry in remembered if _is_open_inline(entry)}
    return sum(_is_open_inline(entry) and entry.fingerprint not in known for entry in settled.entries)


def _is_open_inline(entry: LedgerEntry) -> bool:
    return entry.status is FindingStatus.OPEN and entry.inline


def _review_body(
    settled: SettledLedger, tests: Sequence[SuggestedTestsComment], target: ReviewTarget
) -> dict[str, Any] | None:
    """Return the body of the review: https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request ."""
    if not settled.new and not tests:
        return None
    parts = [count_noun(len(settled.new), "finding")] if settled.new else []
    parts += [f"suggested tests for {count_noun(len(tests), 'file')}"] if tests else []
    text = f"{' and '.join(parts)} at {target.head_sha[:7]}."
    return {
        "commit_id": target.head_sha,
        "event": "COMMENT",
        "body": f"{text[0].upper()}{text[1:]}\n\n{review_marker(target.head_sha)}",
        "comments": [
            *(inline_comment(finding, entry, target.web_url) for finding, entry in settled.new),
            *(comment.body for comment in tests),
        ],
    }


def _fixed_threads(settled: SettledLedger, threads: Iterable[Thread], target: ReviewTarget) -> tuple[FixedThread, ...]:
    by_comment = {thread.comment_id: thread for thread in threads}
    fixed = f"Fixed in {target.head_sha[:7]}.\n\n{fixed_marker(target.head_sha)}"
    base = code_span(shorten(target.base_ref, 200))
    left = f"No longer part of this pull request: its base is now {base}.\n\n{fixed_marker(target.head_sha, left=True)}"
    return tuple(
        FixedThread(thread.comment_id, thread.node_id, left if entry.left else fixed)
        for entry in settled.fixed
        if (thread := by_comment.get(entry.comment_id)) is not None
    )


def _check(
    findings: FindingSummary, result: ReviewResult, summary: str, fail_level: FailLevel, target: ReviewTarget
) -> dict[str, Any]:
    """Return the body that completes the check run: https://docs.github.com/rest/checks/runs#update-a-check-run .

    Every open finding counts, whichever run found it.
    """
    conclusion = conclusion_of(findings, result.scope, fail_level)
    if any(fail_level.fails(finding.severity) for finding in result.review.below if _is_sure(finding)):
        conclusion = Conclusion.FAILURE
    body = completed_check(conclusion, headline(findings, result.scope), summary)
    rows = annotations_of(_without_comment(findings, result))
    if rows:
        body["output"]["annotations"] = rows
    return body | {"details_url": target.web_url}


def _without_comment(findings: FindingSummary, result: ReviewResult) -> list[Finding]:
    """Return findings to annotate as they have no comment: refused by GitHub, or certain errors over the limit."""
    missing = {
        entry.fingerprint for entry in findings.entries if entry.status is FindingStatus.OPEN and not entry.comment_id
    }
    review = result.review
    sure = [finding for finding in review.below if finding.severity is Severity.ERROR and _is_sure(finding)]
    return [finding for finding in (*review.findings, *sure) if finding.fingerprint in missing]


def _is_sure(finding: Finding) -> bool:
    """Whether a finding that is only listed counts all the same: every falsifier confirmed it."""
    return finding.confidence is Confidence.HIGH and finding.category is not Category.REFACTORING


def standing_findings(entries: Sequence[LedgerEntry], review: Review, diff: Diff) -> tuple[Finding, ...]:
    """Return the open findings that have a place in the diff: this run's as they are, earlier ones from the ledger."""
    own = {finding.fingerprint: finding for finding in review.findings}
    found = (own.get(entry.fingerprint) or finding_of_entry(entry, diff) for entry in entries if _is_open_inline(entry))
    return tuple(finding for finding in found if finding is not None)


def finding_of_entry(entry: LedgerEntry, diff: Diff) -> Finding | None:
    """Return the finding of an entry at its place in the diff, without its explanation; None where it has none."""
    start = entry.line - entry.lines + 1 if entry.side is Side.RIGHT and entry.lines > 1 else None
    anchor = diff.anchor(entry.path, entry.line, start, entry.side) or diff.anchor(
        entry.path, entry.line, side=entry.side
    )
    if anchor is None:
        return None
    return Finding(
        anchor=anchor,
        severity=entry.severity,
        category=entry.category,
        title=entry.title,
        body="",
        quote=entry.quote,
        confidence=Confidence.HIGH,
        fingerprint=entry.fingerprint,
    )


def from_ledger(
    posted: PostedState, diff: Diff, scope: ReviewScope, fail_level: FailLevel
) -> tuple[Conclusion, str, tuple[Finding, ...]]:
    """Return the conclusion, the title and the open findings of a review that is published already."""
    entries = current_ledger(posted)
    findings = FindingSummary(entries, {})
    found = standing_findings(entries, Review(""), diff)
    return conclusion_of(findings, scope, fail_level), headline(findings, scope), found
