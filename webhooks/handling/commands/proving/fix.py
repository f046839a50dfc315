"""`/fix`: commit demonstrated fixes with their tests, to the branch or in a pull request of their own."""

from __future__ import annotations

import re

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.proving.posted_findings import RunFindings, run_findings
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.publishing.suggested_tests.commit_fixes import add_fix, added_before
from webhooks.publishing.suggested_tests.commit_tests import AddedTests, NotAdded
from webhooks.publishing.suggested_tests.demonstrations import outcome_line

_WHICH = (
    "`/fix` is about the finding of a thread. Anywhere else: `/fix all`, or `/fix pull` for a pull request of its own."
)
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,60})(?:\[bot\])?")


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Run tests of the findings, then commit the fixes that hold together, with their tests."""
    everything = job.argument == "all" or (job.argument == "pull" and job.thread is None)
    if not everything and job.thread is None:
        return JobOutcome.answered(pull.head_sha, _WHICH, reason="no finding")
    stacked = job.argument == "pull"
    before = added_before(context.repository, pull, stacked=stacked, job=job.key) if context.demonstrate else None
    if before is not None:
        return JobOutcome.answered(pull.head_sha, _sentence(before), reason="not added" * isinstance(before, NotAdded))
    ran = run_findings(job, context, pull, fetched, everything=everything)
    if isinstance(ran, JobOutcome):
        return ran
    lines = [outcome_line(finding, ran.shown(finding), ran.review) for finding in ran.findings]
    return JobOutcome.answered(
        pull.head_sha, "\n\n".join([_added(job, context, pull, ran), "\n".join(lines)]), usage=ran.review
    )


def _added(job: Job, context: JobContext, pull: Pull, ran: RunFindings) -> str:
    """Commit the joint fix, and return a sentence about it."""
    fix = ran.review.joint_fix
    if fix is None:
        return "**Nothing was committed.** No fix holds in the sandbox."
    fixed = {proof.path for proof in fix.proofs}
    titles = [
        finding.title
        for finding in ran.findings
        if (shown := ran.shown(finding)) is not None
        and shown.evidence is not None
        and shown.evidence.demonstration is not None
        and shown.evidence.demonstration.path in fixed
    ]
    stacked = job.argument == "pull"
    result = add_fix(context.repository, pull, fix, titles, stacked=stacked, job=job.key, co_author=_co_author(job))
    if isinstance(result, NotAdded):
        return _sentence(result)
    return f"{_sentence(result, tests=len(fix.proofs))}\n\nRun there: {fix.line}."


def _sentence(result: AddedTests | NotAdded, tests: int = 1) -> str:
    """Say where the fix is, or why it was not committed."""
    if isinstance(result, NotAdded):
        return f"**The fix was not committed.** {result.reason}"
    where = f"#{result.number}" if result.number is not None else result.sha[:7]
    return f"The fix and its {'tests' if tests > 1 else 'test'} are in {where}: {result.url}"


def _co_author(job: Job) -> str:
    """Return the trailer that names who asked for the commit; empty if that is not known."""
    if not job.actor or job.actor_id is None or not _LOGIN.fullmatch(job.actor):
        return ""
    return f"Co-authored-by: {job.actor} <{job.actor_id}+{job.actor}@users.noreply.github.com>"
