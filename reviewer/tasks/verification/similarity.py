"""Compare texts by the words they share. Pure."""

from __future__ import annotations

import re

#: Two titles about changed or moved code say the same if they share at least this part of their words.
_SAME_TITLE = 0.5

_FILLER_WORDS = """
    the and for with that this from into not but are was when then than where which will would can its has have does any
    all one other instead because there here while after before only also code line lines value values
"""
_FILLERS = frozenset(_FILLER_WORDS.split())


def similar_titles(title: str, other: str) -> bool:
    """Whether two titles say the same in other words: most of their words are common."""
    return similar_words(telling_words(title), telling_words(other))


def similar_words(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether two titles with these telling words say the same."""
    return len(a & b) >= _SAME_TITLE * len(a | b) if a and b else False


def share_of_common(a: frozenset[str], b: frozenset[str]) -> float:
    """Return the number of common words as a share of the smaller set."""
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def telling_words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, without grammatical endings."""
    found = (word for word in re.findall(r"\w+", text.lower()) if len(word) > 2 and word not in _FILLERS)
    return frozenset(re.sub(r"(?:ing|ed|es|s)$", "", word) if len(word) > 4 else word for word in found)
