"""Demonstrate findings that are posted on the pull request: those of a thread, or all that are open."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.diff.model import Diff
from reviewer.domain.findings import Finding, Review
from reviewer.domain.severity import DemonstrateLevel
from reviewer.errors import ReviewerError
from reviewer.safety.code_blocks import suggestion_in
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.failures import ended_early
from webhooks.handling.fetch import FetchedPull, change_of
from webhooks.handling.job_context import JobContext, Superseded, within_budget
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.reading.posted_review import read_posted_review
from webhooks.publishing.incremental import code_places
from webhooks.publishing.ledger import Thread
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.plan import finding_of_entry

#: Findings that one command demonstrates.
MOST_FINDINGS = 10

_NOT_RUN = (
    "Nothing was run: the App never runs code of a pull request. The Action runs it on Linux, in a sandbox: with it in "
    "a workflow that has a checkout, comment this again."
)
_NO_FINDING = "This thread has no open finding of mine whose lines are still part of this change."
_NONE_OPEN = "No finding is open whose lines are still part of this change."


@dataclass(frozen=True, slots=True)
class RunFindings:
    """The findings as they are posted, and the review of just them with what running tests showed."""

    findings: tuple[Finding, ...]
    review: Review

    def shown(self, finding: Finding) -> Finding | None:
        """Return the finding with its evidence; None if it was refuted."""
        every = (*self.review.findings, *self.review.below)
        return next((item for item in every if item.fingerprint == finding.fingerprint), None)


def run_findings(
    job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, *, everything: bool
) -> RunFindings | JobOutcome:
    """Run tests for the finding of the job's thread, or for all open ones; or return why there is nothing to run."""
    if context.demonstrate is None:
        return JobOutcome.answered(pull.head_sha, _NOT_RUN, reason="not run")
    read = read_posted_review(context, pull)
    entries = [
        entry
        for entry in read.ledger.entries
        if entry.is_open and (everything or (job.thread is not None and entry.comment_id == job.thread))
    ]
    threads = {thread.comment_id: thread for thread in read.posted.threads}
    found = (_as_posted(entry, threads.get(entry.comment_id), fetched.diff) for entry in entries[:MOST_FINDINGS])
    findings = tuple(finding for finding in found if finding is not None)
    if not findings:
        return JobOutcome.answered(pull.head_sha, _NONE_OPEN if everything else _NO_FINDING, reason="no finding")
    request = DemonstrationRequest(
        DemonstrateLevel.WARNING, only=frozenset(finding.fingerprint for finding in findings), asked=True
    )
    try:
        settings = within_budget(context, pull, fetched.settings)
        change = change_of(context.repository, pull, fetched)
        review = context.demonstrate(Review("", findings=findings), change, settings, pull, request)
    except (Superseded, ReviewerError) as error:
        return ended_early(job, context, pull, error)
    return RunFindings(findings, review)


def _as_posted(entry: LedgerEntry, thread: Thread | None, diff: Diff) -> Finding | None:
    """Return the finding with the text of its comment, and its suggestion where it still fits the code."""
    key = (entry.path, entry.side, entry.lines, entry.code)
    spot = code_places(diff, [key]).get(key)
    now = replace(entry, path=spot.path, line=spot.line) if spot else entry
    finding = finding_of_entry(now, diff)
    if finding is None:
        return None
    whole = finding.anchor.line - (finding.anchor.start_line or finding.anchor.line) + 1 == entry.lines
    suggestion = suggestion_in(thread.body) if thread and spot and whole else None
    return replace(finding, body=entry.explanation, suggestion=suggestion)
