"""Let pull requests from forks of strangers wait until a maintainer asks for their review.

With `pull_request_target` a workflow has the base repository's secrets, so that anybody could spend its money.
"""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.handling.standing import report_skipped
from webhooks.publishing.bodies.reply import post_once
from webhooks.publishing.markers.replies import stop_marker
from webhooks.publishing.publish import ignore_github_errors

#: The collaborator permissions of people who may spend the repository's money.
_MAINTAINERS = frozenset({"admin", "write"})

_WAITS = "a fork's pull request waits for a maintainer"
_HOW = (
    "This pull request comes from a fork, and its author has no write access here, so it is not reviewed "
    "automatically. Somebody with write access can ask for a review: comment `/review`, or set the label "
    "`reviewer: review`. Each push needs another one. This is said only once."
)


def is_by_stranger(job: Job, repository: Repository, pull: Pull) -> bool:
    """Whether a pull request comes from a fork, and neither its author nor who caused this job has write access."""
    if pull.head_repository is not None and pull.head_repository == pull.repository:
        return False
    people = dict.fromkeys(filter(None, (pull.author, job.actor)))
    return not any(repository.permission(login) in _MAINTAINERS for login in people)


def wait_for_maintainer(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> JobOutcome:
    """Say in the check run that nothing is reviewed yet, and once in a comment what a maintainer can do."""
    marker = stop_marker("fork", "")
    ignore_github_errors(lambda: post_once(context.repository, pull.number, marker, f"{marker}\n{_HOW}"))
    return report_skipped(job, context, pull, fetched, _WAITS)
