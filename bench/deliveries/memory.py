"""Measure the memory of one process of the App over 1,000 reviews: real gunicorn and queue, the doubles beside it.

An argument is another number of reviews: `python -m bench memory`, or `python -m bench.deliveries.memory 100`.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.table import show
from tests.fakes.github import Delivery, World, default_world
from tests.fakes.model import Call, FakeModel
from tests.fixtures.app_server import SECRET, AppServer, doubles_environment
from tests.fixtures.waiting import wait_until

REVIEWS, ROWS = 1_000, 10

#: Reviews that are under way or wait: one installation runs eight at once.
AHEAD = 16


def main(reviews: int = REVIEWS) -> None:
    """Print the table."""
    rows = []
    with default_world(strict=False) as github, FakeModel() as model:
        script(model)
        github.hook.secret = SECRET
        github.limits.contents_per_minute = 10**9  # this is about memory: GitHub's limits would take hours
        values = {**doubles_environment(github, model), "REVIEWER_CALLS_PER_MINUTE": "100000"}
        values |= {"REVIEWER_MISSED_MINUTES": "0", "GUNICORN_CMD_ARGS": "--workers 1"}
        with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
            server = AppServer(Path(folder), ready="/readyz", **values)
            with server:
                (process,) = _children(server.process.pid)
                rows.append([0, *_memory(process), "", ""])
                cpu, began = _cpu(process), time.monotonic()
                for part in range(ROWS):
                    first, last = part * reviews // ROWS, (part + 1) * reviews // ROWS
                    _review(github, server, range(first, last))
                    github.spent.clear()
                    count = last - first
                    spent, took = _cpu(process) - cpu, time.monotonic() - began
                    rows.append([last, *_memory(process), f"{spent / count:.2f}", f"{took / count:.2f}"])
                    cpu, began = _cpu(process), time.monotonic()
                assert len(reviewed(github)) == reviews
    show(
        f"One process of the App over {reviews:,} reviews, each of a new pull request (aim: flat, under 200 MB)",
        ["reviews", "RSS MB", "peak MB", "CPU s a review", "wall s a review"],
        rows,
    )


def _review(github: World, server: AppServer, numbers: range) -> None:
    """Deliver pull requests, a few ahead of what is reviewed, and wait for the reviews."""
    for number in numbers:
        wait_until(lambda number=number: len(reviewed(github)) > number - AHEAD, "reviews", 120)  # type: ignore[misc]
        answer = opened(github, number).post(server.hook)
        assert answer.status_code == 202, answer.text
    wait_until(lambda: len(reviewed(github)) >= numbers.stop, "the last reviews", 120, log=server.process.output)


def opened(github: World, number: int) -> Delivery:
    """Open a pull request that changes a file of its own."""
    path = f"src/m{number}.py"
    lines = [f"def f{number}_{k}(xs):\n    return sum(xs) * {k} / max(len(xs), 1)\n" for k in range(40)]
    changed = [line.replace("max(len(xs), 1)", "len(xs)") if k % 4 == 0 else line for k, line in enumerate(lines)]
    branch = f"idea-{number}"
    github.repo.commit({path: "\n".join(changed)}, "Divide", branch=branch)
    return github.open_pull(github.repo, branch, title=f"Divide in {number}")


def reviewed(github: World) -> list[object]:
    """Return the check runs that are completed."""
    return [run for run in list(github.repo.check_runs.values()) if run.status == "completed"]


def script(model: FakeModel) -> None:
    """Let the model find one defect in each of them."""

    def find(call: Call) -> str:
        path = call.user.partition("## Diff")[2].partition("src/m")[2].partition(".py")[0]
        name = path if path.isdecimal() else "0"
        finding = {
            "path": f"src/m{name}.py", "line": 2, "quote": "    return sum(xs) * 0 / len(xs)", "severity": "error",
            "category": "bug", "title": f"f{name}_0 divides by zero for an empty list", "body": "It raises.",
            "suggestion": None,
        }  # fmt: skip
        return json.dumps({"summary": "Divides.", "findings": [finding]})

    model.answers("findings", find)
    model.answers("verify", lambda _: json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}))
    model.answers("tests", lambda _: "NONE")
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", lambda _: json.dumps({"summary": "", "findings": []}))


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _memory(pid: int) -> list[int]:
    """Return the memory that a process has now, and the most that it had, in MB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    return [int(lines[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")]


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, itertools.islice(fields, 11, 13))) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REVIEWS)
