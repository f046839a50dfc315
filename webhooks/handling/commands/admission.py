"""Decide what of a comment is carried out, before anything is queued or paid for.

Promises: only GitHub's collaborator permission says who may do what; whoever may not is told so once a pull request,
politely, and costs nothing but that. What is meant for somebody else gets no answer. Run again right before the work:
a permission may be taken away meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reviewer.safety.code_blocks import code_span
from webhooks.events.commands import CommandRequest
from webhooks.events.job import Job, Trigger, UnknownJobVersion
from webhooks.github.errors import Forbidden, GitHubError, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.handling.base_files import readers_may_ask
from webhooks.handling.commands.command import Command, Who
from webhooks.handling.commands.table import command_named
from webhooks.handling.conversation.replies import why_not_answered
from webhooks.handling.money.admission import refuse_repository
from webhooks.handling.money.purse import Purse
from webhooks.publishing.bodies.command_reply import count_replies, refuse_once
from webhooks.publishing.publish import ignore_github_errors

log = logging.getLogger(__name__)

_WRITERS = frozenset({"admin", "write"})

#: What is said in a thread is answered for whoever may use this command.
_REPLY = "explain"


#: Comments of a person without write access that are replied to on a pull request, of commands that everybody may use.
MOST_REPLIES = 5


@dataclass(frozen=True, slots=True)
class Admission:
    """What is carried out: the job with the commands that its author may use; None with the reason why nothing is."""

    job: Job | None
    reason: str = ""


def admit(job: Job, repository: Repository, purse: Purse | None = None) -> Admission:
    """Return what of a job is carried out, and answer its comment with eyes or, if need be, a refusal.

    Raises GitHubError where GitHub cannot say it now, and OperatorRulesUnreadable.
    """
    if reason := refuse_repository(job, repository, purse):
        return Admission(None, reason)
    if job.trigger is Trigger.MENTION and not _is_named(job, repository):
        return Admission(None, "somebody else is mentioned")
    if job.trigger is Trigger.REPLY and (reason := why_not_answered(job, repository)):
        return Admission(None, reason)
    job, level = _permission(job, repository)
    asker = _Asker(job, repository, level)
    allowed = [request for request in job.requests if asker.may(request)]
    if not allowed:
        if job.comment_id is not None and job.trigger is not Trigger.REPLY:
            _refuse(job, repository, asker.command(job.requests[0]))
        return Admission(None, "no write permission")
    if asker.is_reader(allowed) and count_replies(repository, job) >= MOST_REPLIES:
        _end(job, repository)
        return Admission(None, "enough was answered")
    if job.comment_id is not None and not _acknowledge(job, repository):
        return Admission(None, "the comment was deleted")
    return Admission(_with(job, allowed))


def _is_named(job: Job, repository: Repository) -> bool:
    return repository.identity(job.number).lower().removesuffix("[bot]") in job.mentions


def _permission(job: Job, repository: Repository) -> tuple[Job, str]:
    """Return the job with the present login of its actor, and the actor's permission.

    Who was renamed since the comment was written is found by the comment, which has the same account.
    """
    level = repository.permission(job.actor or "")
    if level == "none" and job.comment_id is not None and job.actor_id is not None:
        try:
            comment = repository.comment(job.comment_id, inline=job.thread is not None)
        except (NotFound, Forbidden):
            return job, level
        if comment.author_id == job.actor_id and comment.author.lower() != (job.actor or "").lower():
            return replace(job, actor=comment.author), repository.permission(comment.author)
    return job, level


@dataclass(slots=True)
class _Asker:
    """Who wrote the comment, and what they may do. GitHub is asked for more only where that decides."""

    job: Job
    repository: Repository
    level: str
    _is_author: bool | None = None
    _may_ask: bool | None = None

    def command(self, request: CommandRequest) -> Command:
        name = _REPLY if self.job.trigger is Trigger.REPLY else request.command
        command = command_named(name)
        if command is None:
            message = f"this version has no command `/{name}`: run the job with the version that accepted it"
            raise UnknownJobVersion(message)
        return command

    def may(self, request: CommandRequest) -> bool:
        """Whether the person may use the command."""
        who = self.command(request).who
        if self.level in _WRITERS:
            return True
        if who is Who.AUTHOR:
            return self._author()
        if self.level != "read":
            return False
        return who is Who.READERS or (who is Who.ASKERS and self._asks())

    def is_reader(self, allowed: Sequence[CommandRequest]) -> bool:
        """Whether the person only reads here, and uses in a comment what everybody may."""
        if self.level in _WRITERS or self.job.comment_id is None or self.job.trigger is Trigger.REPLY:
            return False
        return all(self.command(request).who in (Who.READERS, Who.ASKERS) for request in allowed)

    def _author(self) -> bool:
        if self._is_author is None:
            author = self.repository.pull(self.job.number).author
            self._is_author = author.lower() == (self.job.actor or "").lower()
        return self._is_author

    def _asks(self) -> bool:
        if self._may_ask is None:
            pull = self.repository.pull(self.job.number)
            self._may_ask = readers_may_ask(self.repository, pull)
        return self._may_ask


def _refuse(job: Job, repository: Repository, command: Command) -> None:
    name = code_span(f"/{command.name}")
    text = f"Thank you, but {name} can be used by {command.who} only. `/help` lists what everybody may do."
    try:
        refuse_once(repository, job, text)
    except (Forbidden, NotFound, Unprocessable) as error:
        log.info("refusal not posted", extra={"repository": repository.name, "why": str(error)})


def _acknowledge(job: Job, repository: Repository) -> bool:
    """React to the comment with eyes; False where it was deleted meanwhile."""
    assert job.comment_id is not None
    try:
        repository.react(job.comment_id, "eyes", inline=job.thread is not None)
    except NotFound:
        return False
    except GitHubError as error:
        log.info("not acknowledged", extra={"repository": repository.name, "why": str(error)})
    return True


def _end(job: Job, repository: Repository) -> None:
    """React to a comment that gets no more than that."""
    comment_id, inline = job.comment_id or 0, job.thread is not None
    ignore_github_errors(lambda: repository.react(comment_id, "confused", inline=inline))


def _with(job: Job, requests: list[CommandRequest]) -> Job:
    first, *more = requests
    return replace(job, command=first.command, argument=first.argument, mistake=first.mistake, more=tuple(more))
