"""Write the Markdown of a model as HTML: paragraphs, lists, headings, code, emphasis. Pure.

Everything else stays text: no HTML of the model, no link and no image gets into the page. Linear in the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from reviewer.safety.invisible import show_invisible

_ITEM = re.compile(r" {0,8}(?:[-*+]|\d{1,3}[.)]) {1,4}")
_HEADING = re.compile(r"#{1,6} +")
_CODE = re.compile(r"(`{1,2})(?!`)([^\n]{1,2000}?)(?<!`)\1(?!`)")
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]{1,500})(?<=\S)\*\*")


def escaped(text: str) -> str:
    """Return text as HTML shows it, with invisible characters written out."""
    return html.escape(show_invisible(text))


def markdown_to_html(text: str) -> str:
    """Return the HTML of a text in Markdown."""
    return "".join(_block(kind, lines) for kind, lines in _blocks(text.replace("\r\n", "\n").strip("\n").split("\n")))


def inline_to_html(text: str) -> str:
    """Return the HTML of a line in Markdown: code and strong words."""
    parts, at = [], 0
    for match in _CODE.finditer(text):
        parts += [_strong(text[at : match.start()]), f"<code>{escaped(match[2].strip() or match[2])}</code>"]
        at = match.end()
    return "".join([*parts, _strong(text[at:])])


def _strong(text: str) -> str:
    return _STRONG.sub(r"<strong>\1</strong>", escaped(text))


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the blocks of a text, each with its kind: code, list, heading, or paragraph."""
    kind, block, fence = "", list[str](), ""
    for line in lines:
        mark = re.match(r" {0,3}(```+|~~~+)", line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
                yield "code", block
                kind, block = "", []
            else:
                block.append(line)
            continue
        begins = "code" if mark else "list" if _ITEM.match(line) else "heading" if _HEADING.match(line) else ""
        if begins == "list" and kind == "list":
            block.append(line)
        elif begins or not line.strip():
            if block:
                yield kind, block
            kind, block = begins, [line] if begins in ("list", "heading") else []
            fence = mark[1] if mark else ""
        else:
            if kind == "heading":
                yield kind, block
                kind, block = "", []
            kind = kind or "paragraph"
            block.append(line)
    if block:
        yield "code" if fence else kind, block


def _block(kind: str, lines: list[str]) -> str:
    if kind == "code":
        return f"<pre><code>{escaped(chr(10).join(lines))}</code></pre>"
    if kind == "heading":
        return f"<h4>{inline_to_html(_HEADING.sub('', lines[0], count=1))}</h4>"
    if kind == "list":
        items: list[str] = []
        for line in lines:
            if _ITEM.match(line) or not items:
                items.append(_ITEM.sub("", line, count=1))
            else:
                items[-1] += f" {line.strip()}"
        return f"<ul>{''.join(f'<li>{inline_to_html(item)}</li>' for item in items)}</ul>"
    return f"<p>{inline_to_html(' '.join(line.strip() for line in lines))}</p>"
