"""Commands and answers in threads under one identity, the App's or a workflow's, and models that answer them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from tests.fakes.github import World
from tests.fakes.github.model.state import ReviewComment
from tests.fixtures.scenarios import DEFAULT, DELETE, carry_out, model
from webhooks.handling.handle import JobOutcome

KINDS = ("the App", "a workflow")


class Teller:
    """Gives commands to a world under one identity, and lets a model answer."""

    def __init__(self, github: World, kind: str) -> None:
        self.github = github
        self.token = github.actions_token(github.repo) if kind == "a workflow" else ""

    def run(self, delivery: object, ask: Ask, **more: object) -> JobOutcome:
        return carry_out(self.github, delivery, ask, token=self.token, **more)  # type: ignore[arg-type]

    def comment(self, body: str, ask: Ask, by: str = "mona") -> tuple[JobOutcome, object]:
        asked = self.github.comment(self.github.pull, body, by=by)
        return self.run(asked, ask), asked.subject

    def reply(self, to: ReviewComment, body: str, ask: Ask, by: str = "mona") -> tuple[JobOutcome, ReviewComment]:
        asked = self.github.reply(to, body, by=by)
        return self.run(asked, ask), asked.subject

    def reviewed(self, *findings: dict[str, object]) -> list[ReviewComment]:
        """Review the pull request, and return the comments on its findings."""
        self.run(self.github.opened, model(*(findings or (DELETE, DEFAULT))))
        review = self.github.expect_review(comments=len(findings or (DELETE, DEFAULT)))
        self.github.forgive()
        return list(review.comments)


def talks(answer: str = "Because `src/cart.py:27` deletes it.", verdict: str = "stands", **more: object) -> Ask:
    """Return a model that answers questions and threads like this, and refutes claims when it is asked once more."""
    value = {"answer": answer, "verdict": verdict, "suggestion": None, **more}

    def text_of(prompt: Prompt) -> str:
        if prompt.task is Task.REPLY:
            return json.dumps(value)
        if prompt.task is Task.VERIFY:
            word = more.get("second", "refuted")
            return json.dumps({"verdicts": [{"id": 1, "verdict": word, "reason": "r"}]})
        return answer

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100),)
        return [Reply(text_of(prompt), model="MiniMax-M2.1", attempts=bill) for prompt in prompts]

    return ask


def nobody(_: Sequence[Prompt]) -> list[Reply | ModelError]:
    raise AssertionError("no model is asked for this")
