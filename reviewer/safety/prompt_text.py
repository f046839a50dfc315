"""Make text fit to stand in a prompt: valid Unicode, no invisible characters, no tokens of a chat, no secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from reviewer.safety.fencing import without_words
from reviewer.safety.invisible import INVISIBLE, valid_unicode
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import shorten

#: Stands behind the first character of a chat's control token, so that no tokenizer takes it for one.
BROKEN = "\u00b7"

_NOT_PLAIN = re.compile(r"[^\t -~]")

#: The first character of a token that ends a message, begins another or opens the model's reasoning.
_TOKEN = re.compile(
    r"[<\[\]](?=(?:(?<=<)[|\uff5c][^\s|\uff5c<>]{1,60}[|\uff5c]>"  # <|im_start|> and its like
    r"|(?<=\])~!?b[\[\]]|(?<=\[)e~\[|(?<=\])<\]|(?<=\[)>\["  # ]~b] ]~!b[ [e~[ ]<]minimax[>[
    r"|(?<=<)\s{0,3}/?\s{0,3}(?:(?:mm:)?think(?:ing)?|minimax:\w{1,40}|tool_calls?|(?:start|end)_of_turn)\b"
    r"|(?<=<)<\s?/?SYS>>|(?<=\[)/?INST\]))",
    re.IGNORECASE,
)


def printable(text: str) -> str:
    r"""Return the text as it may stand in a prompt: one line of valid Unicode.

    The `\r` of a CRLF line is left out. Other control and format characters, which no reader sees and which MiniMax
    refuses in numbers (error 1042), are written out as `<U+202E>`: an invisible character in code is worth a finding.
    A chat's control tokens stay readable but are none any more: `<·|im_start|>`. Doing it twice changes nothing.
    """
    text = text.removesuffix("\r")
    if not (text.isprintable() or text.replace("\t", "").isprintable()):
        text = _NOT_PLAIN.sub(_written_out, valid_unicode(text))
    return without_words(without_tokens(text))


def _written_out(match: re.Match[str]) -> str:
    char = match[0]
    return char if char.isprintable() or unicodedata.category(char) == "Zs" else f"<U+{ord(char):04X}>"


def without_tokens(text: str) -> str:
    """Return the text with every control token of a chat broken."""
    return _TOKEN.sub(lambda match: match[0] + BROKEN, text) if "<" in text or "[" in text or "]" in text else text


def printable_code(text: str) -> str:
    r"""Return lines of code as they may stand in a prompt, without secrets; the number of lines stays."""
    lines = text.split("\n")
    shown = list(map(printable, lines))
    clean = redact("\n".join(shown))[0]
    if INVISIBLE.search(text) is None:
        return clean
    rows = clean.split("\n")
    for number, (line, row) in enumerate(zip(lines, shown, strict=True)):
        # A secret with an invisible character inside is one all the same.
        if line not in (row, f"{row}\r"):
            hidden, count = redact(INVISIBLE.sub("", line.removesuffix("\r")))
            rows[number] = printable(hidden) if count else rows[number]
    return "\n".join(rows)


def printable_lines(numbers: Sequence[int], text: Sequence[str]) -> list[str]:
    """Return those lines (from 1) of a text as they may stand in a prompt.

    Where the text may hold a private key all of it is looked at: its short lines are known by those above them.
    """
    if not numbers:
        return []
    if any("PRIVATE KEY" in line or "Private-Lines" in line for line in text):
        clean = printable_code("\n".join(text)).split("\n")
        return [clean[number - 1] for number in numbers]
    return printable_code("\n".join(text[number - 1] for number in numbers)).split("\n")


def printable_path(path: str) -> str:
    """Return a path as it may stand in a prompt, without secrets; its beginning is never a mark of ours."""
    shown = redact(printable(path))[0]
    return f"./{shown}" if shown[:1] in _MARKS else shown


#: What begins a heading, a row, a fence or an entry of a list.
_MARKS = frozenset("#|<>`=-*@ ")


def prose(text: str, most: int) -> str:
    """Return untrusted text as it may stand in a prompt: without invisible characters and secrets, cut to size.

    Secrets are replaced before it is cut: a part of one would not be recognised.
    """
    lines = INVISIBLE.sub("", valid_unicode(text.replace("\r\n", "\n"))).split("\n")
    return shorten(redact("\n".join(map(printable, lines)))[0].strip("\n"), most)


def code_excerpt(text: str, most: int) -> str:
    """Return untrusted code or output as it may stand in a prompt, cut to size after its secrets were replaced."""
    return shorten(printable_code(text).strip("\n"), most)
