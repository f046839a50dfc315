"""Parse the model's reply of the task `reply`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reviewer.safety.redaction import redact
from reviewer.tasks.conversation.answer_fields import replacement
from reviewer.tasks.conversation.json_replies import Unreadable, objects_in
from reviewer.tasks.conversation.markdown_fences import without_markdown_block


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """A readable answer: Markdown, whether the finding is withdrawn, and a replacement that is not proven yet."""

    answer: str
    withdrawn: bool
    suggestion: str | None


_WITHDRAWN = frozenset({"withdrawn", "withdraw", "refuted"})


def read_thread_reply(text: str, *, complete: bool) -> ThreadReply:
    """Return the answer without secrets. Raises Unreadable where it is none.

    In doubt the finding stands: where a reply holds several answers, only if all of them withdraw it, it does not.
    """
    found = [value for value in objects_in(text, complete=complete) if "answer" in value]
    if not found:
        raise Unreadable('it must be one JSON object with the keys "answer" (a string), "verdict" and "suggestion".')
    replies = [_reply_of(value) for value in found]
    return replace(replies[-1], withdrawn=all(reply.withdrawn for reply in replies))


def _reply_of(value: Mapping[Any, Any]) -> ThreadReply:
    answer = value.get("answer")
    if isinstance(answer, list) and all(isinstance(line, str) for line in answer):
        answer = "\n".join(answer)
    if not isinstance(answer, str) or not answer.strip():
        raise Unreadable('"answer" must be a text that is not empty.')
    suggestion, verdict = replacement(value.get("suggestion")), value.get("verdict")
    return ThreadReply(
        redact(without_markdown_block(answer.strip()))[0],
        isinstance(verdict, str) and verdict.strip().lower() in _WITHDRAWN,
        suggestion if isinstance(suggestion, str) else None,
    )
