"""Carrying a publication out: look, then write, so that doing it again at any instant posts nothing twice.

GitHub has no idempotency keys: a POST whose answer was lost may have gone through
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). So each round first reads what
of ours stands on the pull request, and plans only what is missing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webhooks.github_api import Comment, Repository
from webhooks.github_errors import Forbidden, GitHubError, NotFound, Unprocessable, WriteUncertain
from webhooks.publication import CHECK_NAME, Posted, Publication, posted

log = logging.getLogger(__name__)

#: Rounds of look and write, and the seconds before looking again (GitHub's lists may lag behind its writes).
ROUNDS, PAUSE = 3, 2.0


@dataclass(frozen=True, slots=True)
class CheckRun:
    """Our check run on the head, and who we are there."""

    id: int
    login: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of publishing. `refused` says why comments could not be posted; the caller then says it elsewhere."""

    review_url: str = ""
    summary_url: str = ""
    refused: str = ""


def open_check(repository: Repository, head_sha: str, job: str, *, again: bool) -> CheckRun | None:
    """Start the check run of a job, or find it when the job is carried out again. None: we may not write checks."""
    body = {"name": CHECK_NAME, "head_sha": head_sha, "status": "in_progress", "external_id": job}
    try:
        if again:
            for run in repository.check_runs(head_sha, CHECK_NAME):
                if run["external_id"] == job:
                    return CheckRun(run["id"], f"{run['app']}[bot]" if run["app"] else "")
        made = repository.create_check(body)
    except (Forbidden, NotFound, Unprocessable) as error:
        log.info("no check run", extra={"repository": repository.name, "why": str(error)})
        return None
    return CheckRun(made["id"], f"{made['app']}[bot]" if made["app"] else "")


def close_check(repository: Repository, check: CheckRun | None, body: dict[str, Any]) -> None:
    """Complete the check run, if there is one. Repeating it changes nothing."""
    if check is not None:
        try:
            repository.update_check(check.id, body)
        except WriteUncertain:
            repository.update_check(check.id, body)


def publish(
    repository: Repository,
    number: int,
    login: str,
    make_plan: Callable[[Posted], Publication],
    *,
    quiet: bool,
    refusal: Callable[[], str],
) -> Sent:
    """Post the review and the summary comment. `quiet`: edit a summary that is there, but do not begin one.

    `make_plan` is asked anew in each round, with what of ours was found. `refusal` is asked last before a write: it
    tells why nothing may be posted any more, or "", or raises; GitHub cannot be told to take a review only while the
    head is what it was.
    """
    for left in reversed(range(ROUNDS)):
        plan = None
        try:
            before = standing(repository, number, login)
            plan = make_plan(before)
            if why := refusal():
                return Sent(refused=why)
            url = _post_review(repository, number, plan) if plan.review else ""
            if quiet and before.summary_id is None:
                return Sent(review_url=url)
            return Sent(url, _post_summary(repository, number, before, plan.summary))
        except WriteUncertain as error:
            log.info("write uncertain, looking again", extra={"repository": repository.name, "why": str(error)})
            if not left:
                raise
            time.sleep(PAUSE)
        except Forbidden as error:
            return Sent(refused=str(error))
    raise AssertionError("unreachable")


def standing(repository: Repository, number: int, login: str) -> Posted:
    """Read what of ours stands on the pull request. Comments of others do not count, whatever marks they bear."""
    comments = [(one.id, one.body) for one in repository.comments(number) if _ours(one, login)]
    return posted(comments, [one.body for one in repository.review_comments(number) if _ours(one, login)])


def _ours(comment: Comment, login: str) -> bool:
    return comment.author.lower() == login.lower()


def _post_review(repository: Repository, number: int, plan: Publication) -> str:
    """Post the review; mend the two refusals that can be mended."""
    body = plan.review or {}
    try:
        return repository.create_review(number, body)
    except Unprocessable as error:
        if error.pending:
            for review_id in repository.pending_reviews(number):
                repository.delete_pending_review(number, review_id)
            return repository.create_review(number, body)
        if not error.anchor:
            raise
        log.warning("an anchor was refused, posting one by one", extra={"why": str(error)})
    return _post_singly(repository, number, body)


def _post_singly(repository: Repository, number: int, body: dict[str, Any]) -> str:
    """Post each comment alone: one refused place must not cost the others. The refused stand in the summary."""
    for comment in body["comments"]:
        try:
            repository.create_review_comment(number, {**comment, "commit_id": body["commit_id"]})
        except Unprocessable as error:
            log.warning("comment refused", extra={"path": comment["path"], "line": comment["line"], "why": str(error)})
    return ""


def _post_summary(repository: Repository, number: int, before: Posted, text: str) -> str:
    if before.summary_id is not None:
        if before.summary_body.strip() == text.strip():
            return ""
        try:
            return repository.update_comment(before.summary_id, text)
        except NotFound:
            log.info("the summary comment is gone", extra={"repository": repository.name})
    return repository.create_comment(number, text)


def quietly(act: Callable[[], object]) -> None:
    """Do something that is nice to have, such as a reaction; its failure is logged and costs nothing."""
    try:
        act()
    except GitHubError as error:
        log.info("left undone", extra={"why": str(error)})
