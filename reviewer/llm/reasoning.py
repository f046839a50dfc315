r"""Remove the thinking from an assistant message.

MiniMax's models think in `<think>` blocks inside the content. Hosts deliver broken forms of them: without the opening
tag (the chat template puts it in the prompt), without the closing tag, twice, or in the middle of JSON. An answer about
code may also quote these tags as text; those must stay.

Returns a part of the message without thinking, or an empty text. Never repairs the answer itself.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?P<close>/?)think(?:ing)?\s*>", re.IGNORECASE)
_ANSWER = re.compile(r"\s*(?:\{|```|<test\b)")
_UNESCAPED_QUOTE = re.compile(r'\\.|(?P<quote>")', re.DOTALL)


def strip_reasoning(content: str, *, separate: bool = False) -> str:
    """Return the answer in `content` without white space at both ends; empty if there is only thinking.

    `separate` says that the host delivered the thinking separately: then a tag counts only if it cannot be a quoted
    one.
    """
    answer = _without_blocks(content)
    trusted = not separate and answer == content
    while (end := _end_of_thinking(answer, trusted=trusted)) is not None:
        answer = _without_blocks(answer[end:])
        trusted = False
    return answer.strip()


def _without_blocks(text: str) -> str:
    """Remove every `<think>...</think>`, and everything after a block that is not closed."""
    kept, position = "", 0
    while (opening := _opening(text, position, kept)) is not None:
        kept += text[position : opening.start()]
        closing = next((tag for tag in _TAG.finditer(text, opening.end()) if tag["close"]), None)
        if closing is None:
            return kept
        position = closing.end()
    return kept + text[position:]


def _opening(text: str, position: int, kept: str) -> re.Match[str] | None:
    """Return the next tag that opens a block; quoted tags are skipped."""
    for tag in _TAG.finditer(text, position):
        before = kept + text[position : tag.start()]
        if not tag["close"] and _is_markup(before):
            return tag
    return None


def _is_markup(before: str) -> bool:
    """Whether a tag after `before` is markup, not text: at the start, outside JSON strings, or alone on its line."""
    if not before.strip():
        return True
    if _begins_with_json(before):
        return not _inside_string(before)
    return before.endswith("\n") and not (before.lstrip().startswith("<test") or _in_fence(before))


def _end_of_thinking(text: str, *, trusted: bool) -> int | None:
    """Return where the answer begins after a `</think>` without an opening tag, None if there is none.

    `trusted`: accept the first one anywhere, because in `reasoning</think>answer` nothing else marks it.
    """
    for tag in _TAG.finditer(text):
        if not tag["close"]:
            continue
        before, after = text[: tag.start()], text[tag.end() :]
        if _begins_with_json(before) or before.lstrip().startswith("<test"):
            ends = _is_markup(before)
        else:
            quoted = before.endswith("`") or _in_fence(before)
            ends = _is_markup(before) or bool(_ANSWER.match(after)) or (trusted and not quoted)
        if ends:
            return tag.end()
    return None


def _begins_with_json(text: str) -> bool:
    return text.lstrip().startswith(("{", "[", "```"))


def _in_fence(text: str) -> bool:
    """Whether Markdown ends inside a fenced block of code."""
    return text.count("```") % 2 == 1


def _inside_string(text: str) -> bool:
    """Whether JSON text ends inside a string: an odd number of quotes that no backslash escapes."""
    return sum(1 for found in _UNESCAPED_QUOTE.finditer(text) if found["quote"]) % 2 == 1
