"""Turn a webhook delivery into a job, or into the reason to ignore it. Pure.

Promises: reads only the fields that it uses, so that GitHub may add others; a payload that lacks a field is a
MalformedDelivery. Never fetches: what the payload does not contain (the head sha of a comment's pull request, the
repository's settings, the rights of the actor) is left to the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.errors import ReviewerError
from webhooks.events.commands import CommandSyntax, NoCommand, parse_command

#: Version of the JSON form of a job. Raise it when the meaning of a field changes, and teach `Job.from_json` both.
JOB_VERSION = 1


class MalformedDelivery(ReviewerError):
    """The payload does not fit its event. The message names the field."""


class UnknownJobVersion(ReviewerError):
    """The stored job was written by a newer version of this project."""


class Trigger(StrEnum):
    """Why a job exists."""

    OPENED = "opened"
    SYNCHRONIZE = "synchronize"
    REOPENED = "reopened"
    READY_FOR_REVIEW = "ready_for_review"
    COMMAND = "command"
    #: No delivery: the App found an open pull request whose head was not reviewed.
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Job:
    """One review to make. Holds no secret and no code.

    `key` names it for people: `owner/repo#number@head_sha`, or `owner/repo#number@head+comment_id` for a command, whose
    payload has no head. `repository` is `owner/name`. `updated_at` is when GitHub last changed the pull
    request before this delivery (ISO 8601, UTC; empty for commands): it orders deliveries that arrive out of order.
    `draft` is what the payload said: whether drafts are reviewed is the repository's setting. `delivery` is the GUID of
    the delivery. `installation_id` is None outside an App. `argument` is the word after the command.
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

    @property
    def is_automatic(self) -> bool:
        """Whether the job was not asked for by a person, with a command or a label."""
        return self.command is None

    @property
    def pull(self) -> str:
        """The pull request: `owner/repo#number`."""
        return f"{self.repository}#{self.number}"

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values that `from_json` reads, also in later versions."""
        return {"version": JOB_VERSION, **asdict(self)}

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
        return cls(**{**fields, "trigger": Trigger(fields["trigger"])})


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that asks for nothing; `reason` is a word or two for the log and the response."""

    reason: str


_Number = Annotated[int, Field(strict=True, gt=0)]
#: SHA-1 or SHA-256 in hex; only that it can stand in a key matters here, what it names is asked of the API.
_Sha = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")]
#: https://docs.github.com/en/rest/repos: letters, digits, `-`, `_` and `.`
_FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Repository(_Part):
    full_name: _FullName


class _Account(_Part):
    login: str = ""
    type: str = "User"


class _Installation(_Part):
    id: _Number


class _Head(_Part):
    sha: _Sha


class _Pull(_Part):
    number: _Number
    head: _Head
    draft: bool = False
    state: str = "open"
    updated_at: str = ""


class _Issue(_Part):
    number: _Number
    state: str = "open"
    pull_request: dict[str, Any] | None = None


class _Comment(_Part):
    id: _Number
    body: str | None = None
    user: _Account | None = None


class _Payload(_Part):
    action: str
    repository: _Repository
    installation: _Installation | None = None
    sender: _Account | None = None


class _PullRequestPayload(_Payload):
    pull_request: _Pull


class _IssueCommentPayload(_Payload):
    issue: _Issue
    comment: _Comment


_Model = TypeVar("_Model", bound=_Payload)

_PULL_TRIGGERS = {
    "opened": Trigger.OPENED,
    "synchronize": Trigger.SYNCHRONIZE,
    "reopened": Trigger.REOPENED,
    "ready_for_review": Trigger.READY_FOR_REVIEW,
}


def is_handled(event: str, action: str) -> bool:
    """Whether a delivery of that event and action can ask for something."""
    return (event == "pull_request" and action in {*_PULL_TRIGGERS, "labeled"}) or (
        event == "issue_comment" and action == "created"
    )


def decide(event: str, payload: object, delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    """Return what the delivery asks for.

    `event` is `X-GitHub-Event`, `payload` the parsed JSON, `delivery` the GUID; `commands` are those there are. Raises
    MalformedDelivery when a payload of an event that we handle lacks what is needed. Other events and actions are
    ignored whatever they look like: GitHub adds new ones without notice.
    """
    if event == "ping":
        return Ignored("ping")
    if event not in {"pull_request", "issue_comment"}:
        return Ignored("event not handled")
    if not isinstance(payload, dict):
        raise MalformedDelivery(f"the payload of `{event}` must be a JSON object")
    if event == "pull_request":
        return _decide_pull_request(payload, delivery, commands)
    return _decide_issue_comment(payload, delivery, commands)


def _decide_pull_request(payload: dict[str, Any], delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    command = _command_of_label(payload, commands) if payload.get("action") == "labeled" else None
    if isinstance(command, Ignored):
        return command
    trigger = Trigger.COMMAND if command else _PULL_TRIGGERS.get(str(payload.get("action")))
    if trigger is None:
        return Ignored("action not handled")
    parsed = _parse(_PullRequestPayload, payload)
    pull = parsed.pull_request
    if pull.state == "closed":
        return Ignored("closed")
    repository = parsed.repository.full_name
    return Job(
        # One request for a head, however often the label is set.
        key=f"{repository}#{pull.number}@{pull.head.sha}{f'+{command}' if command else ''}",
        command=command,
        repository=repository,
        number=pull.number,
        trigger=trigger,
        delivery=delivery,
        head_sha=pull.head.sha,
        installation_id=parsed.installation.id if parsed.installation else None,
        actor=parsed.sender.login if parsed.sender else None,
        draft=pull.draft,
        updated_at=pull.updated_at,
    )


def _command_of_label(payload: dict[str, Any], commands: Sequence[CommandSyntax]) -> str | Ignored:
    """Return the name of the command that the label of a `labeled` event asks for."""
    label = payload.get("label")
    name = str(label.get("name")).lower() if isinstance(label, dict) else ""
    found = next((command.name for command in commands if command.label and command.label == name), None)
    return found or Ignored("label not handled")


def _decide_issue_comment(payload: dict[str, Any], delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    if payload.get("action") != "created":
        return Ignored("action not handled")
    parsed = _parse(_IssueCommentPayload, payload)
    issue, comment = parsed.issue, parsed.comment
    if issue.pull_request is None:
        return Ignored("not a pull request")
    # Our own comments arrive here too: answering them would never end.
    if "Bot" in {account.type for account in (parsed.sender, comment.user) if account}:
        return Ignored("bot")
    request = parse_command(comment.body or "", commands)
    if isinstance(request, NoCommand):
        return Ignored(request.reason)
    if issue.state == "closed":
        return Ignored("closed")
    repository = parsed.repository.full_name
    return Job(
        key=f"{repository}#{issue.number}@head+{comment.id}",
        repository=repository,
        number=issue.number,
        trigger=Trigger.COMMAND,
        delivery=delivery,
        installation_id=parsed.installation.id if parsed.installation else None,
        command=request.command,
        argument=request.argument,
        comment_id=comment.id,
        actor=parsed.sender.login if parsed.sender else None,
    )


def _parse(model: type[_Model], payload: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise MalformedDelivery(f"`{field}`: {first['msg']}") from None
