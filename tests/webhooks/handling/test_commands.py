"""The table of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhooks.events.commands import CommandRequest, Takes, parse_commands
from webhooks.handling.commands.table import COMMANDS, SYNTAX, Command, command_named

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_read_and_documented(command: Command) -> None:
    """It can be written, is found again by its name, says what it does, and stands in the documentation."""
    words = ["why?"] if command.syntax.takes is Takes.TEXT else sorted(command.syntax.words)
    for word in words:
        assert parse_commands(f"/{command.name} {word}", SYNTAX) == (CommandRequest(command.name, word),)
    assert command_named(command.name) is command
    assert command.usage.startswith(f"`/{command.name}")
    assert (command.handler is None) is not (command.quick is None)
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"/{command.name}" in path.read_text(encoding="utf-8") for path in documents)


def test_names_and_labels_are_unique() -> None:
    """Two commands with one name or label could not be told apart."""
    names = [command.name for command in COMMANDS]
    labels = [command.syntax.label for command in COMMANDS if command.syntax.label]
    assert len(set(names)) == len(names)
    assert len(set(labels)) == len(labels)
    assert command_named("deploy") is None
