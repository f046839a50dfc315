"""Recognise a reply that rejects a finding, such as "won't fix" or "false positive". Pure."""

from __future__ import annotations

import re

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
