"""Answers to questions as models wrap them."""

from __future__ import annotations

import json

import pytest

from reviewer.tasks.answer_question import read_answer
from reviewer.tasks.conversation.thread_replies import read_thread_reply

ANSWER = "## Why\n\n```py\nx = 1\n```\n\nBecause `x` is one."
CONFIG = '```json\n{"text": {"size": 1}}\n```'


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        f"\n{ANSWER}\n",
        f"```markdown\n{ANSWER}\n```",
        f"````md\n{ANSWER}\n````",
        json.dumps({"answer": ANSWER}),
        json.dumps({"response": ANSWER, "suggestion": None}),
        f"```json\n{json.dumps({'answer': ANSWER})}\n```",
    ],
)
def test_what_is_wrapped_around_an_answer_is_taken_off(text: str) -> None:
    """Posted with it, a reader would see the source of the answer."""
    assert read_answer(text, complete=True) == ANSWER


def test_an_answer_in_a_thread_is_unwrapped_too() -> None:
    """There the answer is a text within JSON; its suggestion may be a word for none."""
    reply = read_thread_reply(
        json.dumps({"answer": f"```markdown\n{ANSWER}\n```", "verdict": "stands", "suggestion": "N/A"}), complete=True
    )
    assert (reply.answer, reply.suggestion) == (ANSWER, None)


@pytest.mark.parametrize(
    "text",
    [
        CONFIG,
        '{"name": "x", "text": "y"}',
        "```py\nx = 1\n```",
        "```\nx\n```",
        '{"answer": 5}',
        '{"answer": "", "text": 1}',
    ],
)
def test_code_that_is_the_answer_stays(text: str) -> None:
    """Somebody may have asked for it."""
    assert read_answer(text, complete=True) == text
