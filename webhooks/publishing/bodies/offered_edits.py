"""Offer edits that were proven: as a comment on their lines, which a click applies, else as a diff in the reply.

Promises: an edit that already stands on its lines as a suggestion of ours is not posted again. Where GitHub takes no
comment (lines that the pull request does not show, a locked conversation, a newer head), the reply holds the diff.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from reviewer.safety.code_blocks import code_span, fence, suggestion_block, suggestion_in
from reviewer.safety.invisible import show_invisible
from reviewer.safety.markdown import neutralise
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import shorten
from reviewer.tasks.explain_checks import ProvenEdit, UnprovenEdit
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.github.types import Comment, Pull
from webhooks.publishing.markers.replies import marker_of_edit
from webhooks.publishing.text import MAX_BODY, fence_within

log = logging.getLogger(__name__)

#: Characters of a reason, of a path, and of code in the reply.
_MAX_WHY, _MAX_PATH, _MAX_CODE = 500, 300, 6_000

_CHECKED = "It applies and parses. It was not run: the checks tell whether it is enough."


def offer_edits(repository: Repository, pull: Pull, edits: Sequence[ProvenEdit | UnprovenEdit]) -> list[str]:
    """Post what a click can apply, and return what the reply says of each edit."""
    offering = _Offering(repository, pull)
    return [offering.offer(edit) if isinstance(edit, ProvenEdit) else _possible(edit) for edit in edits]


class _Offering:
    """Posts edits on one head. What stands there, and whether the head is still the newest, is read when needed."""

    def __init__(self, repository: Repository, pull: Pull) -> None:
        self._repository = repository
        self._pull = pull
        self._posted: list[Comment] | None = None
        self._is_newest = True

    def offer(self, edit: ProvenEdit) -> str:
        """Return what the reply says of the edit."""
        place = code_span(f"{shorten(edit.path, _MAX_PATH)}:{_lines(edit)}")
        if edit.anchor is None:
            return _as_diff(edit, f"**Suggested** for {place}, which no click applies: it is not part of the diff.")
        if url := self._address(edit):
            return f"**Suggested** at [{place}]({url}), where a click applies it. {_CHECKED}"
        why = "GitHub takes no comment there" if self._is_newest else "a newer push came meanwhile"
        return _as_diff(edit, f"**Suggested** for {place}, which no click applies: {why}.")

    def _address(self, edit: ProvenEdit) -> str:
        """Return the address of the comment that suggests the edit, which is posted if need be; empty without one."""
        if url := self._standing(edit):
            return url
        if not self._is_newest:
            return ""
        body = _comment(edit, self._pull.head_sha)
        if len(body["body"]) > MAX_BODY:
            return ""
        try:
            return self._repository.create_review_comment(self._pull.number, body)
        except (Forbidden, NotFound, Unprocessable) as error:
            log.info("suggestion not posted", extra={"repository": self._repository.name, "why": str(error)})
            return ""

    def _standing(self, edit: ProvenEdit) -> str:
        repository, number = self._repository, self._pull.number
        if self._posted is None:
            self._is_newest = repository.pull(number).head_sha == self._pull.head_sha
            every = [each for each in repository.review_comments(number) if suggestion_in(each.body) is not None]
            login = repository.identity(number).lower() if every else ""
            self._posted = [each for each in every if each.author.lower() == login]
        for each in self._posted:
            on_lines = each.path == edit.path and each.lines_now == (edit.first, edit.last)
            if on_lines and _same(suggestion_in(each.body) or "", edit.after):
                return each.url
        return ""


def _same(posted: str, text: str) -> bool:
    return posted.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n")


def _comment(edit: ProvenEdit, head: str) -> dict[str, Any]:
    """Return the comment: https://docs.github.com/rest/pulls/comments#create-a-review-comment-for-a-pull-request ."""
    assert edit.anchor is not None, "GitHub takes a comment there"
    anchor = edit.anchor
    body: dict[str, Any] = {"commit_id": head, "path": anchor.path, "line": anchor.line, "side": anchor.side.value}
    if anchor.start_line is not None:
        body |= {"start_line": anchor.start_line, "start_side": anchor.side.value}
    why = neutralise(edit.why, limit=_MAX_WHY)
    parts = [f"For the checks that failed at {head[:7]} (`/ci`){f': {why}' if why else '.'}"]
    return body | {"body": "\n\n".join([*parts, suggestion_block(edit.after), _CHECKED, marker_of_edit()])}


def _as_diff(edit: ProvenEdit, first: str) -> str:
    """Return the edit as a diff in a fence, without secrets."""
    rows = [f"-{row}" for row in edit.before.split("\n")]
    rows += [f"+{row}" for row in edit.after.split("\n")] if edit.after else []
    text = redact(show_invisible("\n".join(row.removesuffix("\r") for row in rows)))[0]
    why = neutralise(edit.why, limit=_MAX_WHY)
    block = fence(text, "diff") if len(text) < _MAX_CODE else fence_within(text, _MAX_CODE)
    return "\n\n".join([f"{first} {why} {_CHECKED}" if why else f"{first} {_CHECKED}", block])


def _possible(edit: UnprovenEdit) -> str:
    place = code_span(shorten(edit.path, _MAX_PATH))
    reason = neutralise(redact(edit.reason)[0], limit=_MAX_WHY)
    first = f"Possible change of {place}, which may not apply as it is ({reason}):"
    return f"{first}\n\n{fence_within(redact(edit.after)[0], _MAX_CODE)}"


def _lines(edit: ProvenEdit) -> str:
    return f"{edit.first}-{edit.last}" if edit.first < edit.last else f"{edit.last}"
