"""The one reply to a comment with commands: posted when there is something to say, then edited in place.

Promises: one reply for a comment, however often its job is begun again; in a review thread it stands in that thread.
Where it may not be posted (a locked conversation, a thread that is gone), the job goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from webhooks.events.job import Job
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.github.types import Comment
from webhooks.publishing.markers.replies import is_refusal, read_reply, refusal_marker, replied_to, reply_marker
from webhooks.publishing.markers.syntax import without_outer_markers
from webhooks.publishing.text import MAX_BODY, cut_text

log = logging.getLogger(__name__)

_RULE = "\n\n---\n\n"

#: Takes the place of what an earlier try said of a command, where the command says nothing itself.
_CARRIED_OUT = "Carried out by another try."


@dataclass(slots=True)
class CommandReply:
    """The reply to the comment of a job. `done` is how many of its commands an earlier attempt carried out."""

    repository: Repository
    job: Job
    done: int = 0
    refused: str = ""
    url: str = ""
    _id: int | None = None
    _parts: list[str] = field(default_factory=list)
    _is_interim: bool = False

    @classmethod
    def find(cls, repository: Repository, job: Job, *, again: bool) -> Self:
        """Return the reply; where the job was begun before, as it was left then."""
        reply = cls(repository, job)
        found = _ours(repository, job, lambda body: read_reply(body, job.key) is not None) if again else None
        if found is not None:
            reply._id, reply.url = found.id, found.url
            reply.done = read_reply(found.body, job.key) or 0
            text = without_outer_markers(found.body)
            reply._parts = [text] if text and reply.done else []
            reply._is_interim = bool(text) and not reply.done
        return reply

    def working(self, text: str) -> None:
        """Say what is being done, or that it failed and may be tried again; what is said next takes its place."""
        self._is_interim = True
        self._write([*self._parts, text])

    def say(self, number: int, text: str) -> None:
        """Say what came of the command of that number, the first being 1; an empty text says nothing."""
        self.done = number
        text = text or (_CARRIED_OUT if self._is_interim else "")
        self._is_interim = False
        if text:
            self._parts.append(text)
        is_last = number >= len(self.job.requests)
        # With nothing to add, the reply remembers how far the job came, unless it is over.
        if text or (self._parts and not is_last):
            self._write(self._parts)

    def _write(self, parts: list[str]) -> None:
        marker = reply_marker(self.job.key, self.done, self.job.actor_id)
        text = cut_text(_RULE.join(parts), MAX_BODY - len(marker))
        body = f"{marker}\n{text}" if self.job.thread is None else f"{text}\n\n{marker}"
        try:
            self._send(body)
        except (Forbidden, NotFound, Unprocessable) as error:
            self.refused = str(error)
            log.info("reply not posted", extra={"repository": self.repository.name, "why": self.refused})

    def _send(self, body: str) -> None:
        if self._id is not None and self._edited(self._id, body):
            return
        posted = post_where_asked(self.repository, self.job, body)
        self._id, self.url = posted.id, posted.url

    def _edited(self, comment_id: int, body: str) -> bool:
        """Edit the reply; False where somebody deleted it: then it is said once more."""
        try:
            self.repository.update_comment(comment_id, body, inline=self.job.thread is not None)
        except NotFound:
            return False
        return True


def post_where_asked(repository: Repository, job: Job, body: str) -> Comment:
    """Post a comment where the job's comment stands: in the conversation, or in its thread."""
    if job.thread is None:
        return repository.post_comment(job.number, body)
    return repository.reply(job.number, job.thread, body)


def refuse_once(repository: Repository, job: Job, text: str) -> bool:
    """Tell somebody politely that they may not do this, once a pull request; whether it was said now."""
    if _ours(repository, job, is_refusal, everywhere=True) is not None:
        return False
    body = f"{refusal_marker()}\n{text}" if job.thread is None else f"{text}\n\n{refusal_marker()}"
    post_where_asked(repository, job, body)
    return True


def count_replies(repository: Repository, job: Job) -> int:
    """Return how many other comments of the person who wrote the job's comment were replied to on the pull request."""
    person = str(job.actor_id or "")

    def fits(body: str) -> bool:
        key, to = replied_to(body)
        return bool(person) and to == person and key != job.key

    return len(_all_ours(repository, job, fits, everywhere=True))


def _ours(repository: Repository, job: Job, fits: Callable[[str], bool], *, everywhere: bool = False) -> Comment | None:
    return next(iter(_all_ours(repository, job, fits, everywhere=everywhere)), None)


def _all_ours(
    repository: Repository, job: Job, fits: Callable[[str], bool], *, everywhere: bool = False
) -> list[Comment]:
    """Return the comments of ours that fit. Who we are is asked only where there is one that does."""
    comments: list[Comment] = []
    if job.thread is None or everywhere:
        comments += repository.comments(job.number)
    if job.thread is not None or everywhere:
        comments += repository.review_comments(job.number)
    marked = [comment for comment in comments if fits(comment.body)]
    login = repository.identity(job.number).lower() if marked else ""
    return [comment for comment in marked if comment.author.lower() == login]
