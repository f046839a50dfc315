"""Turn a webhook delivery into a job, or into the reason to ignore it. Pure.

Promises: reads only the fields that it uses, so that GitHub may add others; a payload that lacks a field is a
MalformedDelivery. Never fetches: what the payload does not contain (the head sha of a comment's pull request, the
repository's settings, the rights of the actor) is left to the job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from webhooks.events.commands import CommandSyntax
from webhooks.events.comments import job_of_comment, job_of_inline_comment
from webhooks.events.job import JOB_VERSION, Job, Trigger, UnknownJobVersion
from webhooks.events.payloads import (
    CheckRunPayload,
    CheckSuitePayload,
    InlineCommentPayload,
    IssueCommentPayload,
    MalformedDelivery,
    MergeGroupPayload,
    Payload,
    PullRequestPayload,
    parse,
)

__all__ = [
    "CHECK_NAME",
    "JOB_VERSION",
    "Ignored",
    "Job",
    "MalformedDelivery",
    "Trigger",
    "UnknownJobVersion",
    "decide",
    "is_handled",
    "may_be_handled",
    "pull_number",
]

#: The name of our check run, whose external id is the key of the job.
CHECK_NAME = "reviewer"


#: The buttons of our check runs: the identifier of each is the command it gives. GitHub takes three.
BUTTONS = {"review": ("Review again", "Review everything once more"),
           "resolve": ("Resolve fixed", "Close the threads of what is fixed")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that asks for nothing; `reason` is a word or two for the log and the response."""

    reason: str


_PULL_TRIGGERS = {
    "opened": Trigger.OPENED,
    "synchronize": Trigger.SYNCHRONIZE,
    "reopened": Trigger.REOPENED,
    "ready_for_review": Trigger.READY_FOR_REVIEW,
}

_Decide = Callable[[dict[str, Any], str, Sequence[CommandSyntax]], Job | Ignored]


def is_handled(event: str, action: str) -> bool:
    """Whether a delivery of that event and action can ask for something."""
    return action in _HANDLED.get(event, ())


def may_be_handled(event: str, action: str) -> bool:
    """Whether it depends on the payload: an edit counts where it changed the base branch."""
    return (event, action) == ("pull_request", "edited")


