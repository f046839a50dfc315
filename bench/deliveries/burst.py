"""Measure the cost of quick pushes: ten pull requests, each opened and pushed to four more times, 0.7 s apart."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.table import show
from tests.chaos.kill_and_count import Plan, busy_world, is_reviewed, thinking_model
from tests.chaos.traffic import open_pull, push
from tests.fakes.github.model.state import Pull
from tests.fixtures.app_processes import environment, running
from tests.fixtures.waiting import wait_until

PULLS, HEADS, APART = 10, 5, 0.7


def main() -> None:
    """Print the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        busy_world() as world,
        thinking_model(Plan(), random.Random(1)) as model,
    ):
        environ = environment(world, model, f"sqlite:///{folder}/store.sqlite3", Path(folder))
        with running(environ, Path(folder), workers=0) as app:

            def reviewed(pulls: list[Pull]) -> Callable[[], bool]:
                return lambda: all(map(is_reviewed, pulls))

            first = open_pull(world, 0)
            first.post(app.server.hook)
            wait_until(reviewed([first.subject]), "the first review", 60, log=app.output)
            each = len(model.calls)

            def burst(number: int) -> Pull:
                delivery = open_pull(world, number)
                delivery.post(app.server.hook)
                for _ in range(HEADS - 1):
                    time.sleep(APART)
                    push(world, delivery.subject).post(app.server.hook)
                pull: Pull = delivery.subject
                return pull

            with ThreadPoolExecutor(PULLS) as people:
                pulls = list(people.map(burst, range(1, PULLS + 1)))
            wait_until(reviewed(pulls), "the newest heads' reviews", 120, log=app.output)
    calls = len(model.calls) - each
    stale = sum(one.commit_id != one.head_then for pull in pulls for one in pull.reviews.values())
    every = each * PULLS * HEADS
    rows: list[list[object]] = [
        ["newest head reviewed", f"{sum(map(is_reviewed, pulls))} of {PULLS}", f"{PULLS} of {PULLS}"],
        ["posted on an old head", stale, 0],
        ["model calls", calls, ""],
        ["of those that reviewing each push takes", f"{calls / every:.0%} of {every}", "40%"],
    ]
    show(f"Burst: {PULLS} pull requests x {HEADS} pushes, {APART} s apart", ["what", "is", "aim"], rows)


if __name__ == "__main__":
    main()
