"""Post a publication: read first, then write, so that repeating it at any moment posts nothing twice.

GitHub has no idempotency keys: a POST whose answer was lost may have gone through
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). So each round first reads what
we have posted on the pull request, and plans only what is missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from webhooks.github.errors import Forbidden, GitHubError, NotFound, RateLimited, Unprocessable, WriteUncertain
from webhooks.github.repository import Pull, Repository
from webhooks.github.transport import LONGEST_WAIT
from webhooks.github.types import FailedCheck
from webhooks.publishing.checks import CHECK_NAME
from webhooks.publishing.ledger import PostedState
from webhooks.publishing.plan import FixedThread, Publication
from webhooks.publishing.read_posted import read_posted, refresh_threads

log = logging.getLogger(__name__)

#: Rounds of reading and writing, and the seconds between them (GitHub's lists may lag behind its writes).
ROUNDS, PAUSE = 3, 2.0

#: Threads closed in one run, and replies among them where resolving is not allowed: GitHub limits writes per
#: minute. The summary names the others.
MAX_CLOSED, MAX_REPLIES = 100, 20


@dataclass(frozen=True, slots=True)
class CheckRun:
    """Our check run on the head, the login that made it, and whether it has annotations already.

    `started_at` is GitHub's time of its beginning (ISO 8601, UTC): that of the first attempt of its job. `failed` are
    the checks that had failed when it was looked for; None where it was not looked for.
    """

    id: int
    login: str
    annotated: bool = False
    started_at: str = ""
    failed: tuple[FailedCheck, ...] | None = None


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The result of publishing. `refused` says why comments could not be posted; the caller then reports it elsewhere.

    `plan` is the last plan, made when the summary was written.
    """

    review_url: str = ""
    summary_url: str = ""
    refused: str = ""
    plan: Publication | None = None


def open_check(repository: Repository, number: int, head_sha: str, job: str, *, again: bool) -> CheckRun | None:
    """Start the check run of a job, or find it when the job runs again. None: we may not write checks."""
    body = {"name": CHECK_NAME, "head_sha": head_sha, "status": "in_progress", "external_id": job}
    try:
        every = repository.every_run(head_sha) if again else None
        if every is None:
            ours = find_check(repository, number, head_sha, job) if again else None
        else:
            named = [run for run in every[0] if run["name"] == CHECK_NAME]
            ours = _ours_among(repository, number, named, job)
        found = ours or repository.create_check(body)
    except (Forbidden, NotFound, Unprocessable) as error:
        log.info("no check run", extra={"repository": repository.name, "why": str(error)})
        return None
    return replace(_check_run(found), failed=None if every is None else tuple(every[1]))


def begun_check(repository: Repository, number: int, head_sha: str, job: str) -> CheckRun | None:
    """Return the check run that the job began on this commit, or None."""
    found = find_check(repository, number, head_sha, job)
    return _check_run(found) if found is not None else None


def find_check(repository: Repository, number: int, head_sha: str, job: str) -> dict[str, Any] | None:
    """Return the check run of ours whose external id is `job`, or None.

    The App and the Action may both review; the job's key is the same, and neither may touch the other's run.
    """
    return _ours_among(repository, number, repository.check_runs(head_sha, CHECK_NAME, every=True), job)


def _ours_among(repository: Repository, number: int, runs: Sequence[dict[str, Any]], job: str) -> dict[str, Any] | None:
    begun = sorted((run for run in runs if run["external_id"] == job), key=lambda run: -run["id"])
    login = repository.identity(number).lower() if begun else ""
    if login:
        return next((run for run in begun if f"{run['app']}[bot]".lower() == login), None)
    return next((run for run in begun if _is_writable(repository, run["id"], job)), None)


def _is_writable(repository: Repository, check_id: int, job: str) -> bool:
    """Whether a check run is ours: only the App that made one can change it. The change changes nothing."""
    try:
        repository.update_check(check_id, {"external_id": job})
    except (Forbidden, NotFound, Unprocessable):
        return False
    return True


def _check_run(run: dict[str, Any]) -> CheckRun:
    return CheckRun(run["id"], f"{run['app']}[bot]" if run["app"] else "", bool(run["annotations"]), run["started_at"])


def close_check(repository: Repository, check: CheckRun | None, body: dict[str, Any]) -> None:
    """Complete the check run, if there is one. Repeating it changes nothing: annotations add up, so they are sent once.

    When it is uncertain whether they were stored, they are left out the second time: the summary has the findings.
    """
    if check is not None:
        if check.annotated:
            body = _without_annotations(body)
        try:
            repository.update_check(check.id, body)
        except WriteUncertain:
            repository.update_check(check.id, _without_annotations(body))


def _without_annotations(body: dict[str, Any]) -> dict[str, Any]:
    output = {name: value for name, value in body["output"].items() if name != "annotations"}
    return {**body, "output": output}


