"""Decide whether something that was written in a thread is answered. Never writes.

Promises: only in threads of our own findings; not where the settings or `/pause` say no; a bounded number of turns, so
that two programs cannot talk for ever.
"""

from __future__ import annotations

from webhooks.events.job import Job
from webhooks.github.errors import NotFound
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.handling.base_files import SettingsUnreadable, read_base
from webhooks.handling.conversation.threads import find_root, our_finding, read_thread
from webhooks.publishing.read_posted import summary_of

#: Answers of ours in one thread to what people write there. `/explain` and `/ask` are answered beyond that.
MOST_TURNS = 6


def why_not_answered(job: Job, repository: Repository) -> str:
    """Return why what somebody wrote in a thread gets no answer; empty where it does."""
    root = find_root(repository, job.thread or 0)
    if root is None:
        return "the thread is gone"
    if our_finding(root, repository.identity(job.number)) is None:
        return "not a thread of ours"
    try:
        pull = repository.pull(job.number)
    except NotFound:
        return "the pull request is gone"
    if pull.state != "open":
        return "closed"
    if reason := _why_off(repository, pull):
        return reason
    thread = read_thread(repository, job.number, root.id)
    if thread is None:
        return "the thread is gone"
    if thread.turns >= MOST_TURNS:
        return "enough was said in this thread"
    ledger = summary_of(repository, job.number, thread.login).ledger
    return "paused" if ledger is not None and ledger.paused_by else ""


def _why_off(repository: Repository, pull: Pull) -> str:
    """Return why the settings want no answer; empty where they do. Raises GitHubError where they may be read later."""
    try:
        return "`review.replies` is off" if read_base(repository, pull, ()).settings.review.replies == "off" else ""
    except SettingsUnreadable as error:
        if error.retryable:
            raise
        return "the settings cannot be read"
