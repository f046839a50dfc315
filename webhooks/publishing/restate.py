"""Write the summary anew after a command, without a review: what is open, what people did, whether it is paused.

Promises: what the last review wrote stays, but for the parts that follow from the ledger; a check run of that review on
the present head follows the ledger too, and no other check run is touched.
"""

from __future__ import annotations

import logging

from reviewer.domain.settings import FailLevel
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.publishing.checks import CHECK_NAME, completed_check
from webhooks.publishing.ledger import PostedState
from webhooks.publishing.markers.summary import Ledger, summary_markers, with_part, without_ledger, without_markers
from webhooks.publishing.review_scope import FindingSummary, ReviewScope, ReviewTarget, headline
from webhooks.publishing.summary import OPEN, STATE, conclusion_of, open_text, state_text
from webhooks.publishing.text import MAX_BODY, cut_text

log = logging.getLogger(__name__)


def restate(repository: Repository, pull: Pull, posted: PostedState, ledger: Ledger, level: FailLevel) -> str:
    """Write the summary for that ledger, which may be the first one; return its address.

    Where another identity of this program wrote the summary, nothing is written.
    """
    if posted.summary_id is None and posted.summary_body:
        return ""
    scope = ReviewScope(
        ledger.reviewed,
        0,
        since=ledger.head or pull.head_sha,
        left_out=ledger.left_out,
        unanswered=ledger.unanswered,
    )
    target = ReviewTarget(
        repository.name, pull.number, ledger.head or pull.head_sha, pull.web_url, base_ref=ledger.base_ref
    )
    urls = {thread.comment_id: thread.url for thread in posted.threads}
    findings = FindingSummary(ledger.entries, urls, paused_by=ledger.paused_by)
    markers = summary_markers(ledger)
    text = with_part(without_ledger(posted.summary_body), OPEN, open_text(target, findings))
    text = with_part(text, STATE, state_text(target, findings, scope))
    body = f"{markers}{cut_text(text, MAX_BODY - len(markers))}"
    if posted.summary_id is None:
        url = repository.create_comment(pull.number, body)
    elif posted.summary_body.strip() != body.strip():
        url = repository.update_comment(posted.summary_id, body)
    else:
        url = posted.summary_url
    _follow_in_check(repository, pull, ledger, findings, scope, level, body)
    return url


def _follow_in_check(
    repository: Repository,
    pull: Pull,
    ledger: Ledger,
    findings: FindingSummary,
    scope: ReviewScope,
    level: FailLevel,
    summary: str,
) -> None:
    """Let the check run of the last review say what is open now, if that review was of the present head."""
    if not ledger.job or ledger.head != pull.head_sha:
        return
    try:
        runs = repository.check_runs(pull.head_sha, CHECK_NAME, every=True)
        login = repository.identity(pull.number).lower()
        ours = [run for run in runs if run["external_id"] == ledger.job and f"{run['app']}[bot]".lower() == login]
        newest = max(ours, key=lambda run: int(run["id"]), default=None)
        conclusion = conclusion_of(findings, scope, level)
        if newest is None or newest["status"] != "completed" or newest["conclusion"] == conclusion:
            return
        body = completed_check(conclusion, headline(findings, scope), without_markers(summary))
        repository.update_check(newest["id"], body)
    except (Forbidden, NotFound, Unprocessable) as error:
        log.info("check run not updated", extra={"repository": repository.name, "why": str(error)})
