"""`/review`: review what is new, with `full` everything, with paths only these."""

from __future__ import annotations

from dataclasses import replace

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.reviewing.paths import no_such_paths
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Review the files whose change was not reviewed yet; others where they were asked for."""
    paths = () if job.argument == "full" else tuple(job.argument.split())
    if problem := no_such_paths(pull, fetched, paths):
        return problem
    outcome = review_pull(job, context, pull, fetched, ReviewRequest(everything=job.argument == "full", paths=paths))
    is_plain = job.comment_id is not None and not job.argument
    if is_plain and outcome.state is JobEnding.REVIEWED and outcome.review and not outcome.review.files_reviewed:
        if outcome.review.needless:  # the summary says so
            return outcome
        text = f"Nothing is new at {pull.head_sha[:7]} since the last review. `/review full` reviews everything again."
        return replace(outcome, reply=text)
    return outcome
