r"""Read a model's quote in the ways in which models write code down: as it is, dressed up, or escaped once too often.

Each way is a `QuoteReading`; which of them stands in the diff is decided in `anchoring`. Pure and linear in the quote.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviewer.domain.findings import QuoteMatch
from reviewer.safety.prompt_text import printable
from reviewer.tasks.conversation.markdown_fences import unfence

#: A comment on more lines would not point at anything.
MAX_LINES = 40

#: No quote needs more characters.
_MAX_CHARS = 20_000

#: A row as our prompts write it: the old and the new number, then the mark.
_ROW = re.compile(r"[ \t]{0,20}+(?:\d{0,7}+[ \t]{1,20}+\d{0,7}+|\d{1,7}+)[ \t]{0,20}+\|[-+ ]")
#: A line's number as people write it: `3: `, `L3:`, `line 3 |`, `3-4: `, `3<tab>`.
_NUMBER = re.compile(
    r"[ \t]{0,20}+(?:[Ll]ine[ \t]|L)?\d{1,7}+(?:-\d{1,7}+)?(?:[ \t]{0,4}+[:|.)](?:[-+](?=[ \t])| |(?=\S)|$)|\t)"
    # In brackets, or behind the file's name as grep writes it.
    r"|[ \t]{0,20}+[\[(]L?\d{1,7}[\])](?: |(?=\S)|$)"
    r"|[ \t]{0,20}+[\w.\\/-]{1,200}+:\d{1,7}+(?::\d{1,7}+)?[:-](?: |(?=\S)|$)"
)
_BLANK = re.compile(r"[ \t]*+$")
_TICKS = re.compile(r"[ \t]*+(`{1,3})([^`]++)\1[ \t]*+$")
_SPAN = re.compile(r"(?<!`)`([^`\n]{4,400}+)`(?!`)")
_DOTS = re.compile(r"^[ \t]*+(?:\.{3}|\u2026)[ \t]*+|[ \t]{0,20}+(?:\.{3}|\u2026)[ \t]*+$")
_COMMENT = re.compile(r"[ \t](?:#|//|--|/\*|<!--|;|%)")
_WRITTEN_OUT = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt\"'/\\]))")
_MEANT = {"n": "\n", "r": "", "t": "\t"}


@dataclass(frozen=True, slots=True)
class QuoteReading:
    """The lines that a quote may mean. `match`: how it was read.

    `cut`: it had more lines than a comment can have. `shortened`: what may be a comment was taken off its lines.
    """

    lines: tuple[str, ...]
    match: QuoteMatch
    cut: bool = False
    shortened: bool = False


def readings(quote: str) -> Iterator[QuoteReading]:
    """Yield the quote as it is written, then without what is not code: numbers, marks, back-ticks, comments behind."""
    yield from _distinct(_plain_readings(quote, QuoteMatch.EXACT, QuoteMatch.TIDIED))


def decoded_readings(quote: str) -> Iterator[QuoteReading]:
    r"""Yield what the quote says if it was escaped once too often: `&lt;`, a written-out `\n`, JSON inside JSON."""
    texts: list[str] = []
    inner = _inner_json(quote)
    for text in (html.unescape(quote), _as_meant(quote), html.unescape(_as_meant(quote)), inner):
        again = html.unescape(text)
        texts += [text, again]
    known = {quote}
    for text in texts:
        if text not in known:
            known.add(text)
            yield from _distinct(_plain_readings(text, QuoteMatch.DECODED, QuoteMatch.DECODED))


def decoded(text: str, quote: str, lines: Sequence[str]) -> str:
    """Return a text that was escaped as the quote of these lines was, without that escaping; as it is if in doubt."""
    looked_for = ["".join(line.split()) for line in lines]
    for decode in (html.unescape, _as_meant, lambda it: html.unescape(_as_meant(it)), _inner_json):
        found = ["".join(line.split()) for line in decode(quote).strip("\n").split("\n")]
        if found == looked_for:
            return decode(text)
    return text


def _distinct(found: Iterator[QuoteReading]) -> Iterator[QuoteReading]:
    known: set[tuple[str, ...]] = set()
    for reading in found:
        if reading.lines and reading.lines not in known:
            known.add(reading.lines)
            yield reading


def _plain_readings(quote: str, first: QuoteMatch, others: QuoteMatch) -> Iterator[QuoteReading]:
    """Yield the quote as it is, then with one thing after the other taken off."""
    lines, cut = _lines(quote[:_MAX_CHARS])
    cut = cut or len(quote) > _MAX_CHARS
    yield QuoteReading(tuple(lines), first, cut)
    bare, cut_inside = _lines(unfence(quote[:_MAX_CHARS]))
    bare = _without_ticks(bare)
    for lines in (bare, _without_numbers(bare), _without_marks(_without_numbers(bare))):
        yield QuoteReading(tuple(lines), others, cut or cut_inside)
    plain = _without_numbers(bare)
    yield QuoteReading(tuple(text.rstrip().rstrip(";,.") for text in plain), others, cut or cut_inside)
    # A sentence about one piece of code, and code with dots around it: perhaps not the whole line.
    for lines in (_SPAN.findall(quote[:_MAX_CHARS]), [_DOTS.sub("", text) for text in plain]):
        if len(lines) == 1:
            yield QuoteReading(tuple(lines), others, cut or cut_inside)
    for at in (0, -1):
        lines = _without_comments(plain, at)
        yield QuoteReading(tuple(_trimmed(lines)), others, cut or cut_inside, shortened=True)


def _lines(quote: str) -> tuple[list[str], bool]:
    """Return a quote's lines, without blank ones around it and our prompt's own numbers, and whether it was cut."""
    lines = [printable(text) for text in quote.split("\n")]
    if all(_ROW.match(text) for text in lines if text.strip()):
        lines = [_ROW.sub("", text, count=1) for text in lines]
    lines = _trimmed(lines)
    return lines[:MAX_LINES], len(lines) > MAX_LINES


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Return the lines without blank ones before and behind them."""
    full = [number for number, text in enumerate(lines) if text.strip()]
    return list(lines[full[0] : full[-1] + 1]) if full else []


