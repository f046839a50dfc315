"""Text of untrusted code, made safe to print. Pure.

Promises: a terminal shows it and does nothing else; on a GitHub runner no line of it is a workflow command. It stays
readable. Never promises that what it says is true.
"""

from __future__ import annotations

import os
import re

from reviewer.safety.invisible import INVISIBLE

_TAB, _NEWLINE = "\t", "\n"


def terminal_safe(text: str) -> str:
    """Return the text without control characters and whatever reorders or hides; line ends become newlines."""
    lines = text.replace("\r\n", _NEWLINE).replace("\r", _NEWLINE)
    return "".join(char if char.isprintable() or char in (_TAB, _NEWLINE) else "�" for char in lines)


def line_safe(text: str) -> str:
    """Return lines of ours that quote somebody else: no terminal and no runner acts on what they hold."""
    return re.sub(r"^([^\S\n]*+):(?=:)", r"\1: ", terminal_safe(text).replace("##[", "# #["), flags=re.MULTILINE)


def json_safe(text: str) -> str:
    """Return a JSON text that means the same: no terminal acts on it, and no runner finds a command in it."""
    plain = INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}" if ord(match[0]) < _ASTRAL else _pair(match[0]), text)
    return plain.replace("##[", "##\\u005b")


_ASTRAL = 0x10000


def _pair(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in (0, 2))


def workflow_safe(text: str) -> str:
    """Return what prints the text on a GitHub runner, with commands in it switched off by a token that it cannot know.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
    """
    token = os.urandom(32).hex()
    body = terminal_safe(text).rstrip(_NEWLINE)
    return f"::stop-commands::{token}\n{body}\n::{token}::\n"
