"""Turn away repositories that the operator does not let in: politely, once for each, and at no cost.

Promises: nothing is read of such a repository and no model is asked; its people get one comment, ever.
"""

from __future__ import annotations

import logging
import time

from reviewer.safety.code_blocks import code_span
from webhooks.events.deliveries import Job
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository
from webhooks.handling.money.purse import Purse

log = logging.getLogger(__name__)

#: The reason of such a job.
NOT_SERVED = "the operator does not let this repository in"


def refuse_repository(job: Job, repository: Repository, purse: Purse | None) -> str:
    """Return why the job's repository is turned away, and tell its people the first time; "" where it is let in.

    Raises OperatorRulesUnreadable.
    """
    if purse is None or purse.rules().serves(job.repository):
        return ""
    # Counted before it is posted: a worker that dies in between posts nothing rather than twice.
    if job.number and purse.account.is_first_time(f"turned away {job.repository.lower()}", time.time()):
        _tell(job, repository)
    return NOT_SERVED


def refused_model(purse: Purse | None) -> str:
    """Return why the models that would be asked may not be used; "" where they may. Raises OperatorRulesUnreadable."""
    refused = purse.rules().refused_models(purse.models) if purse is not None else []
    if not refused:
        return ""
    names = ", ".join(refused)
    return f"The operator of this App does not allow the model {names}: another one has to be set, or this one allowed."


def _tell(job: Job, repository: Repository) -> None:
    text = (
        "Thank you for trying this reviewer. Its operator lets it work for certain repositories only, and "
        f"{code_span(job.repository)} is not among them, so nothing is reviewed here and nothing is read. The operator "
        "can let it in; otherwise you may uninstall the App. This is said only once."
    )
    try:
        repository.create_comment(job.number, text)
    except GitHubError as error:
        log.info("not told that it is turned away", extra={"repository": job.repository, "why": str(error)})
