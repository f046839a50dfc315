"""Take the API key out of what the service says, also where it repeats only parts of it or encodes them. Pure."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

#: Stands where the key, or a part of it, was.
HIDDEN = "***"

#: So many characters of the key in a row are no chance. Services mask all but fewer than that.
_PART = 8

#: A word that may be a key with masks in it, as services show it: `sk-ab***yz`, `...wxyz`; and what masks it.
_MASKED = re.compile(r"[\w*.•…-]{4,400}+")
_MASK = re.compile(r"[*•…]+|\.{2,}")


def without_key(text: str, key: str) -> str:
    """Return the text without the key: whole, in parts of eight characters or more, masked, or encoded."""
    for form in dict.fromkeys((key, quote(key, safe=""), key[::-1], key.encode().hex(), *_in_base64(key))):
        text = _without_parts(text, form, _PART if form == key else _PART * 2)
    return _MASKED.sub(lambda match: HIDDEN if _is_masked(match[0], key) else match[0], text)


def _is_masked(word: str, key: str) -> bool:
    """Whether the word is the key with masks in it: its parts stand in the key in that order, from one of its ends."""
    parts = _MASK.split(word)
    shown = [part for part in parts if part]
    if len(parts) < 2 or sum(map(len, shown)) < 4 or not (key.startswith(shown[0]) or key.endswith(shown[-1])):
        return False
    at = 0
    for part in shown:
        at = key.find(part, at) + len(part)
        if at < len(part):
            return False
    return True


def _in_base64(key: str) -> list[str]:
    """Return what every base64 of a text with the key in it holds, at each of the three alignments."""
    forms = []
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + key.encode()).decode()
        # The first and last characters also depend on what stands beside the key.
        forms += [whole[(shift * 8 + 5) // 6 : len(key) * 8 // 6]]
    return [*forms, *(form.translate(str.maketrans("+/", "-_")) for form in forms)]


def _without_parts(text: str, form: str, least: int) -> str:
    """Return the text with every run of `least` characters or more that stands in the form replaced."""
    if len(form) < least:
        return text.replace(form, HIDDEN) if form else text
    parts = {form[at : at + least].lower() for at in range(len(form) - least + 1)}
    low = text.lower()
    pieces, done, at = [], 0, 0
    while at <= len(low) - least:
        if low[at : at + least] not in parts:
            at += 1
            continue
        end = at + least
        while end < len(low) and low[end - least + 1 : end + 1] in parts:
            end += 1
        pieces += [text[done:at], HIDDEN]
        done = at = end
    return "".join([*pieces, text[done:]])
