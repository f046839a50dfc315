"""`/fix`: commit demonstrated fixes with their tests, to the branch or in a pull request of their own."""

from __future__ import annotations

import re

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.proving.posted_findings import RunFindings, run_findings
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.publishing.suggested_tests.commit_fixes import add_fix
from webhooks.publishing.suggested_tests.commit_tests import NotAdded
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
        return f"**The fix was not committed.** {result.reason}"
    where = f"#{result.number}" if result.number is not None else result.sha[:7]
    noun = "tests" if len(fix.proofs) > 1 else "test"
    return f"The fix and its {noun} are in {where}: {result.url}\n\nRun there: {fix.line}."


def _co_author(job: Job) -> str:
    """Return the trailer that names who asked for the commit; empty if that is not known."""
    if not job.actor or job.actor_id is None or not _LOGIN.fullmatch(job.actor):
        return ""
    return f"Co-authored-by: {job.actor} <{job.actor_id}+{job.actor}@users.noreply.github.com>"
