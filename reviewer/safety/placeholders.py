"""Recognise what prompts show instead of what is in a file: it must not be written into the file. Pure."""

from __future__ import annotations

import re
from collections import Counter

from reviewer.safety.fencing import FENCE_MARK
from reviewer.safety.prompt_text import BROKEN
from reviewer.safety.redaction import redact

#: What `redaction` writes, with the small changes that models make.
_REDACTED = re.compile(r"\[[ \t]?redacted[ \t]?:[^\]\n]{0,60}\]", re.IGNORECASE)
#: What models make of it. Code that hides a secret may write that too, so it counts only where a secret stood.
_LOOSE = re.compile(
    r"[\[<({*]{1,3}[ \t]?(?:redacted|masked|hidden|secret)\b|\bredacted[ :_-]|\*{3,}|x{6,}", re.IGNORECASE
)
_OTHERS = re.compile(rf"{re.escape(FENCE_MARK)}|<U\+[0-9A-F]{{4,6}}>|[<\[\]]{BROKEN}|\ufffd")


def has_placeholder(text: str) -> bool:
    """Whether the text holds a mark that stands for a secret or for something else that was not shown."""
    return _REDACTED.search(text) is not None or _OTHERS.search(text) is not None


def new_placeholder(new: str, old: str) -> bool:
    """Whether the new text holds a mark that the old one does not hold as often itself."""
    forms = (_REDACTED, _OTHERS, _LOOSE) if redact(old)[1] else (_REDACTED, _OTHERS)
    return any(Counter(form.findall(new)) - Counter(form.findall(old)) for form in forms)


def stands_for_secret(new: str, old: str) -> bool:
    """Whether a line of the new text has something else where the old one has a secret: the model never saw it.

    A line that no longer has what stood before the secret is another line: it may read the secret from elsewhere.
    """
    shown, count = redact(old)
    if not count:
        return False
    for line, clean in zip(old.split("\n"), shown.split("\n"), strict=True):
        before = clean.partition("[redacted: ")[0].strip()
        if line == clean or sum(char.isalnum() for char in before) < 2:
            continue
        if any(text.strip().startswith(before) and text.strip() != line.strip() for text in new.split("\n")):
            return True
    return False