def _without_ticks(lines: Sequence[str]) -> list[str]:
    """Return the lines without back-ticks or quotation marks of a sentence around the whole or around each."""
    if all(_TICKS.match(text) for text in lines if text.strip()):
        return [_TICKS.sub(r"\2", text) for text in lines]
    whole = "\n".join(lines).strip()
    for pair in ("``", "''", '""', "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb"):
        if len(whole) > 2 and whole[0] == pair[0] and whole[-1] == pair[1] and not {*pair} & {*whole[1:-1]}:
            return whole[1:-1].split("\n")
    return list(lines)


def _without_numbers(lines: Sequence[str]) -> list[str]:
    """Return the lines without a line's number before each, if each has one."""
    full = [text for text in lines if text.strip()]
    if not all(_NUMBER.match(text) for text in full):
        return list(lines)
    return [_NUMBER.sub("", text, count=1) for text in lines]


def _without_marks(lines: Sequence[str]) -> list[str]:
    """Return the lines without the mark of a diff, or of a quotation, before each, if all have the same."""
    full = [text.lstrip() for text in lines if text.strip()]
    if not full or full[0][0] not in "+->" or any(text[0] != full[0][0] for text in full):
        return list(lines)
    return [text.replace(full[0][0], "", 1) for text in lines]


def _without_comments(lines: Sequence[str], at: int) -> list[str]:
    """Return the lines, each cut before the first or the last sign of a comment that has code before it."""
    kept = []
    for text in lines:
        starts = [found.start() for found in _COMMENT.finditer(text) if not _BLANK.match(text[: found.start()])]
        kept.append(text[: starts[at]].rstrip() if starts else text)
    return kept


def _as_meant(text: str) -> str:
    r"""Return the text with the escapes of JSON carried out: a written-out `\n`, `\t`, `\"`, `\u003c`."""
    return _WRITTEN_OUT.sub(lambda found: chr(int(found[1], 16)) if found[1] else _MEANT.get(found[2], found[2]), text)


def _inner_json(text: str) -> str:
    """Return the text, or the lines, that stand as JSON inside the text; the text itself where there is no such."""
    try:
        value = json.loads(text, strict=False) if text.strip()[:1] in ('"', "[") else text
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return value if isinstance(value, str) else text
