"""`/refactor [PATH...]`: review the whole pull request again, or these paths, and look for simpler code in it."""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.commands.reviewing.paths import no_such_paths
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Review every file that is meant, and look for simpler code in each."""
    paths = tuple(job.argument.split())
    if problem := no_such_paths(pull, fetched, paths):
        return problem
    return review_pull(job, context, pull, fetched, ReviewRequest(everything=True, deeper=True, paths=paths))
