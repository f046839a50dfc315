"""Characters that nobody sees: control, direction and zero-width characters, lone surrogates."""

from __future__ import annotations

import re

#: Control, direction and invisible characters, lone surrogates. Tab and newline are text.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: Surrogates that stand for no byte: a model's JSON may hold half a pair.
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
#: Bytes that are no UTF-8, as surrogates: the text is in another encoding.
_BYTE = re.compile("[\udc80-\udcff]")
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe0e\ufe0f"


def valid_unicode(text: str) -> str:
    """Return the text as UTF-8 can hold it: bytes that were read as surrogates are decoded, what is left is U+FFFD."""
    return _HALF.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def holds_bytes(text: str) -> bool:
    """Whether the text holds bytes that are no UTF-8: a file in Latin-1, GBK or Shift JIS does."""
    return _BYTE.search(text) is not None


def show_invisible(text: str) -> str:
    r"""Return the text with control, direction and invisible characters written out, `{U+202E}`; tab and `\n` stay.

    What joins letters of other scripts and emoji stays behind a character that is not ASCII.
    The result can be shown in a terminal and encoded as UTF-8.
    """

    def shown(match: re.Match[str]) -> str:
        char, at = match[0], match.start()
        before = text[at - 1] if at else ""
        joins = (char in _SELECTORS and before > "\u2000" and before not in _SELECTORS) or (
            char in _JOINERS and not before.isascii() and before not in _JOINERS
        )
        return char if joins else f"{{U+{ord(char):04X}}}"

    return INVISIBLE.sub(shown, text)
