"""A job: one thing to do about a pull request, as a value that can be stored. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from reviewer.errors import ReviewerError
from webhooks.events.commands import CommandRequest, Mistake

#: Version of the JSON form of a job. Raise it when the meaning of a field changes, and teach `Job.from_json` both.
JOB_VERSION = 1


class UnknownJobVersion(ReviewerError):
    """The stored job was written by a newer version of this project."""


class Trigger(StrEnum):
    """Why a job exists."""

    OPENED = "opened"
    SYNCHRONIZE = "synchronize"
    REOPENED = "reopened"
    READY_FOR_REVIEW = "ready_for_review"
    #: The pull request has another base branch: its diff is another, though its head is the same.
    RETARGETED = "retargeted"
    COMMAND = "command"
    #: Somebody wrote in a thread under a comment of ours, perhaps: whose the thread is, GitHub has to be asked.
    REPLY = "reply"
    #: Somebody mentioned us, perhaps: who we are, GitHub has to be asked.
    MENTION = "mention"
    #: Somebody pressed "Re-run" beside our check run. That is the command `/review`.
    RERUN = "rerun"
    #: A merge queue waits for our check on a commit that joins several pull requests. Nothing is reviewed.
    MERGE_GROUP = "merge_group"
    #: No delivery: the App found an open pull request whose head was not reviewed.
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Job:
    """One review to make. Holds no secret and no code.

    `key` names it for people: `owner/repo#number@head_sha`, with `+base-SHA` where the base branch was changed, or
    `owner/repo#number@head+comment_id` for a command, whose payload has no head. `repository` is `owner/name`, `number`
    0 where the pull request has to be found by the head, or there is none. `updated_at` is when GitHub last changed the
    pull request before this delivery (ISO 8601, UTC; empty for commands): it orders late deliveries. `draft` is what
    the payload said: whether drafts are reviewed is the repository's setting. `delivery` is the GUID of the delivery.
    `installation_id` is None outside an App. `base_ref` is the base branch, where the payload names it, `check_run_id`
    the check run that is to be run again.

    Of a comment: `command` with its `argument` and `mistake` are the first command in it, `more` the others. `thread`
    is the first comment of the review thread it stands in, None in the conversation; `comment_id` is the comment,
    `actor` and `actor_id` who wrote it. `mentions` are the logins that it mentions, where that is what it asks for.
    """

    key: str
    repository: str
    number: int
    trigger: Trigger
    delivery: str
    head_sha: str | None = None
    installation_id: int | None = None
    command: str | None = None
    argument: str = ""
    comment_id: int | None = None
    actor: str | None = None
    draft: bool = False
    updated_at: str = ""
    base_ref: str = ""
    check_run_id: int | None = None
    mistake: Mistake | None = None
    more: tuple[CommandRequest, ...] = ()
    thread: int | None = None
    actor_id: int | None = None
    mentions: tuple[str, ...] = ()

    @property
    def requests(self) -> tuple[CommandRequest, ...]:
        """The commands that were given, in their order."""
        first = () if self.command is None else (CommandRequest(self.command, self.argument, self.mistake),)
        return (*first, *self.more)

    def of_request(self, number: int) -> Job:
        """Return the job of one of its commands alone, the first being number 0; its key is the command's own."""
        request = self.requests[number]
        key = f"{self.key}.{number + 1}" if number else self.key
        return replace(
            self, key=key, command=request.command, argument=request.argument, mistake=request.mistake, more=()
        )

    @property
    def is_automatic(self) -> bool:
        """Whether the job reviews a pull request, and no person asked for it with a command, a label or a button."""
        return self.command is None and self.trigger not in (Trigger.MERGE_GROUP, Trigger.REPLY, Trigger.MENTION)

    @property
    def pull(self) -> str:
        """The pull request, `owner/repo#number`, of which one job runs at a time; the job's key where it has none."""
        return f"{self.repository}#{self.number}" if self.number else self.key

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values that `from_json` reads, also in later versions."""
        fields = {name: value for name, value in asdict(self).items() if value or name not in _NEWER_FIELDS}
        return {"version": JOB_VERSION, **fields}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Job:
        """Return the job that `to_json` wrote. Raises UnknownJobVersion for one from a newer version."""
        fields = dict(value)
        version = fields.pop("version")
        if version != JOB_VERSION:
            message = (
                f"this job has version {version}, known is {JOB_VERSION}: run it with the version that accepted it"
            )
            raise UnknownJobVersion(message)
        fields["trigger"] = Trigger(fields["trigger"])
        fields["mistake"] = Mistake(fields["mistake"]) if fields.get("mistake") else None
        fields["more"] = tuple(_request_of(request) for request in fields.get("more", ()))
        fields["mentions"] = tuple(fields.get("mentions", ()))
        return cls(**fields)


def _request_of(request: dict[str, Any]) -> CommandRequest:
    mistake = request.get("mistake")
    return CommandRequest(request["command"], request["argument"], Mistake(mistake) if mistake else None)


#: Left out of the JSON form where they say nothing, so that an older version can read it.
_NEWER_FIELDS = frozenset({"base_ref", "check_run_id", "mistake", "more", "thread", "actor_id", "mentions"})
