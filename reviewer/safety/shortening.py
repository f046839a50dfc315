"""Shorten text that is too long for a prompt or a comment, with a visible mark."""

from __future__ import annotations

import re

#: Stands where the rest of a text was left out.
CUT = "[cut]"


def shorten_words(text: str, most: int) -> str:
    """Return at most `most` characters of a text, cut between two lines or words, with a mark where it is longer.

    For text that was made safe already: nothing that stands for a secret or an invisible character is cut in two.
    """
    if len(text) <= most:
        return text
    room = max(0, most - len(CUT) - 1)
    kept = _before_mark(text[:room])
    if len(kept) == room > 0 and not text[room].isspace():
        border = max(kept.rfind("\n"), kept.rfind(" "))
        kept = _before_mark(kept[:border]) if border >= room - _WORD else kept
    return f"{kept.rstrip()} {CUT}".lstrip()[:most]


#: A word or a mark of ours is not longer.
_WORD = 60

#: The beginning of `{U+202E}` or of `[redacted: token]`.
_BEGUN = re.compile(r"\{(?:U(?:\+[0-9A-F]{0,6})?)?\Z|\[(?:r(?:e(?:d(?:a(?:c[a-z: 0-9.-]*)?)?)?)?)?\Z")


def _before_mark(text: str) -> str:
    """Return the text without the beginning of a mark such as `{U+202E}` or `[redacted: token]` at its end."""
    start = max(0, len(text) - _WORD)
    for opening, closing in (("{", "}"), ("[", "]")):
        opened = text.rfind(opening, start)
        if opened >= 0 and closing not in text[opened:] and _BEGUN.match(text, opened):
            return text[:opened]
    return text


def shorten(text: str, most: int) -> str:
    """Return the text, cut after `most` characters and marked where it is longer."""
    return text if len(text) <= most else f"{text[:most].rstrip()} {CUT}"
