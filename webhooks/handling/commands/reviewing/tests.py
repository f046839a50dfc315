"""`/tests [PATH...]`: suggest unit tests and run them; with `commit` or `pull`, add those that ran."""

from __future__ import annotations

from reviewer.domain.findings import Review
from webhooks.events.job import Job
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.commands.reviewing.paths import no_such_paths
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull
from webhooks.publishing.bodies.reply import post_once, tests_added_text
from webhooks.publishing.markers.replies import marker_of_tests_added
from webhooks.publishing.suggested_tests.commit_tests import NotAdded, add_tests


def handle(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Review what changed and suggest tests; where it was asked for, add them when everything else is posted."""

    def add(review: Review) -> None:
        _add_tests(job, context.repository, pull, review)

    is_added = job.argument in ("commit", "pull")
    paths = () if is_added else tuple(job.argument.split())
    if problem := no_such_paths(pull, fetched, paths):
        return problem
    request = ReviewRequest(tests=True, paths=paths, afterwards=add if is_added else None)
    return review_pull(job, context, pull, fetched, request)


def _add_tests(job: Job, repository: Repository, pull: Pull, review: Review) -> None:
    """Add the tests that ran to the branch, or stacked on it, and post a comment about the result."""
    tests = [test for test in review.tests if test.status in ("proven", "update")]
    if tests:
        result = add_tests(repository, pull, tests, stacked=job.argument == "pull", job=job.key)
    else:
        result = NotAdded("No suggested test ran and passed the checks, so there is nothing to add: see the summary.")
    post_once(repository, pull.number, marker_of_tests_added(job.key), tests_added_text(job, result))
