"""One prompt of a part goes ahead, so that the others find what they share in the service's cache."""

from __future__ import annotations

import threading

import pytest

from reviewer.llm.client import Client
from reviewer.llm.messages import Message, Prompt, Reply, Task, leads_of
from tests.fakes.model import KEY, Call, FakeModel, Scripted, Stall, error

pytestmark = pytest.mark.slow


def about(part: str, *tasks: str) -> list[Prompt]:
    """Return prompts about a part of a change."""
    shown = f"<data-0123456789abcdef diff>\n| {part}\n</data-0123456789abcdef>"
    return [
        Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", f"{shown}\n# Task: findings ({task})\n\nGo.")))
        for task in tasks
    ]


def test_one_of_three_that_begin_alike_goes_ahead() -> None:
    """Two do not wait, nor does a continued conversation; each part has a lead of its own."""
    batch = [*about("x", "a", "b"), *about("y", "a"), *about("x", "c"), *about("z", "a", "b")]
    assert leads_of(batch) == {1: 0, 3: 0}
    later = [prompt.followed_by(Message("assistant", "?"), Message("user", "# Task: findings")) for prompt in batch]
    assert leads_of(later) == {}


def test_the_others_follow_when_the_first_answer_begins() -> None:
    """Not before, and not only when it ends; answers keep their order."""
    batch = about("x", "first", "second", "third")
    with FakeModel() as model, Client(key=KEY, base_url=model.base_url, max_attempts=1) as client:

        def answer(call: Call) -> Scripted:
            if call.qualifier != "first":
                return call.qualifier
            return Stall(text="on my way")

        model.answers("findings", answer)
        replies: list[object] = []
        asking = threading.Thread(target=lambda: replies.extend(client.ask(batch)))
        asking.start()
        model.wait_for(lambda: len(model.calls) == 3, "the others, while the first is being written")
        assert model.calls[0].qualifier == "first"
        model.release()
        asking.join(20)
    assert [reply.text for reply in replies[1:] if isinstance(reply, Reply)] == ["second", "third"]


def test_a_first_call_that_fails_holds_nobody_up() -> None:
    """The others are sent at once."""
    with FakeModel() as model, Client(key=KEY, base_url=model.base_url, max_attempts=1) as client:
        model.answers("findings", lambda call: error(500, "down") if call.qualifier == "a" else "fine")
        replies = client.ask(about("x", "a", "b", "c"))
    assert [isinstance(reply, Reply) for reply in replies] == [False, True, True]
