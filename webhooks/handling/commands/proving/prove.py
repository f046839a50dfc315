"""`/prove` in a thread: show the finding by a test that fails, and its fix by tests that pass."""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.proving.posted_findings import run_findings
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.publishing.suggested_tests.demonstrations import proof_text


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Run a test of the thread's finding, and say what came of it."""
    ran = run_findings(job, context, pull, fetched, everything=False)
    if isinstance(ran, JobOutcome):
        return ran
    (finding, *_) = ran.findings
    text = proof_text(finding, ran.shown(finding), ran.review)
    return JobOutcome.answered(pull.head_sha, text, usage=ran.review)
