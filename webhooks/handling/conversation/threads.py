"""Read the thread of a finding: the finding, and what was written about it. Never writes."""

from __future__ import annotations

from dataclasses import dataclass

from webhooks.github.errors import NotFound
from webhooks.github.repository import Repository
from webhooks.github.types import Comment
from webhooks.publishing.markers.finding import read_finding
from webhooks.publishing.markers.ledger_entries import LedgerEntry
from webhooks.publishing.markers.replies import is_answer
from webhooks.publishing.markers.syntax import PREFIX, last_line


@dataclass(frozen=True, slots=True)
class FindingThread:
    """The thread of a finding of ours: the comment that opened it, the finding, and the answers, oldest first."""

    root: Comment
    finding: LedgerEntry
    answers: tuple[Comment, ...]
    login: str

    def is_ours(self, comment: Comment) -> bool:
        """Whether we wrote an answer. Under a person's name, only what has a marker of ours."""
        author = comment.author.lower()
        by_us = author == self.login.lower()
        return by_us and (author.endswith("[bot]") or last_line(comment.body).startswith(PREFIX))

    @property
    def turns(self) -> int:
        """How often we answered somebody in it."""
        return sum(self.is_ours(answer) and is_answer(answer.body) for answer in self.answers)


def our_finding(root: Comment, login: str) -> LedgerEntry | None:
    """Return the finding that a comment is about, if it opens a thread of ours, or None."""
    if not login or root.author.lower() != login.lower() or root.reply_to:
        return None
    return read_finding(root.body, root.path, root.line)


def read_thread(repository: Repository, number: int, thread: int) -> FindingThread | None:
    """Return the thread that begins with that comment; None where it is gone or none of ours."""
    comments = repository.review_comments(number)
    root = next((comment for comment in comments if comment.id == thread), None)
    if root is None:
        return None
    login = repository.identity(number)
    finding = our_finding(root, login)
    if finding is None:
        return None
    return FindingThread(root, finding, tuple(c for c in comments if c.reply_to == thread), login)


def find_root(repository: Repository, thread: int) -> Comment | None:
    """Return the comment that opens a thread; None where somebody deleted it."""
    try:
        return repository.comment(thread, inline=True)
    except NotFound:
        return None
