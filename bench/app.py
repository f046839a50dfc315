"""Measure what reviews cost the App: a first one of ten files, and one after a push of one file of twenty."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from bench.table import show
from reviewer.llm.client import Client
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from tests.fakes.github import Delivery, World, default_world
from tests.fakes.model import FakeModel
from tests.fixtures.scenarios import carry_out, job_of, open_large_pull, script_large
from webhooks.github.credentials import Credentials
from webhooks.github.repository import connect
from webhooks.handling.handle import JobContext, handle

FILES = 10


def _pull(github: World) -> Delivery:
    """Open a pull request of ten changed files and return its delivery."""
    before = {f"src/m{n}.py": f"def f{n}(xs):\n    return sum(xs) / max(len(xs), 1)\n" for n in range(FILES)}
    after = {path: text.replace(" / max(len(xs), 1)", " / len(xs)") for path, text in before.items()}
    github.push_to_base(github.repo, before)
    github.repo.commit(after, "Simplify the means", branch="means")
    return github.open_pull(github.repo, "means", title="Simplify the means")


def _script(model: FakeModel) -> None:
    findings = [
        {
            "path": f"src/m{n}.py", "line": 2, "quote": "    return sum(xs) / len(xs)", "severity": "error",
            "category": "bug", "title": "Division by zero for an empty list", "body": f"`f{n}([])` raises.",
            "suggestion": "    return sum(xs) / max(len(xs), 1)",
        }
        for n in range(FILES)
    ]  # fmt: skip
    verdicts = [{"id": n + 1, "verdict": "confirmed", "reason": "r"} for n in range(FILES)]
    model.answers("findings", lambda _: json.dumps({"summary": "Simplifies.", "findings": findings}))
    model.answers("verify", lambda _: json.dumps({"verdicts": verdicts}))
    model.answers("tests", lambda _: "NONE")
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", lambda _: json.dumps({"summary": "", "findings": []}))


def main() -> None:
    """Print the tables: in the first, one review warms up and the others are measured."""
    rows = []
    for name in ("cold", "warm", "warm"):
        with default_world(strict=False) as github, FakeModel() as model:
            _script(model)
            delivery = _pull(github)
            job = job_of(delivery)
            credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
            with Client(key=model.key, base_url=model.base_url) as client:
                batches: list[int] = []

                def ask(
                    prompts: Sequence[Prompt], client: Client = client, batches: list[int] = batches
                ) -> list[Reply | ModelError]:
                    batches.append(len(prompts))
                    return client.ask(prompts)

                calls = len(github.calls)
                wall, cpu = time.perf_counter(), time.thread_time()
                outcome = handle(
                    job, JobContext(connect(credentials, job.repository, job.installation_id), ask, b"salt")
                )
                wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
            assert outcome.review is not None
            usage = outcome.review.usage
            rows.append(
                [name, len(github.calls) - calls, len(batches), usage.calls, len(outcome.review.findings),
                 f"{cpu:.3f}", f"{wall:.2f}", f"${usage.cost_usd:.4f}"]
            )  # fmt: skip
    head = ["run", "GitHub calls", "calls in a row", "model calls", "findings", "CPU s (its thread)", "wall s", "cost"]
    show(f"App: first review of a {FILES}-file pull request (aim: 12 calls, 2 in a row, 0.5 s of CPU)", head, rows)
    again()


def again() -> None:
    """Print what a push of one file costs on a pull request of twenty files, compared with the first review."""
    rows = []
    with default_world(strict=False) as github, FakeModel() as model:
        script_large(model)
        opened, push = open_large_pull(github)
        with Client(key=model.key, base_url=model.base_url) as client:
            first = 0
            runs: list[tuple[str, Callable[[], Delivery]]] = [
                ("first review", lambda: opened),
                ("after a push of one file", push),
            ]
            for name, delivery in runs:
                calls = len(github.calls)
                outcome = carry_out(github, delivery(), client.ask, again=False)
                assert outcome.review is not None
                usage = outcome.review.usage
                first = first or usage.prompt_tokens
                share = f"{usage.prompt_tokens / first:.0%}"
                made = len(github.calls) - calls
                rows.append([name, outcome.review.files_reviewed, usage.calls, usage.prompt_tokens, share, made])
    head = ["review", "files read", "model calls", "prompt tokens", "of the first", "GitHub calls"]
    show("App: a pull request of 20 files, and a push that changes one (aim: 20 %)", head, rows)
