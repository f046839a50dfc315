"""Make text fit to stand in a prompt: valid Unicode, no invisible characters."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    r"""Return the text as it may stand in a prompt: one line of valid Unicode.

    The `\r` of a CRLF line is left out. Other control and format characters, which no reader sees and which MiniMax
    refuses in numbers (error 1042), are written out as `<U+202E>`: an invisible character in code is worth a finding.
    """
    text = text.removesuffix("\r")
    if text.isascii() and text.replace("\t", "").isprintable():
        return text
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if _is_visible(char) else f"<U+{ord(char):04X}>" for char in text)


def _is_visible(char: str) -> bool:
    return char == "\t" or char.isprintable() or unicodedata.category(char) == "Zs"
