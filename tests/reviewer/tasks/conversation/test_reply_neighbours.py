"""Of every reply, all of the answer is read or it is asked for once more: nothing is lost or made up silently."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reviewer.evaluation.judge import _Reader
from reviewer.llm.chat_completions import Completion, read_reply
from reviewer.llm.errors import BrokenReply
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.tasks.answer_question import read_answer
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.replies import read_findings, read_tests, read_verdicts
from tests.reviewer.tasks.conversation.reply_neighbours import (
    AGAIN,
    Neighbour,
    odd_but_valid,
    prose_about_code,
    several_objects,
)
from tests.reviewer.tasks.conversation.thinking_neighbours import files_of_tests, leaks, mentions, thinking

TASKS = {"judge": Task.ASK}


def _findings(text: str, *, complete: bool) -> Any:
    reply = read_findings(text, complete=complete)
    assert not reply.rejected
    return tuple((finding.title, finding.severity.value) for finding in reply.findings)


def _verdicts(text: str, *, complete: bool) -> Any:
    return tuple(
        sorted((number, verdict.verdict) for number, verdict in read_verdicts(text, complete=complete).items())
    )


def _tests(text: str, *, complete: bool) -> Any:
    return tuple((test.path, test.covers, test.code) for test in read_tests(text, complete=complete))


READERS: dict[str, Callable[..., Any]] = {
    "findings": _findings,
    "verify": _verdicts,
    "tests": _tests,
    "ask": read_answer,
    "judge": _Reader(2, 2),
}


def outcome_of(neighbour: Neighbour) -> Any:
    """Return what is read of a reply, from the service's event to the value."""
    prompt = Prompt(TASKS.get(neighbour.task) or Task(neighbour.task), (Message("system", "s"), Message("user", "u")))
    read = READERS[neighbour.task]
    completion = Completion()
    choice = {"index": 0, "delta": {"content": neighbour.content}, "finish_reason": neighbour.finish}
    completion.feed(json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 99}}))
    try:
        try:
            reply = read_reply(completion, prompt)
        except BrokenReply as error:
            if not error.unusable or not error.unusable.text or neighbour.task == "ask":
                return AGAIN
            return read(error.unusable.text, complete=False)
        return read(reply.text, complete=reply.finish_reason == "stop")
    except Unreadable:
        return AGAIN


FAMILIES = (odd_but_valid, prose_about_code, several_objects, thinking, mentions, leaks, files_of_tests)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_of_a_reply_is_read_or_none(family: Callable[[], Iterator[Neighbour]]) -> None:
    """Each neighbour gives its own value; the first that does not is shown whole."""
    wrong = [
        (neighbour.name, neighbour.task, neighbour.content, found, neighbour.expected)
        for neighbour in family()
        if (found := outcome_of(neighbour)) != neighbour.expected
    ]
    assert not wrong, f"{len(wrong)} wrong, the first: {wrong[0]}"


def test_there_are_enough_neighbours() -> None:
    """The kinds are held by hundreds of replies, not by those that were reported."""
    replies = [neighbour for family in FAMILIES for neighbour in family()]
    assert len({(neighbour.task, neighbour.content, neighbour.finish) for neighbour in replies}) > 1_200
