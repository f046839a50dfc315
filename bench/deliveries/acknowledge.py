"""Measure how soon a command is acknowledged, with a 👀, by an App whose worker is busy with reviews."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.deliveries.memory import opened, reviewed, script
from bench.table import show
from tests.fakes.github import Delivery, default_world
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import SECRET, AppServer, doubles_environment
from tests.fixtures.waiting import wait_until

#: Reviews that are under way or wait, and commands given meanwhile.
REVIEWS, COMMANDS = 60, 12


def main() -> None:
    """Print the table."""
    with default_world(strict=False) as github, FakeModel() as model:
        script(model)
        model.answers("ask", lambda _: "Because.")
        github.hook.secret = SECRET
        github.limits.contents_per_minute = 10**9
        with tempfile.TemporaryDirectory(prefix="bench-acknowledge-") as folder:
            server = AppServer(Path(folder), ready="/readyz", **doubles_environment(github, model))
            with server:
                for number in range(REVIEWS):
                    assert opened(github, number).post(server.hook).status_code == 202
                pull = github.repo.pulls[0]
                took: dict[str, list[float]] = {}
                for number in range(COMMANDS):
                    words = ("/help", "/cost", "/ask Why?")[number % 3]
                    took.setdefault(words, []).append(_acknowledged(github.comment(pull, words, by="mona"), server))
                left = REVIEWS - len(reviewed(github))
    rows = [
        [name, len(found), f"{statistics.median(found):.2f}", f"{max(found):.2f}", "2"] for name, found in took.items()
    ]
    title = f"A command is acknowledged while {REVIEWS} reviews are under way or wait; {left} of them at the end"
    show(title, ["command", "times", "median s", "slowest s", "aim"], rows)


def _acknowledged(asked: Delivery, server: AppServer) -> float:
    """Deliver the comment; return the seconds until it has a 👀."""
    began = time.monotonic()
    assert asked.post(server.hook).status_code == 202
    reactions = asked.subject.reactions
    wait_until(
        lambda: any(one.content == "eyes" for one in list(reactions)), "eyes", 60, log=server.process.output, pause=0.01
    )
    return time.monotonic() - began


if __name__ == "__main__":
    main()
