"""What is posted on a pull request, planned to the last byte before anything is sent.

Promises: nothing is said twice (our own earlier comments are recognised by their hidden marks), every text fits
GitHub's limits, all text of the model is neutralised, and whatever is not said inline is named in the summary. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.diff.model import Diff, Side
from reviewer.domain.findings import Finding, Review
from reviewer.domain.settings import FailLevel, SettingsProblem
from reviewer.domain.severity import Confidence, Severity
from reviewer.safety.markdown import fence, neutralise, suggestion_block
from webhooks.publishing.ledger import PostedState, SettledLedger, Thread, current_ledger, settle
from webhooks.publishing.markers import FindingStatus, Ledger, LedgerEntry, finding_mark, fixed_mark, summary_marks
from webhooks.publishing.summary import (
    DOT,
    MAX_BODY,
    FindingSummary,
    ReviewScope,
    ReviewTarget,
    count_noun,
    cut_text,
    escape,
    fold,
    headline,
    summary_text,
)
from webhooks.publishing.test_comments import SuggestedTestsComment, comments_with_tests

#: GitHub takes 50 annotations a call; what does not fit stands in the summary as well.
MAX_ANNOTATIONS = 50

_LEVEL = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "notice"}


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """What a run found out, to be published.

    `review` is of the files that this run looked at, `diff` the whole change, `files` the digests of all files that are
    reviewed by now. `gone` are the fingerprints of earlier findings whose defect is there no longer.
    """

    review: Review
    diff: Diff
    extent: ReviewScope
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
    """The bodies to send. `review` is None when there is nothing new to say inline.

    `standing` are all open findings with a place in the present diff, those of earlier runs included.
    """

    review: dict[str, Any] | None
    summary: str
    check: dict[str, Any]
    fixed: tuple[FixedThread, ...] = ()
    standing: tuple[Finding, ...] = ()


def plan_publication(
    result: ReviewResult, target: ReviewTarget, before: PostedState, *, fail_level: FailLevel = FailLevel.NEVER
) -> Publication:
    """Plan the review, the threads to close, the summary comment and the check run."""
    done = result.review
    settled = settle(
        current_ledger(before), done.findings, done.below, result.diff, head=target.head_sha, gone=result.gone
    )
    urls = {thread.comment_id: thread.url for thread in before.threads}
    remembered = before.ledger.entries if before.ledger else ()
    known = {one.fingerprint for one in remembered if one.status is FindingStatus.OPEN and one.said}
    fresh = sum(
        one.status is FindingStatus.OPEN and one.said and one.fingerprint not in known for one in settled.entries
    )
    standings = FindingSummary(settled.entries, urls, fresh)
    ledger = Ledger(target.head_sha, target.base_sha, target.job, result.files, settled.entries)
    marks = summary_marks(ledger)
    offered = comments_with_tests(done.tests, before.threads)
    text = summary_text(
        done, target, standings, result.extent,
        room=MAX_BODY - len(marks), earlier=before.summary_body, problems=result.problems,
        offered={one.path: one.url for one in offered if one.url},
    )  # fmt: skip
    return Publication(
        review=_review_body(settled, [one for one in offered if not one.url], target),
        summary=f"{marks}{text}",
        check=_check(standings, result, text, fail_level, target),
        fixed=_closings(settled, before.threads, target),
        standing=standing_findings(settled.entries, done, result.diff),
    )


def _review_body(
    settled: SettledLedger, offered: Sequence[SuggestedTestsComment], target: ReviewTarget
) -> dict[str, Any] | None:
    """Return the body of the review: https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request ."""
    if not settled.new and not offered:
        return None
    parts = [count_noun(len(settled.new), "finding")] if settled.new else []
    parts += [f"suggested tests for {count_noun(len(offered), 'file')}"] if offered else []
    what = f"{' and '.join(parts)} at {target.head_sha[:7]}."
    return {
        "commit_id": target.head_sha,
        "event": "COMMENT",
        "body": f"{what[0].upper()}{what[1:]}\n\n<!-- reviewer:review head={target.head_sha} -->",
        "comments": [
            *(inline_comment(finding, entry) for finding, entry in settled.new),
            *(one.body for one in offered),
        ],
    }


def inline_comment(finding: Finding, entry: LedgerEntry) -> dict[str, Any]:
    """Return one inline comment as GitHub takes it in a review."""
    anchor = finding.anchor
    body: dict[str, Any] = {"path": anchor.path, "line": anchor.line, "side": anchor.side.value}
    if anchor.start_line is not None:
        body |= {"start_line": anchor.start_line, "start_side": anchor.side.value}
    return body | {"body": comment_text(finding, entry)}


def comment_text(finding: Finding, entry: LedgerEntry) -> str:
    """Return the text of an inline comment, our mark at its end."""
    parts = [f"{DOT[finding.severity]} **{finding.severity}** ({finding.category}): {neutralise(finding.title)}"]
    if entry.sha:
        parts.append(f"It was fixed in {entry.sha[:7]} and is back.")
    if finding.body:
        parts.append(neutralise(finding.body))
    if finding.suggestion is not None:
        parts.append(suggestion_block(finding.suggestion))
    elif finding.advice:
        parts.append("Possible remedy (not proven to apply):\n\n" + fence(finding.advice))
    if finding.reproduction is not None:
        shown = finding.reproduction
        parts.append(
            fold(
                f"Reproduced by a test that was run and fails: <code>{escape(shown.path)}</code>",
                f"{fence(shown.failure)}\n\n{fence(shown.code)}",
                raw_title=True,
            )
        )
    mark = finding_mark(entry)
    return cut_text("\n\n".join(parts), MAX_BODY - len(mark)) + f"\n\n{mark}"


def _closings(settled: SettledLedger, threads: Iterable[Thread], target: ReviewTarget) -> tuple[FixedThread, ...]:
    by_comment = {thread.comment_id: thread for thread in threads}
    reply = f"Fixed in {target.head_sha[:7]}.\n\n{fixed_mark(target.head_sha)}"
    return tuple(
        FixedThread(thread.comment_id, thread.node_id, reply)
        for one in settled.fixed
        if (thread := by_comment.get(one.comment_id)) is not None
    )


def _check(
    standings: FindingSummary, result: ReviewResult, summary: str, fail_level: FailLevel, target: ReviewTarget
) -> dict[str, Any]:
    """Return the body that completes the check run: https://docs.github.com/rest/checks/runs#update-a-check-run .

    Every open finding counts, whichever run found it.
    """
    conclusion = _conclusion(standings, result.extent, fail_level)
    body = completed_check(conclusion, headline(standings, result.extent), summary)
    rows = annotations_of(_without_place(standings, result))
    if rows:
        body["output"]["annotations"] = rows
    return body | {"details_url": target.web_url}


def _conclusion(standings: FindingSummary, extent: ReviewScope, fail_level: FailLevel) -> str:
    if any(fail_level.fails(one.severity) for one in standings.of(FindingStatus.OPEN, said=True)):
        return "failure"
    return "neutral" if standings.of(FindingStatus.OPEN) or not extent.reviewed else "success"


def _without_place(standings: FindingSummary, result: ReviewResult) -> list[Finding]:
    """Return what is worth a mark in the diff but has no comment: what GitHub refused, and sure errors over the cap."""
    silent = {one.fingerprint for one in standings.entries if one.status is FindingStatus.OPEN and not one.comment_id}
    sure = [one for one in result.review.below if (one.severity, one.confidence) == (Severity.ERROR, Confidence.HIGH)]
    return [one for one in (*result.review.findings, *sure) if one.fingerprint in silent]


def completed_check(conclusion: str, title: str, summary: str) -> dict[str, Any]:
    """Return the body of a completed check run."""
    output = {"title": title[:250], "summary": cut_text(summary, MAX_BODY)}
    return {"status": "completed", "conclusion": conclusion, "output": output}


def annotations_of(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings as annotations of a check run, for when they cannot be posted as comments."""
    return [
        {
            "path": one.anchor.path,
            "start_line": one.anchor.start_line or one.anchor.line,
            "end_line": one.anchor.line,
            "annotation_level": _LEVEL[one.severity],
            "title": one.title[:250],
            "message": (one.body or one.title)[:4000],
        }
        for one in findings
    ][:MAX_ANNOTATIONS]


def standing_findings(entries: Sequence[LedgerEntry], done: Review, diff: Diff) -> tuple[Finding, ...]:
    """Return the open findings that have a place in the diff: this run's as they are, earlier ones from the ledger."""
    own = {one.fingerprint: one for one in done.findings}
    found = []
    for entry in entries:
        if entry.status is not FindingStatus.OPEN or not entry.said:
            continue
        one = own.get(entry.fingerprint) or _from_ledger(entry, diff)
        if one is not None:
            found.append(one)
    return tuple(found)


def _from_ledger(entry: LedgerEntry, diff: Diff) -> Finding | None:
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
    posted: PostedState, diff: Diff, extent: ReviewScope, fail_level: FailLevel
) -> tuple[str, str, tuple[Finding, ...]]:
    """Return the conclusion, the title and the standing findings of a review that is published already."""
    entries = current_ledger(posted)
    standings = FindingSummary(entries, {})
    found = standing_findings(entries, Review(""), diff)
    return _conclusion(standings, extent, fail_level), headline(standings, extent), found
