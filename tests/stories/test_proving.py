"""Stories of findings that are shown by running tests: with a review, on `/prove`, and committed on `/fix`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from reviewer.tasks.conversation.layout import task_line
from tests.fakes.github import World
from tests.fixtures.scenarios import DELETE, carry_out, model, watched
from tests.stories.test_tests import checkout, workspace
from webhooks.handling.handle import JobEnding

__all__ = ["checkout"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROOF = """from src.cart import Cart


def test_removing_what_is_not_there():
    cart = Cart()
    cart.remove("pear")
    assert cart.items == {}
"""


POP = {"path": "src/cart.py", "quote": "del self.items[sku]", "replacement": "self.items.pop(sku, None)"}


def proving(*findings: dict[str, object], proof: str = PROOF, edits: Sequence[dict[str, str]] = ()) -> Ask:
    """Return a model that also writes a test and a fix of each finding, and agrees with the test."""
    other = model(*findings)
    bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100),)

    def answer(prompt: Prompt) -> str | None:
        if prompt.task is Task.PROVE:
            return f'<test path="tests/test_cart_claim.py" covers="src/cart.py:27-27">\n{proof}</test>'
        if prompt.task is Task.FIX:
            return json.dumps({"edits": list(edits)})
        if task_line(prompt) == "# Task: verify (demonstration)":
            return json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "remove() is harmless"}]})
        return None

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [
            Reply(text, model="MiniMax-M2.1", attempts=bill) if (text := answer(prompt)) else other([prompt])[0]
            for prompt in prompts
        ]

    return ask


def test_a_finding_is_posted_with_its_evidence(github: World, checkout: Path) -> None:
    """The comment has the badge, the command, the failing lines and the test; the suggestion says what still passes."""
    ask = proving(DELETE)
    carry_out(github, github.deliveries[-1], ask, demonstrate=workspace(checkout, ask).demonstrate)
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "**demonstrated**" in comment.body
    assert "worked before this change" in comment.body
    assert "fixes it; " in comment.body
    assert "KeyError" in comment.body
    assert "test_removing_what_is_not_there" in comment.body
    assert "```suggestion\n        self.items.pop(sku, None)" in comment.body
    assert not (checkout / "tests" / "test_cart_claim.py").exists()


def test_a_suggestion_that_breaks_a_test_is_no_button(github: World, checkout: Path) -> None:
    """What does not make the failing test pass is advice, with what came of it."""
    ask = proving({**DELETE, "suggestion": "        del self.items[sku.lower()]"})
    carry_out(github, github.deliveries[-1], ask, demonstrate=workspace(checkout, ask).demonstrate)
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "```suggestion" not in comment.body
    assert "Possible fix (it was run: the failing test does not pass with it" in comment.body


def test_the_app_demonstrates_nothing(github: World) -> None:
    """Without a checkout a review is what it was before, and asks nothing more."""
    outcome = carry_out(github, github.deliveries[-1], model(DELETE))
    assert outcome.state is JobEnding.REVIEWED
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "demonstrated" not in comment.body


def test_a_thread_is_proved_when_asked_for(github: World, checkout: Path) -> None:
    """`/prove` answers in the thread with the badge, the command, the failing lines and the fix."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    ask = proving(edits=[POP])
    asked = github.reply(first, "/prove", by="alice")
    outcome = carry_out(github, asked, ask, demonstrate=workspace(checkout, ask).demonstrate)
    assert outcome.state is JobEnding.ANSWERED, outcome
    answer = github.expect_review_comment("**demonstrated**")
    assert "worked before this change" in answer.body
    assert "KeyError" in answer.body
    assert "```suggestion\n        self.items.pop(sku, None)" in answer.body


def test_an_ordinary_fix_takes_two_calls(github: World, checkout: Path) -> None:
    """The suggestion of the comment is tried as the fix, at its lines as they are now; the model writes none."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    head = (checkout / "src/cart.py").read_text()
    github.push(github.pull, {"src/cart.py": f'"""The cart."""\n\n\n{head}'})
    git = ["git", "-C", str(checkout)]
    subprocess.run([*git, "fetch", "-q", "origin", github.pull.head], check=True)
    subprocess.run([*git, "checkout", "-q", "FETCH_HEAD"], check=True)
    github.accept_permissions(github.installation, contents="write")
    ask, seen = watched(proving())
    carry_out(github, github.reply(first, "/fix", by="alice"), ask, demonstrate=workspace(checkout, ask).demonstrate)
    github.expect_review_comment("The fix and its test are in")
    github.expect_commit("Co-authored-by: alice")
    assert [prompt.task for prompt in seen] == [Task.PROVE, Task.VERIFY]


def test_the_app_says_why_it_proves_nothing(github: World) -> None:
    """Where nothing may be run, the answer says where it can."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    carry_out(github, github.reply(first, "/prove", by="alice"), model())
    github.expect_review_comment("the App never runs code of a pull request")


def test_a_fix_is_committed_with_its_test(github: World, checkout: Path) -> None:
    """`/fix` commits what holds, on the head that was run, and names who asked; it does not do it twice."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    github.accept_permissions(github.installation, contents="write")
    before = github.pull.head
    ask = proving(edits=[POP])
    asked = github.reply(first, "/fix", by="alice")
    carry_out(github, asked, ask, demonstrate=workspace(checkout, ask).demonstrate)
    github.expect_review_comment("The fix and its test are in")
    commit = github.expect_commit("Co-authored-by: alice")
    assert commit.sha == github.pull.head != before
    show = ["git", "-C", str(github.repo.git.path), "show"]
    for path, text in (("src/cart.py", b"self.items.pop(sku, None)"), ("tests/test_cart_claim.py", PROOF.encode())):
        done = subprocess.run([*show, f"{github.pull.head}:{path}"], check=True, capture_output=True)
        assert text in done.stdout
