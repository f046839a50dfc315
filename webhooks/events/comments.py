"""Turn the delivery of a comment into a job: its commands, an answer in a thread, or a mention. Pure.

Promises: no bot's comment asks for anything, and none of our own; an edit asks only for the commands that it added, and
only where the author made it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from reviewer.safety.code_blocks import MARKER_PREFIX
from webhooks.events.commands import (
    LONGEST_TEXT,
    CommandRequest,
    CommandSyntax,
    NoCommand,
    added_commands,
    commands_of_mention,
    mentions,
    parse_commands,
)
from webhooks.events.job import Job, Trigger
from webhooks.events.payloads import InlineCommentPayload, IssueCommentPayload

#: How a command begins, also from a keyboard for Chinese or Japanese.
_SLASHES = ("/", "\uff0f")

_Payload = IssueCommentPayload | InlineCommentPayload


def job_of_comment(parsed: IssueCommentPayload, delivery: str, commands: Sequence[CommandSyntax]) -> Job | str:
    """Return what a comment in the conversation asks for, or a word or two why nothing."""
    if parsed.issue.pull_request is None:
        return "not a pull request"
    return _job(parsed, parsed.issue.number, None, delivery, commands)


def job_of_inline_comment(parsed: InlineCommentPayload, delivery: str, commands: Sequence[CommandSyntax]) -> Job | str:
    """Return what a comment in a review thread asks for, or a word or two why nothing."""
    thread = parsed.comment.in_reply_to_id or parsed.comment.id
    return _job(parsed, parsed.pull_request.number, thread, delivery, commands)


def _job(
    parsed: _Payload, number: int, thread: int | None, delivery: str, commands: Sequence[CommandSyntax]
) -> Job | str:
    comment, body = parsed.comment, parsed.comment.body or ""
    if reason := _why_ignored(parsed):
        return reason
    requests = _requests(parsed, commands)
    if isinstance(requests, NoCommand):
        other = _other_requests(parsed, commands)
        if other is None:
            return requests.reason
        trigger, requests, names = other
    else:
        trigger, names = Trigger.COMMAND, ()
    repository = parsed.repository.full_name
    suffix = f"{comment.id}"
    if parsed.action == "edited":
        suffix += f"-{hashlib.sha256(body.encode('utf-8', 'replace')).hexdigest()[:8]}"
    first, *more = requests
    return Job(
        key=f"{repository}#{number}@head+{suffix}",
        repository=repository,
        number=number,
        trigger=trigger,
        delivery=delivery,
        installation_id=parsed.installation.id if parsed.installation else None,
        command=first.command,
        argument=first.argument,
        mistake=first.mistake,
        more=tuple(more),
        comment_id=comment.id,
        actor=parsed.sender.login if parsed.sender else None,
        actor_id=parsed.sender.id if parsed.sender else None,
        thread=thread,
        mentions=names,
    )


def _why_ignored(parsed: _Payload) -> str:
    """Return why the comment asks for nothing, whatever it says; empty where it may."""
    comment, sender = parsed.comment, parsed.sender
    # Our own comments arrive here too, with a personal token under a person's name: answering them would never end.
    if "Bot" in {account.type for account in (sender, comment.user) if account}:
        return "bot"
    body = comment.body or ""
    if body.startswith(MARKER_PREFIX) or body.rstrip().rpartition("\n")[2].startswith(MARKER_PREFIX):
        return "our own comment"
    if parsed.action != "edited":
        return ""
    if sender is None or comment.user is None:
        return "edited by somebody else"
    by_id = sender.id is not None and comment.user.id is not None
    same = sender.id == comment.user.id if by_id else sender.login.lower() == comment.user.login.lower()
    return "" if same else "edited by somebody else"


def _requests(parsed: _Payload, commands: Sequence[CommandSyntax]) -> tuple[CommandRequest, ...] | NoCommand:
    body = parsed.comment.body or ""
    if parsed.action != "edited":
        return parse_commands(body, commands)
    if parsed.changes is None or parsed.changes.body is None:
        return NoCommand("text not changed")
    return added_commands(parsed.changes.body.text, body, commands)


def _other_requests(
    parsed: _Payload, commands: Sequence[CommandSyntax]
) -> tuple[Trigger, tuple[CommandRequest, ...], tuple[str, ...]] | None:
    """Return what a new comment without a command may ask for: a mention, or an answer in a thread."""
    if parsed.action == "edited":
        return None
    body = parsed.comment.body or ""
    names, text = mentions(body)
    is_reply = isinstance(parsed, InlineCommentPayload) and parsed.comment.in_reply_to_id is not None
    if is_reply and text and not (names and text.startswith(_SLASHES)):
        # Whether it is our thread is known later; a mention in it is answered as the reply that it is.
        return Trigger.REPLY, (CommandRequest("reply", body[:LONGEST_TEXT]),), names
    if names:
        asked = CommandRequest("ask" if text else "help", text)
        return Trigger.MENTION, commands_of_mention(text, commands) or (asked,), names
    return None
