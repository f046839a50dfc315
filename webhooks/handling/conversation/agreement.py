"""Tell a reply that only agrees from one that wants an answer. Pure, linear."""

from __future__ import annotations

import re

#: Words of which a reply that only agrees is made; more than agreement is one of them.
_AGREES_TEXT = (
    "absolutely acknowledged addressed ack agree agreed agrees argh cheers correct done fixed fixing good "
    "great indeed merci nice noted ok okay oops right sure ta thank thanks thx true will yep yes yikes yup "
    "danke gracias"
)
_AGREES = frozenset(_AGREES_TEXT.split())
_BESIDE_TEXT = (
    "a all and anyway be by catch change changed commit did do fix for get good here i i'll i'm ill im in is "
    "it it's its let let's lets me my next nice now of oh on one our patch point pr push pushed re should so "
    "spot spotted start that that's the then this to today tomorrow too up update updated very we we'll well "
    "with work you you're your later soon bot review found catching finding again make much"
)
_BESIDE = frozenset(_BESIDE_TEXT.split())
_WORD = re.compile(r"\b[0-9a-f]{7,40}\b|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\+1|:\+1:|\U0001f44d|[0-9a-f]{7,40}")

#: Words of a reply that may only agree.
_MOST_WORDS = 14


def only_agrees(reply: str) -> bool:
    """Whether a reply does nothing but agree, thank, or promise or report a fix: such as "Good catch, will fix"."""
    lines = [line for line in reply.split("\n") if not line.lstrip().startswith(">")]
    text = " ".join(lines).strip().lower().replace("\u2019", "'")
    if not text or len(text) > 200 or "?" in text or "\uff1f" in text or "`" in text:
        return False
    words = _WORD.findall(text)
    if not words or len(words) > _MOST_WORDS:
        return text in {"+1", "\U0001f44d", "\U0001f44c", "\u2705"}
    plain = [word for word in words if not re.fullmatch(r"[0-9a-f]{7,40}", word)]
    known = all(word in _AGREES or word in _BESIDE or word in ("+1", ":+1:", "\U0001f44d") for word in plain)
    return known and any(word in _AGREES or not word.isalpha() for word in plain)