def decide(event: str, payload: object, delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    """Return what the delivery asks for.

    `event` is `X-GitHub-Event`, `payload` the parsed JSON, `delivery` the GUID; `commands` are those there are. Raises
    MalformedDelivery when a payload of an event that we handle lacks what is needed. Other events and actions are
    ignored whatever they look like: GitHub adds new ones without notice.
    """
    if event == "ping":
        return Ignored("ping")
    if event not in _DECIDE:
        return Ignored("event not handled")
    if not isinstance(payload, dict):
        raise MalformedDelivery(f"the payload of `{event}` must be a JSON object")
    action = str(payload.get("action"))
    if not is_handled(event, action) and not may_be_handled(event, action):
        return Ignored("action not handled")
    return _DECIDE[event](payload, delivery, commands)


def _decide_pull_request(payload: dict[str, Any], delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    action = payload["action"]
    if action == "edited":
        return _decide_edited(payload, delivery)
    command = _command_of_label(payload, commands) if action == "labeled" else None
    if isinstance(command, Ignored):
        return command
    parsed = parse(PullRequestPayload, payload)
    # One request for a head, however often the label is set.
    trigger, suffix = (Trigger.COMMAND, f"+{command}") if command else (_PULL_TRIGGERS[action], "")
    return _pull_job(parsed, delivery, trigger, suffix, command)


def _decide_edited(payload: dict[str, Any], delivery: str) -> Job | Ignored:
    """Title and text are not reviewed by themselves; a new base makes another diff of the same head."""
    changes = payload.get("changes")
    if not isinstance(changes, dict) or not changes.get("base"):
        return Ignored("base not changed")
    parsed = parse(PullRequestPayload, payload)
    base = parsed.pull_request.base
    return _pull_job(parsed, delivery, Trigger.RETARGETED, f"+base-{(base.sha or 'new') if base else 'new'}")


def _pull_job(
    parsed: PullRequestPayload, delivery: str, trigger: Trigger, suffix: str, command: str | None = None
) -> Job | Ignored:
    pull = parsed.pull_request
    if pull.state == "closed":
        return Ignored("closed")
    repository = parsed.repository.full_name
    return Job(
        key=f"{repository}#{pull.number}@{pull.head.sha}{suffix}",
        command=command,
        repository=repository,
        number=pull.number,
        trigger=trigger,
        delivery=delivery,
        head_sha=pull.head.sha,
        installation_id=_installation(parsed),
        actor=parsed.sender.login if parsed.sender else None,
        draft=pull.draft,
        updated_at=pull.updated_at,
        base_ref=pull.base.ref if pull.base else "",
    )


def _installation(parsed: Payload) -> int | None:
    return parsed.installation.id if parsed.installation else None


def _command_of_label(payload: dict[str, Any], commands: Sequence[CommandSyntax]) -> str | Ignored:
    """Return the name of the command that the label of a `labeled` event asks for."""
    label = payload.get("label")
    name = str(label.get("name")).lower() if isinstance(label, dict) else ""
    found = next((command.name for command in commands if command.label and command.label == name), None)
    return found or Ignored("label not handled")


def _decide_issue_comment(payload: dict[str, Any], delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    decision = job_of_comment(parse(IssueCommentPayload, payload), delivery, commands)
    return Ignored(decision) if isinstance(decision, str) else decision


def _decide_inline_comment(payload: dict[str, Any], delivery: str, commands: Sequence[CommandSyntax]) -> Job | Ignored:
    decision = job_of_inline_comment(parse(InlineCommentPayload, payload), delivery, commands)
    return Ignored(decision) if isinstance(decision, str) else decision


# ----------------------------------------------------------------------- check runs and merge queues

#: The external id of a check run of ours, which is the key of its job; the repository may have had another name then.
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}(?:#([0-9]{1,10}))?@\S{1,200}")


def pull_number(external_id: str) -> int | None:
    """Return the number of the pull request that a check run with that external id is about.

    0: it is about the head of a merge group. None: it is not ours.
    """
    match = _EXTERNAL_ID.fullmatch(external_id)
    return int(match[1] or 0) if match else None


def _decide_check_run(payload: dict[str, Any], delivery: str, _: Sequence[CommandSyntax]) -> Job | Ignored:
    parsed = parse(CheckRunPayload, payload)
    number = pull_number(parsed.check_run.external_id or "")
    if number is None:
        return Ignored("not our check run")
    command = "review"
    if parsed.action == "requested_action":
        command = parsed.requested_action.identifier if parsed.requested_action else ""
        if command not in BUTTONS:
            return Ignored("button not known")
    return _rerun(parsed, delivery, number, check_run_id=parsed.check_run.id, command=command)


def _decide_check_suite(payload: dict[str, Any], delivery: str, _: Sequence[CommandSyntax]) -> Job | Ignored:
    """Return the job; where GitHub does not list just one pull request, it is found by the runs of the commit."""
    parsed = parse(CheckSuitePayload, payload)
    listed = parsed.check_suite.pull_requests
    number = listed[0].number if len(listed) == 1 else 0
    return _rerun(parsed, delivery, number, head_sha=parsed.check_suite.head_sha)


def _rerun(
    parsed: Payload,
    delivery: str,
    number: int,
    *,
    head_sha: str | None = None,
    check_run_id: int | None = None,
    command: str = "review",
) -> Job | Ignored:
    """Return the job of somebody who pressed "Re-run" or a button; GitHub lets people with write access do that."""
    if parsed.sender is not None and parsed.sender.type == "Bot":
        return Ignored("bot")
    repository = parsed.repository.full_name
    return Job(
        key=f"{repository}#{number}@head+rerun-{delivery}",
        repository=repository,
        number=number,
        trigger=Trigger.RERUN,
        delivery=delivery,
        head_sha=head_sha,
        installation_id=_installation(parsed),
        command=command,
        argument="full" if command == "review" else "",
        actor=parsed.sender.login if parsed.sender else None,
        check_run_id=check_run_id,
    )


def _decide_merge_group(payload: dict[str, Any], delivery: str, _: Sequence[CommandSyntax]) -> Job | Ignored:
    parsed = parse(MergeGroupPayload, payload)
    repository, head_sha = parsed.repository.full_name, parsed.merge_group.head_sha
    return Job(
        key=f"{repository}@{head_sha}",
        repository=repository,
        number=0,
        trigger=Trigger.MERGE_GROUP,
        delivery=delivery,
        head_sha=head_sha,
        installation_id=_installation(parsed),
    )


_HANDLED = {
    "pull_request": frozenset({*_PULL_TRIGGERS, "labeled"}),
    "issue_comment": frozenset({"created", "edited"}),
    "pull_request_review_comment": frozenset({"created", "edited"}),
    "check_run": frozenset({"rerequested", "requested_action"}),
    "check_suite": frozenset({"rerequested"}),
    "merge_group": frozenset({"checks_requested"}),
}
_DECIDE: dict[str, _Decide] = {
    "pull_request": _decide_pull_request,
    "issue_comment": _decide_issue_comment,
    "pull_request_review_comment": _decide_inline_comment,
    "check_run": _decide_check_run,
    "check_suite": _decide_check_suite,
    "merge_group": _decide_merge_group,
}
