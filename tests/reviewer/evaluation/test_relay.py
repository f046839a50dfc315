"""Prompts become files and replies are read from files: nothing is sent, and what was answered once is used again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reviewer.errors import UsageError
from reviewer.evaluation.relay import RelayClient, open_relay
from reviewer.llm.errors import ModelUnavailable
from reviewer.llm.messages import Message, Prompt, Reply, Task

pytestmark = pytest.mark.slow


def prompt(text: str) -> Prompt:
    return Prompt(Task.FINDINGS, (Message("system", "Be brief."), Message("user", text)))


@contextmanager
def answering(client: RelayClient, replies: dict[str, str]) -> Iterator[None]:
    """Answer, in another thread, each prompt whose file holds one of the keys."""
    done = threading.Event()

    def answer() -> None:
        while not done.wait(0.02):
            for asked in client.folder.glob("*.prompt.md"):
                place = asked.with_name(asked.name.replace(".prompt.md", ".reply.md"))
                found = [reply for key, reply in replies.items() if key in asked.read_text()]
                if found and not place.exists():
                    place.write_text(found[0])

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_each_prompt_waits_for_its_own_reply(tmp_path: Path) -> None:
    """All prompts of a batch are there at once; the thinking of a chat is left out."""
    with open_relay(tmp_path) as client, answering(client, {"one": "<think>hm</think>\nfirst", "two": "second"}):
        replies = client.ask([prompt("one"), prompt("two")])
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["first", "second"]
    assert [reply.attempts[0].cost_usd for reply in replies] == [0, 0]
    (asked,) = tmp_path.glob("0001-*.prompt.md")
    assert asked.read_text().startswith("=== system ===\n\nBe brief.\n\n=== user ===\n\n")


def test_a_reply_is_used_again_in_the_next_run(tmp_path: Path) -> None:
    """Without anybody answering: same prompt, same file, same secret for the fences."""
    with open_relay(tmp_path) as client, answering(client, {"one": "first"}):
        client.complete(prompt("one"))
        salt = client.salt()
    with open_relay(tmp_path) as again:
        assert again.complete(prompt("one")).text == "first"
        assert again.salt() == salt
    assert len(list(tmp_path.glob("*.prompt.md"))) == 1


def test_closing_ends_the_waiting(tmp_path: Path) -> None:
    """Ctrl-C: what waits ends with an error that names the file; an empty reply is none yet."""
    with open_relay(tmp_path) as client:
        (client.folder / "0001-findings-x.reply.md").write_text("  \n")
        threading.Timer(0.3, client.close).start()
        with pytest.raises(ModelUnavailable, match=r"\d{4}-findings-\w+\.reply\.md"):
            client.complete(prompt("one"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """The message names the option."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="--relay"):
        open_relay(tmp_path / "file" / "inside")
