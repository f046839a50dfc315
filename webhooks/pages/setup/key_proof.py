"""Prove that a key, an address and a model work together: one small question to the model."""

from __future__ import annotations

from dataclasses import replace

from reviewer.llm.client import Client
from reviewer.llm.client_settings import ClientSettings
from reviewer.llm.error_mapping import CutOff
from reviewer.llm.errors import BrokenReply
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.llm.usage import Usage

#: The model may think a little; it is not needed to come to an end.
_MAX_TOKENS = 512
_SECONDS = 45.0

_QUESTION = Prompt(
    Task.ASK,
    (
        Message("system", "Somebody checks whether the model can be reached. Answer with the word OK."),
        Message("user", "Can you be reached?\n\n# Task: ask"),
    ),
    max_tokens=_MAX_TOKENS,
)


def prove(settings: ClientSettings) -> str:
    """Ask the model, and return what that showed, for a person. Raises ModelError, SettingsError."""
    with replace(Client.from_settings(settings), max_attempts=2, total_timeout=_SECONDS, retry_timeout=10.0) as client:
        try:
            attempts = client.complete(_QUESTION).attempts
        except (BrokenReply, CutOff) as error:  # it answered, and that is all that was asked for
            attempts = error.attempts
    usage = Usage.of(attempts)
    cost = "" if usage.cost_usd is None else f" That cost ${usage.cost_usd:.5f}."
    return f"The key works: {settings.model} answered in {sum(each.seconds for each in attempts):.1f} s.{cost}"
