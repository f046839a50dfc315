r"""Remove the thinking from an assistant message.

MiniMax's models think inside the content, between `<think>` and `</think>`; MiniMax-M3 writes `<mm:think>` on some
hosts (https://github.com/MiniMax-AI/MiniMax-Provider-Verifier/issues/17), and `(think)` is reported for M2
(https://github.com/MiniMax-AI/MiniMax-M2/issues/105). Hosts deliver broken forms of these blocks: without the opening
tag (the chat template puts it in the prompt), without the closing tag, twice, or in the middle of JSON. An answer about
code may also quote the tags as text; those must stay.

Returns a part of the message without thinking, or an empty text. Never repairs the answer itself. Each character is
looked at a fixed number of times, however many tags there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(
    r"<(?P<close>/?)(?:mm:)?think(?:ing)?(?:\s[^<>]{0,200})?>|\((?P<closed>/?)think\)",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s{0,2000}+(?:\{|```|<test\b)")
_UNESCAPED_QUOTE = re.compile(r'\\.|(?P<quote>")', re.DOTALL)


def strip_reasoning(content: str, *, separate: bool = False) -> str:
    """Return the answer in `content` without white space at both ends; empty if there is only thinking.

    `separate` says that the host delivered the thinking separately: then a tag counts only if it cannot be a quoted
    one.
    """
    answer = _without_blocks(content)
    trusted = not separate and answer == content
    return _after_thinking(answer, trusted=trusted).strip()


def _is_close(tag: re.Match[str]) -> bool:
    return bool(tag["close"] or tag["closed"])


def _without_blocks(text: str) -> str:
    """Remove every `<think>...</think>`, and everything after a block that is not closed."""
    kept = _Kept()
    position, inside = 0, False
    for tag in _TAG.finditer(text):
        if inside:
            inside = not _is_close(tag)
            position = tag.end()
            continue
        kept.add(text[position : tag.start()])
        position = tag.end()
        inside = not _is_close(tag) and kept.expects_markup()
        if not inside:
            kept.add(tag[0])
    if not inside:
        kept.add(text[position:])
    return kept.text()


def _after_thinking(text: str, *, trusted: bool) -> str:
    """Return what follows the last `</think>` that has no opening tag; all of the text if there is none.

    `trusted`: accept the first one anywhere, because in `reasoning</think>answer` nothing else marks it.
    """
    kept = _Kept()
    position, inside = 0, False
    for tag in _TAG.finditer(text):
        if inside:
            inside = not _is_close(tag)
            position = tag.end()
            continue
        kept.add(text[position : tag.start()])
        position = tag.end()
        if _is_close(tag) and kept.ends_thinking(tag, trusted=trusted):
            kept, trusted = _Kept(), False
            continue
        inside = not _is_close(tag) and kept.expects_markup()
        if not inside:
            kept.add(tag[0])
    if not inside:
        kept.add(text[position:])
    return kept.text()


class _Kept:
    """The text before a tag, piece by piece, and what decides whether the tag is markup."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._start = ""  # the first characters that are not blank
        self._fences = 0
        self._quotes = _Quotes()
        self._end = ""  # the last character

    def add(self, piece: str) -> None:
        """Put a piece at the end."""
        if not piece:
            return
        self._pieces.append(piece)
        if len(self._start) < len("<test"):
            self._start = (self._start + piece[:2_000]).lstrip()[:8]
        self._fences += piece.count("```")
        self._quotes.add(piece)
        self._end = piece[-1]

    def text(self) -> str:
        """Return all pieces."""
        return "".join(self._pieces)

    def expects_markup(self) -> bool:
        """Whether a tag here is markup, not text: at the start, outside JSON strings, or alone on its line."""
        if not self._start:
            return True
        if self._begins_with_json():
            return not self._quotes.open
        return self._end == "\n" and not (self._start.startswith("<test") or self._in_fence())

    def ends_thinking(self, tag: re.Match[str], *, trusted: bool) -> bool:
        """Whether this closing tag ends thinking that has no opening tag."""
        if self._begins_with_json() or self._start.startswith("<test"):
            return self.expects_markup()
        quoted = self._end == "`" or self._in_fence()
        answers = _ANSWER.match(tag.string, tag.end()) is not None
        return self.expects_markup() or answers or (trusted and not quoted)

    def _begins_with_json(self) -> bool:
        return self._start.startswith(("{", "[", "```"))

    def _in_fence(self) -> bool:
        """Whether Markdown ends inside a fenced block of code."""
        return self._fences % 2 == 1


@dataclass(slots=True)
class _Quotes:
    """Whether JSON text, given piece by piece, is inside a string: an odd number of quotes that nothing escapes."""

    open: bool = False
    escaped: bool = False

    def add(self, piece: str) -> None:
        """Read on."""
        rest = piece[1:] if self.escaped else piece
        self.escaped = (len(rest) - len(rest.rstrip("\\"))) % 2 == 1
        quotes = sum(1 for found in _UNESCAPED_QUOTE.finditer(rest) if found["quote"])
        self.open ^= quotes % 2 == 1
