"""Measure gathering the code around a change: seconds with a checkout, calls to GitHub without one."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.table import show
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import ReviewSettings
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.planning.chunks import chunk
from reviewer.tasks.planning.file_filter import select
from tests.fakes.github import default_world, faults
from tests.fixtures.git_repo import Repo
from tests.fixtures.scenarios import app_credentials, carry_out, model

FILES, CHANGED, LENGTH = 5_000, 30, 120


def main() -> None:
    """Print both tables."""
    before, after = repository()
    show(
        f"Context: {CHANGED} changed files of {FILES:,}, with a checkout (aim: 1 s)",
        ["chunks", "seconds", "with related code", "characters", "RSS MB"],
        [_local(before, after, committed=committed) for committed in (True, False)],
    )
    show(
        f"Context: {CHANGED} changed files of {FILES:,}, over GitHub's API (aim: 30 calls for the whole review)",
        [
            "",
            "calls of the review",
            "of them for texts and tree",
            "calls of the process's next review",
            "chunks with related code",
            "s, double included",
        ],
        [_remote(before, after, archive=archive) for archive in (True, False)],
    )


def repository() -> tuple[dict[str, str], dict[str, str]]:
    """Return a made-up repository of five languages, before and after a change of signatures."""
    lot = random.Random(7)
    before = {path: _module(path, number, lot) for number, path in enumerate(_path(n) for n in range(FILES))}
    changed = lot.sample(sorted(before), CHANGED)
    after = {path: before[path].replace("first, second", "first, second, third", 3) for path in changed}
    return before, after


def _path(number: int) -> str:
    ending = ("py", "ts", "go", "java", "rb")[number % 5]
    return f"src/area_{number % 37}/part_{number % 11}/module_{number}.{ending}"


_FORMS = {
    "py": ("def {name}(first, second):", "    value = {call}(first, second)", "    return value + {n}", "", "#"),
    "ts": ("export function {name}(first, second) {{",
           "  const value = {call}(first, second);", "  return value;", "}}", "//"),
    "go": ("func {name}(first, second int) int {{", "\tvalue := {call}(first, second)", "\treturn value", "}}", "//"),
    "java": ("  static int {name}(int first, second) {{",
             "    int value = {call}(first, second);", "    return value;", "  }}", "//"),
    "rb": ("def {name}(first, second)", "  value = {call}(first, second)", "  value + {n}", "end", "#"),
}  # fmt: skip


def _module(path: str, number: int, lot: random.Random) -> str:
    *rows, remark = _FORMS[path.rpartition(".")[2]]
    form = "\n".join(rows) + "\n"
    parts = [f"{remark} module {number}"]
    for n in range(LENGTH // 6):
        other = number % 5 + 5 * lot.randrange(FILES // 5)
        parts.append(form.format(name=f"compute_{number}_{n}", call=f"compute_{other}_{lot.randrange(20)}", n=n))
    text = "\n".join(parts)
    return f"class Module{number} {{\n{text}}}\n" if path.endswith(".java") else text


def _local(before: dict[str, str], after: dict[str, str], *, committed: bool) -> list[object]:
    with tempfile.TemporaryDirectory() as place:
        repo = Repo.create(Path(place) / "repo")
        for path, text in before.items():
            repo.write(path, text)
        repo.commit()
        for path, text in after.items():
            repo.write(path, text)
        if committed:
            repo.commit()
        tree = open_worktree(repo.path)
        local = tree.diff("HEAD~1..HEAD" if committed else "HEAD")
        change = Change(diff=parse_diff(local.diff_bytes), sources=checkout_of(tree, local))
        chunks, _ = chunk(select(change.diff, ReviewSettings())[0])
        start = time.perf_counter()
        found = gather_related(change, chunks)
        seconds = time.perf_counter() - start
        again = gather_related(replace(change, sources=checkout_of(tree, local)), chunks)
        assert again == found, "the context is not the same twice"
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return [len(chunks), f"{seconds:.2f}", len(found.related), sum(map(len, found.related.values())), rss]


def _remote(before: dict[str, str], after: dict[str, str], *, archive: bool) -> list[object]:
    """Measure with the head as one archive, or with calls alone, as where GitHub gives no archive."""
    with default_world(strict=False) as github:
        if not archive:
            github.fault("GET /tarball/", faults.server_error(500), times=100)
        github.push_to_base(github.repo, before)
        github.repo.commit(after, "Add a third", branch="third")
        delivery = github.open_pull(github.repo, "third", title="Add a third")
        calls = len(github.calls)
        ask = model()
        prompts: list[Prompt] = []

        def asked(batch: Sequence[Prompt]) -> list[Reply | ModelError]:
            prompts.extend(batch)
            return ask(batch)

        start = time.perf_counter()
        process = app_credentials(github)
        carry_out(github, delivery, asked, credentials=process)
        seconds = time.perf_counter() - start
        made = Counter(str(call).split("?")[0] for call in github.calls[calls:])
        github.repo.commit(after, "Add a third", branch="third-again")
        delivery = github.open_pull(github.repo, "third-again", title="Add a third again")
        calls = len(github.calls)
        carry_out(github, delivery, model(), credentials=process)
        later = len(github.calls) - calls
        words = ("graphql", "trees", "tarball", "_codeload")
        reading = sum(number for name, number in made.items() if any(word in name for word in words))
    finders = [prompt for prompt in prompts if prompt.task == "findings"]
    told = sum("## Other code" in prompt.messages[1].content for prompt in finders)
    return [
        "with an archive" if archive else "calls alone",
        sum(made.values()),
        reading,
        later,
        f"{told} of {len(finders)}",
        f"{seconds:.1f}",
    ]
