"""How long the App takes for pull requests that are hard to read, and how quickly it answers deliveries meanwhile.

Each adds a file of 1 MB, or as much as GitHub would return of it, made of one unit again and again.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from bench.deliveries.slow import PER_SECOND, deliver
from bench.table import show
from tests.chaos.kill_and_count import busy_world, is_reviewed
from tests.fakes.github import World
from tests.fakes.github.model.state import Pull
from tests.fakes.model import FakeModel
from tests.fixtures.app_processes import environment, running
from tests.fixtures.app_server import SECRET

SIZE = 1_000_000
#: At most so long is waited for a review, in seconds.
PATIENCE = 120.0

UNITS = {
    "blank lines": "\n",
    "spaces on lines": " " * 99 + "\n",
    "one line of spaces": " ",
    "quotes": "\"'`\n",
    "brackets": "[[[[(((({{{{<<<<\n",
    "names of secrets": "password = token: secret\n",
}


def main() -> None:
    """Print the table."""
    rows = []
    for number, (name, unit) in enumerate(UNITS.items()):
        seconds, ending, times = _measure(number, unit)
        rows.append(
            [
                name,
                f"{seconds:.1f} s",
                ending,
                f"{quantiles(times, n=100, method='inclusive')[98]:.0f} ms",
                f"{max(times):.0f} ms",
            ]
        )
    head = [f"{SIZE // 1000:,} kB of", "until its check (aim: 5 s)", "check", "deliveries p99 (aim: 100 ms)", "slowest"]
    show("Pull requests that are hard to read", head, rows)


def _measure(number: int, unit: str) -> tuple[float, str, list[float]]:
    """Return the seconds until the check run, how it ended, and the milliseconds of deliveries meanwhile."""
    with tempfile.TemporaryDirectory() as folder, busy_world() as world, FakeModel() as model:
        model.answers("findings", lambda _: '{"summary": "", "findings": []}')
        model.answers("tests", lambda _: "NONE")
        world.hook.secret = SECRET
        environ = environment(world, model, f"sqlite:///{folder}/store.sqlite3", Path(folder))
        environ |= {"GITHUB_WEBHOOK_SECRET": SECRET}
        with running(environ, Path(folder), workers=1) as app:
            return _review(world, app.server.hook, app.server.port, number, unit)


def _review(world: World, hook: str, port: int, number: int, unit: str) -> tuple[float, str, list[float]]:
    times: list[float] = []
    over = threading.Event()

    def send() -> None:
        while not over.wait(1 / PER_SECOND):
            times.append(deliver(port) * 1000)

    repo = world.repositories[0]
    repo.commit({"src/large.py": unit * (SIZE // len(unit))}, branch=f"branch-{number}", author="alice")
    delivery = world.open_pull(repo, f"branch-{number}", title="Large")
    sender = threading.Thread(target=send)
    sender.start()
    began = time.perf_counter()
    try:
        assert delivery.post(hook).status_code == 202
        while not _ended(delivery.subject) and time.perf_counter() - began < PATIENCE:
            time.sleep(0.02)
        return time.perf_counter() - began, _conclusion(delivery.subject), times
    finally:
        over.set()
        sender.join()


def _ended(pull: Pull) -> bool:
    return is_reviewed(pull) or bool(_conclusion(pull))


def _conclusion(pull: Pull) -> str:
    """Return how the check run of the head ended, empty if it did not."""
    runs: Sequence[str] = [
        run.conclusion or "" for run in pull.repository.check_runs.values() if run.head_sha == pull.head
    ]
    return next(filter(None, runs), "")
