"""What stories share: the world of `tests.fakes.github`, the means to act in it, a model that finds defects."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from reviewer.asking import Ask, Attempt, Prompt, Reply, Task
from reviewer.errors import ModelError
from tests.fakes.github import Delivery, World
from tests.fakes.model import Call, FakeModel
from webhooks.deliveries import Ignored, Job, decide
from webhooks.github_api import connect
from webhooks.github_transport import Credentials
from webhooks.handling import Means, Outcome, handle

DELETE = {
    "path": "src/cart.py",
    "line": 27,
    "quote": "        del self.items[sku]",
    "severity": "error",
    "category": "bug",
    "title": "Removing an item that is not in the cart raises KeyError",
    "body": "`pop(sku, None)` let it pass.",
    "suggestion": "        self.items.pop(sku, None)",
}
DEFAULT = {
    "path": "src/discounts.py",
    "line": 6,
    "quote": "def discount_for(code, pieces, used=[]):",
    "severity": "error",
    "category": "bug",
    "title": "A code works once for all customers",
    "body": "`used=[]` is one list for all calls.",
    "suggestion": None,
}
TEST = '<test path="tests/test_discounts.py" covers="src/discounts.py:6-14">\ndef test_x():\n    assert True\n</test>'


def model(*findings: dict[str, Any], verdict: str = "confirmed", still: str = "confirmed") -> Ask:
    """Return a model that always finds these, judges all of them alike, and suggests one test.

    `still` is its verdict on earlier findings whose code has changed.
    """

    def answer(prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY:
            again = is_reexamination(prompt)
            count = prompt.messages[1].content.count("\n## Finding " if again else "\n## Claim ")
            word = still if again else verdict
            return json.dumps({"verdicts": [{"id": n + 1, "verdict": word, "reason": "r"} for n in range(count)]})
        if prompt.task is Task.TESTS:
            return TEST
        said = findings if prompt.task is Task.FINDINGS else ()
        return json.dumps({"summary": "Adds discount codes.", "findings": list(said)})

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100),)
        return [Reply(answer(prompt), model="MiniMax-M2.1", attempts=bill) for prompt in prompts]

    return ask


def is_reexamination(prompt: Prompt) -> bool:
    """Whether the prompt asks about earlier findings."""
    return prompt.messages[0].content.startswith("# Task: verify (still open)\n")


def watched(ask: Ask) -> tuple[Ask, list[Prompt]]:
    """Return `ask`, and the list into which it puts every prompt that it is asked."""
    seen: list[Prompt] = []

    def asked(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        seen.extend(prompts)
        return ask(prompts)

    return asked, seen


def job_of(delivery: Delivery) -> Job:
    """Return the job that the delivery asks for."""
    job = decide(delivery.event, delivery.payload, delivery.guid)
    assert not isinstance(job, Ignored), job
    return job


def carry_out(github: World, delivery: Delivery, ask: Ask, *, token: str = "", **more: Any) -> Outcome:
    """Handle the delivery's job as the App would, or with a token as the Action would."""
    job = job_of(delivery)
    app = {"app_id": str(github.app.id), "private_key": github.app.private_key}
    credentials = Credentials(api_url=github.url, **({"token": token} if token else app))
    repository = connect(credentials, job.repository, job.installation_id)
    return handle(job, Means(repository=repository, ask=ask, salt=b"salt", **{"again": True, **more}))


def acting(act: Callable[[], object], ask: Ask) -> Ask:
    """Return `ask` during whose first batch something happens."""
    done: list[object] = []

    def asked(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        if not done:
            done.append(act() or True)
        return ask(prompts)

    return asked


def open_large_pull(github: World, files: int = 20) -> tuple[Delivery, Callable[[], Delivery]]:
    """Open a pull request of so many changed files; return its delivery, and what pushes a change of one of them."""
    before = {f"src/m{n}.py": _module(n, "max(len(xs), 1)") for n in range(files)}
    after = {path: text.replace("max(len(xs), 1)", "len(xs)") for path, text in before.items()}
    github.push_to_base(github.repo, before)
    github.repo.commit(after, "Simplify the means", branch="means")
    opened = github.open_pull(github.repo, "means", title="Simplify the means")
    pull = github.repo.pulls[-1]
    changed = after["src/m1.py"] + "\n\ndef last(xs):\n    return xs[-1]\n"
    return opened, lambda: github.push(pull, {"src/m1.py": changed})


def _module(number: int, divisor: str) -> str:
    """Return a module of eight functions, one of which a pull request changes in each half."""
    functions = [
        f'def f{number}_{k}(xs):\n    """Return measure {k} of a list of numbers."""\n    total = sum(xs) * {k + 1}\n'
        f"    largest = max(xs, default=0) + {number}\n    for x in xs:\n        total += x * largest % {k + 2}\n"
        f"    return total / {divisor}\n"
        for k in range(8)
    ]
    return "\n\n".join(functions)


def script_large(model: FakeModel) -> None:
    """Let the model find one defect in every other file of `open_large_pull` that it is shown, and confirm it."""

    def find(call: Call) -> str:
        shown = [n for n in range(0, 20, 2) if f"src/m{n}.py" in call.user.partition("## Diff")[2]]
        found = [
            {**DELETE, "path": f"src/m{n}.py", "line": 7, "quote": "    return total / len(xs)", "suggestion": None,
             "title": f"f{n}_0 divides by zero for an empty list"}
            for n in shown
        ]  # fmt: skip
        return json.dumps({"summary": "Simplifies.", "findings": found})

    def judge(call: Call) -> str:
        count = call.user.count("\n## Claim ") + call.user.count("\n## Finding ")
        return json.dumps({"verdicts": [{"id": n + 1, "verdict": "confirmed", "reason": "r"} for n in range(count)]})

    model.answers("findings", find)
    model.answers("verify", judge)
    model.answers("tests", lambda _: "NONE")
    model.answers("refactor", lambda _: json.dumps({"summary": "", "findings": []}))