def publish(
    repository: Repository,
    pull: Pull,
    login: str,
    make_plan: Callable[[PostedState], Publication],
    *,
    quiet: bool,
    refusal: Callable[[], str],
    author_may_dismiss: bool = False,
) -> PublishResult:
    """Post the review, close the threads of fixed findings, and write the summary comment, in this order.

    The summary is last since it remembers what was done: a run that is killed before it is repeated, finds its own
    comments and closed threads, and continues. `quiet`: edit an existing summary, but do not post a new one.
    `make_plan` is called after each reading. `refusal` is called just before a write: it returns why nothing may be
    posted any more, or "", or raises; GitHub has no way to post a review only if the head is unchanged.
    """
    for left in reversed(range(ROUNDS)):
        plan = None
        try:
            before = read_posted(repository, pull, login, author_may_dismiss=author_may_dismiss)
            plan = make_plan(before)
            if why := refusal():
                return PublishResult(refused=why, plan=plan)
            if plan.review:
                read = partial(read_posted, repository, pull, author_may_dismiss=author_may_dismiss)
                return _write_all(repository, pull, login, plan, before, make_plan, read, quiet=quiet)
            return _write_rest(repository, pull.number, plan, before, quiet=quiet)
        except (WriteUncertain, RateLimited) as error:
            pause = error.retry_after or PAUSE
            if not left or pause > LONGEST_WAIT:
                raise
            log.info("reading again before the next write", extra={"repository": repository.name, "why": str(error)})
            time.sleep(pause)
        except Forbidden as error:
            return PublishResult(refused=str(error), plan=plan)
    raise AssertionError("unreachable")


def _write_all(
    repository: Repository,
    pull: Pull,
    login: str,
    plan: Publication,
    before: PostedState,
    make_plan: Callable[[PostedState], Publication],
    read: Callable[[str], PostedState],
    *,
    quiet: bool,
) -> PublishResult:
    """Post the review, then the rest, planned again: the comments have addresses now, to which the summary links."""
    url = _post_review(repository, pull.number, plan)
    author = repository.identity(pull.number) or login
    # The author of what we have just written is us, whatever we were told: then what that author wrote before counts.
    is_known = author.lower() == login.lower()
    before = refresh_threads(repository, pull, login, before) if is_known else read(author)
    return replace(_write_rest(repository, pull.number, make_plan(before), before, quiet=quiet), review_url=url)


def _write_rest(
    repository: Repository, number: int, plan: Publication, before: PostedState, *, quiet: bool
) -> PublishResult:
    """Close the threads of fixed findings, then write the summary."""
    _close_threads(repository, number, plan.fixed)
    if before.summary_id is None and (quiet or before.summary_body):
        return PublishResult(plan=plan)  # otherwise the App and the Action would each post a summary
    return PublishResult(summary_url=_post_summary(repository, number, before, plan.summary), plan=plan)


def _close_threads(repository: Repository, number: int, fixed: Sequence[FixedThread]) -> None:
    """Resolve the threads of fixed findings; where that is not allowed, reply once instead."""
    replies = 0
    for thread in fixed[:MAX_CLOSED]:
        if thread.node_id and repository.resolve(thread.node_id):
            continue
        if replies < MAX_REPLIES:
            replies += 1
            try:
                repository.reply(number, thread.comment_id, thread.reply)
            except (Forbidden, NotFound, Unprocessable) as error:
                log.info("reply not posted", extra={"repository": repository.name, "why": str(error)})


def _post_review(repository: Repository, number: int, plan: Publication) -> str:
    """Post the review; where GitHub refuses it, try again without what is in the way.

    GitHub names neither the comment that it refuses nor, always, why: one that it takes alone is not lost for another.
    """
    body = plan.review or {}
    try:
        return repository.create_review(number, body)
    except Unprocessable as error:
        if error.pending:
            for review_id in repository.pending_reviews(number):
                repository.delete_pending_review(number, review_id)
            return repository.create_review(number, body)
        log.warning("the review was refused, posting its comments one by one", extra={"why": str(error)})
        if not _post_singly(repository, number, body) and not error.anchor:
            raise
    return ""


def _post_singly(repository: Repository, number: int, body: dict[str, Any]) -> int:
    """Post each comment alone, and return how many GitHub took. The summary has all findings."""
    taken = 0
    for comment in body["comments"]:
        try:
            repository.create_review_comment(number, {**comment, "commit_id": body["commit_id"]})
            taken += 1
        except Unprocessable as error:
            log.warning("comment refused", extra={"path": comment["path"], "line": comment["line"], "why": str(error)})
    return taken


def _post_summary(repository: Repository, number: int, before: PostedState, text: str) -> str:
    if before.summary_id is not None:
        if before.summary_body.strip() == text.strip():
            return ""
        try:
            return repository.update_comment(before.summary_id, text)
        except NotFound:
            log.info("the summary comment was deleted", extra={"repository": repository.name})
    return repository.create_comment(number, text)


def ignore_github_errors(act: Callable[[], object]) -> None:
    """Do something optional, such as a reaction; a failure is only logged."""
    try:
        act()
    except GitHubError as error:
        log.info("optional step failed", extra={"why": str(error)})
