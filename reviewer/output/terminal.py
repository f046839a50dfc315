"""What a terminal can show: colours, lines that are drawn over, and how wide it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO


def live_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a line can be drawn over there."""
    return stream.isatty() and environ.get("TERM", "") not in ("", "dumb")


def shows_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to write colours there: NO_COLOR forbids it, FORCE_COLOR asks for it, else only a terminal gets them.

    https://no-color.org and https://force-color.org: the variables count where they are not empty.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return live_terminal(stream, environ)


def columns_of(stream: TextIO, environ: Mapping[str, str]) -> int | None:
    """Return how wide the terminal behind the stream is; None where there is none."""
    if not stream.isatty():
        return None
    named = environ.get("COLUMNS", "")
    if named.isascii() and named.isdecimal() and len(named) < 5 and int(named):
        return int(named)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None
