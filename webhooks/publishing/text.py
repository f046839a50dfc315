"""Pieces of Markdown that all our comments are made of, and how long a comment may be. Pure.

Promises: a text is cut only between two lines where no fenced block, suggestion or `<details>` is open, so a cut never
changes what another part of the text means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewer.domain.severity import Severity
from reviewer.safety.code_blocks import fence
from reviewer.safety.shortening import CUT

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
