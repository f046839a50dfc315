"""Pieces of Markdown that all our comments are made of, and how long a comment may be. Pure.

Promises: a text is cut only between two lines where no fenced block, suggestion or `<details>` is open, so a cut never
changes what another part of the text means.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator

from reviewer.diff.model import Side
from reviewer.domain.severity import Severity
from reviewer.safety.code_blocks import code_span, fence
from reviewer.safety.invisible import show_invisible
from reviewer.safety.shortening import CUT, shorten

#: https://docs.github.com/rest/checks/runs: summary and text at most 65,535 characters; comments at most 65,536.
MAX_BODY = 64_000

DOT = {Severity.ERROR: "🔴", Severity.WARNING: "🟡", Severity.INFO: "🔵"}


def count_noun(number: int, noun: str) -> str:
    """Return the number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def fold(title: str, content: str, *, raw_title: bool = False) -> str:
    """Return content that a reader may unfold."""
    shown = title if raw_title else escape(title)
    return f"<details>\n<summary>{shown}</summary>\n\n{content}\n\n</details>"


def escape(text: str) -> str:
    """Return text with the characters replaced that mean something in HTML, and without mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def line_link(path: str, side: Side, line: int, pull_url: str, url: str = "") -> str:
    """Return a link to a line in the view of changed files of a pull request, or to `url`: a comment at that line."""
    return f"[{code_span(f'{path}:{line}')}]({url or line_url(path, side, line, pull_url)})"


def line_url(path: str, side: Side, line: int, pull_url: str) -> str:
    """Return the address of a line in the view of changed files of a pull request."""
    file = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{pull_url}/files#diff-{file}{side.value[0]}{line}"


#: What GitHub turns into a link, a mention or a reference wherever it stands in the text that people see.
_REFERENCE = re.compile(r"@|#(?=\d)|://|(?<!\w)(?:www\.|GH-)|(?<!\w)[0-9a-f]{3}(?=[0-9a-f]{4,61}(?!\w))", re.IGNORECASE)
_SPAN = re.compile(r"`([^`]{1,200})`")


def plain_html(text: str, *, most: int = 300) -> str:
    """Return the model's text as one line of HTML for a place where Markdown is not read: only code spans are kept."""
    line = shorten(show_invisible(" ".join(text.split())), most)
    parts = _SPAN.split(line)
    plain = (_REFERENCE.sub(lambda match: f"{match[0]}\u200b", part) for part in parts[::2])
    words = [html.escape(part, quote=True).replace("\u200b", "&#8203;") for part in plain]
    codes = [f"<code>{html.escape(part, quote=True)}</code>" for part in parts[1::2]]
    return "".join(word + code for word, code in zip(words, [*codes, ""], strict=True))


#: A line that may begin or end a fenced block, in a quote or a list too.
_FENCE = re.compile(r"(?:[ \t>]|(?:[-*+]|\d{1,9}[.)])[ \t])*+(?P<run>`{3,}+|~{3,}+)(?P<rest>.*+)")


def cut_text(text: str, most: int) -> str:
    """Return the Markdown, cut to at most so many characters after a line that is outside of all blocks; marks a cut.

    The text is our own or was neutralised: it has `<details>` only where `fold` put it, each code span on one line.
    """
    if len(text) <= most:
        return text
    room = most - len(CUT) - 2
    kept = max((end for end in _ends_outside_blocks(text) if end <= room), default=0)
    return f"{text[:kept].rstrip()}\n\n{CUT}".lstrip("\n")


def _ends_outside_blocks(text: str) -> Iterator[int]:
    """Yield the position after each line that has no fenced block and no `<details>` open behind it."""
    run, depth, end = "", 0, 0
    for line in text.split("\n"):
        end += len(line) + 1
        match = _FENCE.match(line)
        if run:
            closes = match is not None and match["run"].startswith(run) and not match["rest"].strip()
            run = "" if closes else run
        elif match is not None and not (match["run"][0] == "`" and "`" in match["rest"]):
            run = match["run"]
        else:
            depth += (line == "<details>") - (line == "</details>")
        if not run and depth <= 0:
            yield min(end, len(text))


def fence_within(code: str, most: int) -> str:
    """Return a fenced block of at most so many characters; lines that do not fit are left out, with a mark inside.

    An empty text where not even the first line fits.
    """
    block = fence(code)
    while len(block) > most:
        code = code[: len(code) * most // len(block) * 9 // 10].rpartition("\n")[0]
        if not code:
            return ""
        block = fence(f"{code}\n{CUT}")
    return block
