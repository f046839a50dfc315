"""Report on a commit without reviewing it: a check that branches may require must come to an end on each of them.

Promises: costs nothing, and never turns a gate green. Where the last review left open findings at or above the fail
level, the check run fails as it did there; otherwise it is neutral, which GitHub counts as passed, and says why.
https://docs.github.com/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
"""

from __future__ import annotations

import logging

from reviewer.safety.markdown import neutralise
from webhooks.events.deliveries import Job, Trigger
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.checks import CHECK_NAME, SKIPPED, Conclusion, completed_check
from webhooks.publishing.ledger import PostedState, current_ledger
from webhooks.publishing.markers.ledger_entries import FindingStatus
from webhooks.publishing.publish import find_check
from webhooks.publishing.read_posted import read_posted
from webhooks.publishing.text import count_noun

log = logging.getLogger(__name__)

_TRY = "Comment `/review` to have it reviewed all the same."


def report_skipped(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull, reason: str) -> JobOutcome:
    """Complete a check run that says why the pull request is not reviewed, and which findings are still open."""
    still_open = _count_failing(job, context, pull, fetched)
    conclusion = Conclusion.FAILURE if still_open else Conclusion.NEUTRAL
    found = f"{count_noun(still_open, 'finding')} of the last review still open" if still_open else ""
    title = f"Not reviewed: {reason}" + (f"; {found}" if found else "")
    summary = f"**Not reviewed** at {pull.head_sha[:7]}: {neutralise(reason)}."
    if found:
        summary += f" {found[0].upper()}{found[1:]}: see the summary comment."
    body = completed_check(conclusion, title, f"{summary}\n\n{_TRY}")
    _complete(context.repository, pull.number, pull.head_sha, f"{job.key}{SKIPPED}", body)
    why = f"{reason}; {found}" if found else reason
    return JobOutcome(JobEnding.IGNORED, why, pull.head_sha, conclusion=conclusion.value)


def report_merge_group(job: Job, repository: Repository) -> JobOutcome:
    """Complete a check run on the head of a merge group, whose pull requests have each been reviewed by themselves."""
    head = job.head_sha or ""
    reason = "a merge queue joins pull requests that were checked one by one"
    text = (
        f"Nothing is reviewed at {head[:7]}, the head of a merge group. Each of its pull requests had to pass this "
        "check, where it is required, before it was queued."
    )
    body = completed_check(Conclusion.NEUTRAL, f"Not reviewed: {reason}", text)
    _complete(repository, 0, head, job.key, body)
    return JobOutcome(JobEnding.IGNORED, reason, head, conclusion=Conclusion.NEUTRAL.value)


def _count_failing(job: Job, context: JobContext, pull: Pull, fetched: FetchedPull) -> int:
    """Return how many findings of earlier reviews are open and fail the check."""
    settings = fetched.settings.review
    level = context.fail_level or settings.fail_level
    is_first = job.trigger is Trigger.OPENED and not context.again
    repository = context.repository
    before = PostedState()
    if not is_first:
        login = repository.identity(pull.number)
        before = read_posted(repository, pull, login, author_may_dismiss=settings.author_may_dismiss)
    return sum(
        entry.status is FindingStatus.OPEN and entry.inline and level.fails(entry.severity)
        for entry in current_ledger(before)
    )


def _complete(repository: Repository, number: int, head_sha: str, external_id: str, body: dict[str, object]) -> None:
    """Create a completed check run, or complete the one that this job has created before."""
    try:
        known = find_check(repository, number, head_sha, external_id)
        if known is not None:
            repository.update_check(known["id"], body)
        else:
            repository.create_check({**body, "name": CHECK_NAME, "head_sha": head_sha, "external_id": external_id})
    except (Forbidden, NotFound, Unprocessable) as error:
        log.info("no check run", extra={"repository": repository.name, "why": str(error)})
