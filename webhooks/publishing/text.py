"""Pieces of Markdown that all our comments are made of, and how long a comment may be. Pure."""

from __future__ import annotations

from reviewer.domain.severity import Severity
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


def cut_text(text: str, most: int) -> str:
    """Return the text, cut to at most so many characters; a cut is marked."""
    return text if len(text) <= most else text[: most - 20].rstrip() + f"\n\n{CUT}"
