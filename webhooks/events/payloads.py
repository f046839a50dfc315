"""Parse the payloads of webhooks into values that have only the fields which are used. Pure.

Promises: GitHub may add fields; a payload that lacks a field, or has another kind of value there, is a
MalformedDelivery.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewer.errors import ReviewerError


class MalformedDelivery(ReviewerError):
    """The payload does not fit its event. The message names the field."""


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
    id: int | None = None
    login: str = ""
    type: str = "User"


class _Installation(_Part):
    id: _Number


class _Head(_Part):
    sha: _Sha


class _Base(_Part):
    ref: str = Field(default="", max_length=300)
    sha: str = Field(default="", pattern=r"^[0-9A-Za-z]{0,64}$")


class _Pull(_Part):
    number: _Number
    head: _Head
    base: _Base | None = None
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


class _InlineComment(_Comment):
    in_reply_to_id: _Number | None = None


class _Before(_Part):
    """What an edited text was; GitHub names it `from`."""

    text: str = Field(default="", alias="from")


class _Changes(_Part):
    body: _Before | None = None


class Payload(_Part):
    """What every event of a repository has."""

    action: str
    repository: _Repository
    installation: _Installation | None = None
    sender: _Account | None = None


class PullRequestPayload(Payload):
    """The event `pull_request`."""

    pull_request: _Pull


class IssueCommentPayload(Payload):
    """The event `issue_comment`."""

    issue: _Issue
    comment: _Comment
    changes: _Changes | None = None


class InlineCommentPayload(Payload):
    """The event `pull_request_review_comment`. Its pull request is abbreviated."""

    pull_request: _Pull
    comment: _InlineComment
    changes: _Changes | None = None


class _NamedPull(_Part):
    number: _Number


class _CheckRun(_Part):
    id: _Number
    external_id: str | None = None


class _RequestedAction(_Part):
    identifier: str = ""


class CheckRunPayload(Payload):
    """The event `check_run`."""

    check_run: _CheckRun
    requested_action: _RequestedAction | None = None


class _CheckSuite(_Part):
    head_sha: _Sha
    #: Those of forks are not listed.
    pull_requests: tuple[_NamedPull, ...] = ()


class CheckSuitePayload(Payload):
    """The event `check_suite`."""

    check_suite: _CheckSuite


class _MergeGroup(_Part):
    head_sha: _Sha


class MergeGroupPayload(Payload):
    """The event `merge_group`."""

    merge_group: _MergeGroup


_Model = TypeVar("_Model", bound=Payload)


def parse(model: type[_Model], payload: dict[str, Any]) -> _Model:
    """Return the payload as that model. Raises MalformedDelivery with the name of a field that does not fit."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise MalformedDelivery(f"`{field}`: {first['msg']}") from None
