"""Measure what prompts of a review share and cost: the service's cache serves what begins like an earlier prompt."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from bench.table import show
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change, Guidance
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.llm.models import LISTED, planned_tokens
from reviewer.llm.usage import Attempt
from reviewer.tasks.conversation.layout import shown_in, task_line
from reviewer.tasks.planning.cost_estimate import cost_per_thousand
from reviewer.tasks.review import ReviewOptions, review
from tests.fixtures.git_repo import Repo

#: Changed lines, in so many files.
SIZES = ((40, 2), (400, 8), (1_500, 25))

#: What MiniMax documents: prefixes are cached from so many tokens, and read at a tenth of the price.
LEAST_CACHED, CACHED_PRICE = 512, Decimal("0.1")

#: What a call writes, thinking included.
WRITTEN = 4_500

_MODEL = LISTED["MiniMax-M2.1"]


@dataclass(slots=True)
class InstantModel:
    """Finds a defect in each file it is shown, and looks at `looks` pieces of code before each answer."""

    looks: int
    prompts: list[Prompt] = field(default_factory=list)

    def ask(self, batch: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Answer at once, in order."""
        self.prompts += batch
        return [self._reply(prompt) for prompt in batch]

    def _reply(self, prompt: Prompt) -> Reply:
        bill = Attempt(_MODEL.id, "ok", planned_tokens(_text(prompt)), WRITTEN, Decimal(0))
        return Reply(self._answer(prompt), "", _MODEL.id, "stop", (bill,))

    def _answer(self, prompt: Prompt) -> str:
        looked = len(prompt.messages) // 2 - 1
        shown = shown_in(prompt)
        paths = sorted(set(re.findall(r"src/module_\d+\.py", shown)))
        may_ask = prompt.may_look_up and (not looked or "or ask for more" in prompt.messages[-1].content)
        if may_ask and looked < self.looks:
            return json.dumps({"read": [f"{paths[looked % len(paths)]}:{looked + 1}-40"]})
        if prompt.task is Task.VERIFY:
            count = prompt.messages[1].content.count("\n## Claim ")
            return json.dumps(
                {"verdicts": [{"id": n, "verdict": "confirmed", "reason": "r"} for n in range(1, count + 1)]}
            )
        if prompt.task is Task.TESTS:
            return "NONE"
        if prompt.task is Task.EDIT:
            return '{"findings": []}'
        quotes = re.findall(r"\|\+(    result_\d+_\d+ = .+)", shown) if task_line(prompt) == "# Task: findings" else []
        return json.dumps({"summary": "s", "findings": [_finding(quote) for quote in quotes[:: len(quotes) // 4 + 1]]})


def _finding(quote: str) -> dict[str, object]:
    number, step = map(int, re.findall(r"\d+", quote)[:2])
    return {
        "path": f"src/module_{number}.py", "line": 1, "quote": quote, "severity": "error", "category": "bug",
        "title": f"Step {step} of module {number} runs a command of the user", "body": "It does.",
        "claim": f"Step {step} of module {number} passes what the user wrote to a shell.", "suggestion": None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """Tokens of all prompts, of those after the first of their part, and what these share with an earlier prompt.

    `cached` is what the service reads from its cache, whichever part it is from.
    """

    total: int
    later: int
    shared: int
    cached: int


def shared_tokens(prompts: Sequence[Prompt]) -> SharedTokens:
    """Count what prompts have in common with earlier ones of the same part."""
    total = later = shared = cached = 0
    earlier: dict[str, list[str]] = {}
    for prompt in prompts:
        text, part = _text(prompt), shown_in(prompt)
        size = planned_tokens(text)
        total += size
        before = earlier.setdefault(part, [])
        if before:
            common = max(planned_tokens(_beginning(text, other)) for other in before)
            later, shared = later + size, shared + common
            cached += common if common >= LEAST_CACHED else 0
        before.append(text)
    return SharedTokens(total, later, shared, cached)


def main() -> None:
    """Print the table."""
    rows = [_row(lines, files) for lines, files in SIZES]
    show(
        "Prefix: what the prompts of a review share (aims: 80 %; 400 lines: $0.05, $0.03 with the cache; 8 in a row)",
        ["changed lines", "calls", "prompt tokens", "of them cached", "later calls share", "dollars", "with the cache",
         "calls in a row", "if it always looks", "seconds"],
        rows,
    )  # fmt: skip


def _row(lines: int, files: int) -> list[object]:
    with tempfile.TemporaryDirectory() as place:
        change = _change(Path(place) / "repo", lines, files)
        start = time.perf_counter()
        model = InstantModel(looks=0)
        done = _review(change, model)
        seconds = time.perf_counter() - start
        longest = _review(change, InstantModel(looks=100)).chain
    tokens = shared_tokens(model.prompts)
    written = WRITTEN * len(model.prompts)
    price = _MODEL.price
    assert price is not None
    plain = price.cost_usd(tokens.total, written)
    saved = price.prompt * tokens.cached * (1 - CACHED_PRICE) / 1_000_000
    assert done.findings, "the double's findings must be found"
    return [
        f"{lines:,}", len(model.prompts), f"{tokens.total:,}", f"{tokens.cached / tokens.total:.0%}",
        f"{tokens.shared / max(tokens.later, 1):.0%}", f"{plain:.4f}", f"{plain - saved:.4f}", done.chain, longest,
        f"{seconds:.2f}",
    ]  # fmt: skip


def _review(change: Change, model: InstantModel) -> Review:
    options = ReviewOptions(cost_per_thousand=cost_per_thousand(_MODEL))
    return review(change, Settings(), model.ask, salt=b"salt", options=options)


def _change(root: Path, lines: int, files: int) -> Change:
    """Return a change of so many lines in a repository of four times as many files: three lines of each function."""
    repo = Repo.create(root)
    each = round(lines / files / 6)
    for number in range(files * 4):
        repo.write(f"src/module_{number}.py", _module(number, each, new=False))
    repo.commit()
    for number in range(files):
        repo.write(f"src/module_{number}.py", _module(number, each, new=True))
    repo.commit()
    tree = open_worktree(repo.path)
    local = tree.diff("HEAD~1..HEAD")
    guidance = (Guidance("AGENTS.md", "Write plainly. Name the unit of each number. " * 60),)
    title, description = "Run the steps in a shell", "All of them, and with a lock. " * 20
    return Change(parse_diff(local.diff_bytes), title, description, guidance, sources=checkout_of(tree, local))


def _module(number: int, changed: int, *, new: bool) -> str:
    parts = ["import subprocess\n"]
    for step in range(max(changed, 10)):
        is_new = new and step < changed
        call = "subprocess.run(request.args['step'], shell=True)" if is_new else "run_step(request.args['step'])"
        parts.append(
            f"def step_{number}_{step}(self, request, limit=10):\n"
            f'    """Run step {step} of the request."""\n'
            f"    with self.{'lock_of(request)' if is_new else '_lock'}:\n"
            f"        chosen = other_{number + 1}_{step}(limit{' or 10' if is_new else ''})\n"
            f"    result_{number}_{step} = {call}\n"
            f"    return chosen, result_{number}_{step}\n"
        )
    return "\n\n".join(parts)


def _beginning(text: str, other: str) -> str:
    """Return what both texts begin with."""
    pairs = enumerate(zip(text, other, strict=False))
    return text[: next((place for place, (one, two) in pairs if one != two), min(len(text), len(other)))]


def _text(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages)
