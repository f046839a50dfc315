"""Find what somebody says in a comment: outside quotes, code blocks, inline code and HTML comments. Pure, linear."""

from __future__ import annotations

import re
from collections import defaultdict

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_QUOTE = re.compile(r" {0,3}>")
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"(\n[ \t]*\n)")
#: The beginning of a block of HTML, which a blank line ends. A comment in it hides what follows, also without an end.
_HTML_LINE = re.compile(r" {0,3}<(?:[A-Za-z/?]|!(?!--.*-->))")


def prose_lines(body: str) -> list[str]:
    r"""Return the lines of the body, which has only `\n` as line end: quotes and code blocks as empty lines.

    Code spans and HTML comments are blanked: they keep their length, and nothing can begin in them.
    """
    text = "\n".join(_outside_blocks(body.split("\n")))
    text = _outside_html_comments(text)
    return "".join(_outside_spans(paragraph) for paragraph in _BLANK_LINE.split(text)).split("\n")


def _outside_blocks(lines: list[str]) -> list[str]:
    """Blank every line of a fenced code block and of a quote.

    https://github.github.com/gfm/#fenced-code-blocks
    """
    kept = []
    fence = ""
    for line in lines:
        mark = _FENCE.fullmatch(line) if "```" in line or "~~~" in line else None
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
            kept.append("")
        elif mark is not None:
            fence = mark[1]
            kept.append("")
        else:
            kept.append("" if _QUOTE.match(line) else line)
    return kept


def _outside_html_comments(text: str) -> str:
    """Blank the HTML comments. One that never ends hides the rest only in a block of HTML.

    Anywhere else, as in a sentence about `<!--`, GitHub shows it as text, and what follows too.
    https://github.github.com/gfm/#html-blocks
    """
    kept, position = [], 0
    while (start := text.find("<!--", position)) >= 0:
        end = text.find("-->", start + 4) + 3
        if end < 3:
            start, end = _hidden_from(text, position), len(text)
        kept += [text[position:start], _blank(text[start:end])]
        position = end
    return "".join(kept) + text[position:]


def _hidden_from(text: str, position: int) -> int:
    """Return where a comment without an end begins that hides what follows it, at or behind the position."""
    at, is_html = 0, False
    for line in text.split("\n"):
        is_html = bool(line.strip()) and (is_html or _HTML_LINE.match(line) is not None)
        start = line.find("<!--", max(0, position - at)) if is_html else -1
        if start >= 0:
            return at + start
        at += len(line) + 1
    return len(text)


def _outside_spans(paragraph: str) -> str:
    """Blank the code spans: from a run of backticks to the next run of the same length.

    https://github.github.com/gfm/#code-spans. Takes linear time, which a regular expression would not.
    """
    if "`" not in paragraph:
        return paragraph
    runs = [match.span() for match in _TICKS.finditer(paragraph)]
    starts: dict[int, list[int]] = defaultdict(list)
    for start, end in reversed(runs):
        starts[end - start].append(start)
    kept, position = [], 0
    for start, end in runs:
        if start < position:
            continue
        same = starts[end - start]
        while same and same[-1] <= start:
            same.pop()
        if same:
            close = same[-1] + (end - start)
            kept += [paragraph[position:start], _blank(paragraph[start:close])]
            position = close
    return "".join(kept) + paragraph[position:]


def _blank(text: str) -> str:
    """Return a text of the same length and lines in which no command can begin."""
    return re.sub(r"[^\n]", "`", text)
