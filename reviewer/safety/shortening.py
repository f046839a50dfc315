"""Shorten text that is too long for a prompt or a comment, with a visible mark."""

from __future__ import annotations

#: Stands where the rest of a text was left out.
CUT = "[cut]"


def shorten(text: str, most: int) -> str:
    """Return the text, cut after `most` characters and marked where it is longer."""
    return text if len(text) <= most else f"{text[:most].rstrip()} {CUT}"
