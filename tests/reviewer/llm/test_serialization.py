"""Prompts as checkpoints keep them, and the digests under which their answers are found."""

from __future__ import annotations

from dataclasses import replace

from reviewer.llm.messages import Message, Prompt, Task
from reviewer.llm.serialization import prompt_digest, prompt_from_json, prompt_to_json

PROMPT = Prompt(
    Task.FINDINGS, (Message("system", "# Task: findings"), Message("user", "é")), 100, 0.5, may_look_up=True
)


def test_a_prompt_survives_a_checkpoint() -> None:
    """With everything in it, the permission to look things up included."""
    assert prompt_from_json(prompt_to_json(PROMPT)) == PROMPT


def test_a_prompt_of_an_older_version_can_be_read() -> None:
    """It knows nothing of `may_look_up`: the model may not ask."""
    older = {name: value for name, value in prompt_to_json(PROMPT).items() if name != "may_look_up"}
    assert prompt_from_json(older) == replace(PROMPT, may_look_up=False)


def test_the_digest_is_that_of_older_versions() -> None:
    """Answers that were paid for before an update are found after it."""
    assert prompt_digest(PROMPT) == prompt_digest(replace(PROMPT, may_look_up=False))
    assert prompt_digest(PROMPT) == "4c4f9c2c0d9a61c04e027bfac3dd72bceabf9f05c652150d81682334d5242536"
    assert prompt_digest(PROMPT) != prompt_digest(replace(PROMPT, max_tokens=101))
