"""Text of untrusted code, made safe to print. Pure.

Promises: a terminal shows it and does nothing else; on a GitHub runner no line of it is a workflow command. It stays
readable. Never promises that what it says is true.
"""

from __future__ import annotations

import secrets

_TAB, _NEWLINE = "\t", "\n"


def terminal_safe(text: str) -> str:
    """Return the text without control characters and whatever reorders or hides; line ends become newlines."""
    lines = text.replace("\r\n", _NEWLINE).replace("\r", _NEWLINE)
    return "".join(one if one.isprintable() or one in (_TAB, _NEWLINE) else "�" for one in lines)


def workflow_safe(text: str) -> str:
    """Return what prints the text on a GitHub runner, with commands in it switched off by a token that it cannot know.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
    """
    token = secrets.token_hex(32)
    body = terminal_safe(text).rstrip(_NEWLINE)
    return f"::stop-commands::{token}\n{body}\n::{token}::\n"
