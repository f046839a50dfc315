"""Recognise a reply that rejects a finding, such as "won't fix" or "false positive", and whose word counts.

Promises: only people with write access dismiss a finding. GitHub is asked for the permission of each person once, and
for at most `MAX_ASKED` people; the word of the others does not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import IntEnum

from webhooks.github.errors import Forbidden

#: Words by which people reject a finding.
_REFUSALS = (
    "won't fix", "wont fix", "wontfix", "will not fix", "not a bug", "not a defect", "not an issue", "not a problem",
    "false positive", "false alarm", "intended", "intentional", "by design", "on purpose", "/dismiss",
)  # fmt: skip
_NEGATED = re.compile(r"(?:\bnot|n't|\bun|\bnever)[ ]{0,3}(?:really |even |a )?$")
_MOST_CHARACTERS = 400


def is_dismissal(reply: str) -> bool:
    """Whether a person's reply rejects the finding: a short statement, not a question; quoted lines do not count."""
    lines = [line for line in reply.replace("\u2019", "'").lower().splitlines() if not line.lstrip().startswith(">")]
    text = " ".join(" ".join(lines).split())
    if not text or len(text) > _MOST_CHARACTERS or "?" in text:
        return False
    return any(_states(text, words) for words in _REFUSALS)


def _states(text: str, words: str) -> bool:
    """Whether the text contains the words as whole words, without a negation before them."""
    at = text.find(words)
    while at >= 0:
        before, after = text[max(0, at - 12) : at], text[at + len(words) : at + len(words) + 1]
        if not (before[-1:].isalnum() or after.isalnum() or _NEGATED.search(before)):
            return True
        at = text.find(words, at + 1)
    return False


#: The collaborator permissions of people with write access: `maintain` counts as `write`, `triage` as `read`.
_WRITERS = frozenset({"admin", "write"})

#: People whose permission is asked for in one run: strangers could otherwise make us spend all our requests.
MAX_ASKED = 50


class Say(IntEnum):
    """How much somebody's dismissal of a finding counts: not at all, for the comment only, or also for the check."""

    NOTHING = 0
    SILENCES = 1
    DISMISSES = 2


class Voices:
    """Says how much each person's word counts on one pull request.

    `permission` returns a person's permission by GitHub, never what the person's comments say of it.
    """

    def __init__(self, permission: Callable[[str], str], author: str, *, author_may_dismiss: bool) -> None:
        """Store the function, who opened the pull request, and the repository's setting. Makes no request."""
        self._permission = permission
        self._author = author.lower()
        self._author_say = Say.DISMISSES if author_may_dismiss else Say.SILENCES
        self._known: dict[str, Say] = {}
        self._asked = 0

    def of(self, login: str) -> Say:
        """Return how much the person's word counts."""
        who = login.lower()
        if who not in self._known:
            self._known[who] = self._find(who)
        return self._known[who]

    def strongest(self, logins: Iterable[str]) -> Say:
        """Return how much the word of these people counts together; asks about nobody after the first writer."""
        best = Say.NOTHING
        for login in logins:
            best = max(best, self.of(login))
            if best is Say.DISMISSES:
                break
        return best

    def _find(self, who: str) -> Say:
        # `ghost` stands for every deleted account.
        if who.endswith("[bot]") or who == "ghost":
            return Say.NOTHING
        is_author = who == self._author
        if is_author and self._author_say is Say.DISMISSES:
            return Say.DISMISSES
        if not is_author:
            if self._asked >= MAX_ASKED:
                return Say.NOTHING
            self._asked += 1
        try:
            writes = self._permission(who) in _WRITERS
        except Forbidden:  # a person whose permission is unknown cannot dismiss
            writes = False
        if writes:
            return Say.DISMISSES
        return self._author_say if is_author else Say.NOTHING
