"""Mark untrusted text as data in a prompt: one fence for each source, and no line that can be read as ours.

A fence is two lines, `<WORD SOURCE>` and `</WORD>`. The word belongs to one job and is not known to whoever
wrote the text. Words of that form are taken out of all data and of everything that the model says. Pure.
"""

from __future__ import annotations

import html
import re
from typing import Any

from reviewer.safety.invisible import INVISIBLE

#: What stands where a word like ours was: not nothing, so that what is around it cannot become such a word.
FENCE_MARK = "[fence]"

#: The form of every fence's word, ours and those of earlier jobs.
_WORD = re.compile(r"data-[0-9a-f]{16}", re.IGNORECASE)


def fence_word(digest: str) -> str:
    """Return the word of a job's fences; `digest` is at least 16 hex digits that nobody can guess."""
    return f"data-{digest[:16]}"


def fenced_rows(text: str, word: str, source: str) -> str:
    """Return rows of code between the fences of their source: each row begins with numbers or a mark of ours."""
    return f"<{word} {source}>\n{text}\n</{word}>"


def fenced_text(text: str, word: str, source: str) -> str:
    """Return any text between the fences of its source, with `| ` before each line: none can be read as ours."""
    return fenced_rows(quoted(text), word, source)


def quoted(text: str) -> str:
    """Return the text with `| ` before each line."""
    return "\n".join(f"| {line}".rstrip(" ") for line in text.split("\n"))


def without_words(text: str) -> str:
    """Return data without words that look like a fence's."""
    return _WORD.sub(FENCE_MARK, text) if "ata-" in text.lower() else text


def without_fence(text: str) -> str:
    """Return what the model said without the fence, also where invisible characters or entities hide it."""
    bare = INVISIBLE.sub("", html.unescape(text) if "&" in text else text)
    if _WORD.search(bare) is None:
        return text
    plain = _WORD.sub(FENCE_MARK, text)
    hidden = INVISIBLE.sub("", html.unescape(plain))
    return _WORD.sub(FENCE_MARK, hidden) if _WORD.search(hidden) else plain


def without_fences(value: Any) -> Any:
    """Return a JSON value whose texts, keys included, are without the fence."""
    if isinstance(value, str):
        return without_fence(value)
    if isinstance(value, list):
        return [without_fences(item) for item in value]
    if isinstance(value, dict):
        return {without_fences(key): without_fences(item) for key, item in value.items()}
    return value
