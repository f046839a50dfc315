"""The App as users run it, in one process or several on one store, to be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fakes.github import World
from tests.fakes.model import FakeModel
from tests.ports import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent

_WEB = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
_WORKER = [sys.executable, str(ROOT / "app.py"), "worker"]


@dataclass(slots=True)
class Process:
    """One process of the App with all that it starts. `kill` is a power cut."""

    name: str
    command: Sequence[str]
    environ: dict[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kill all of it, and wait until nothing of it is left: the children of the killed take a moment to die."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            wait_until(lambda: not self._is_left(), "its children to die", seconds=10, story=self.said, pause=0.001)

    def _is_left(self) -> bool:
        try:
            os.killpg(self._process.pid if self._process else 0, 0)
        except ProcessLookupError:
            return False
        return True

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-6000:]


@dataclass(slots=True)
class Fleet:
    """Everything that runs on one store. `url` is where deliveries go."""

    port: int
    processes: list[Process]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def hook(self) -> str:
        return f"{self.url}/webhooks/github"

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def wait(self) -> None:
        wait_until(self.is_up, "the App to be ready", seconds=60, story=self.processes[0].said)


def environment(github: World, model: FakeModel, store: str, folder: Path) -> dict[str, str]:
    """Return what the App is told: the two doubles and its store."""
    return {
        "PATH": os.environ["PATH"],
        "RUNAPI_KEY": model.key,
        "RUNAPI_BASE_URL": model.base_url,
        "GITHUB_API_URL": github.url,
        "GITHUB_APP_ID": str(github.app.id),
        "GITHUB_APP_PRIVATE_KEY": github.app.private_key,
        "GITHUB_WEBHOOK_SECRET": "s3cret",
        "REVIEWER_DATA_DIR": str(folder),
        "DATABASE_URL": store,
        # Stories tell which pull requests are to be reviewed; that of the heads without a review is in test_missed.
        "REVIEWER_MISSED_PULLS": "0",
    }


@contextmanager
def running(environ: dict[str, str], folder: Path, *, workers: int) -> Iterator[Fleet]:
    """Run the App: everything in one process, or with `workers` one that accepts and so many that work."""
    port = free_port()
    shared = {**environ, "PORT": str(port)}
    role = "web" if workers else "all"
    processes = [Process(role, _WEB, {**shared, "REVIEWER_ROLE": role}, folder / f"{role}.log")]
    processes += [
        Process(f"worker {number}", _WORKER, shared, folder / f"worker-{number}.log")
        for number in range(1, workers + 1)
    ]
    fleet = Fleet(port, processes)
    try:
        for process in processes:
            process.start()
        fleet.wait()
        yield fleet
    finally:
        for process in processes:
            process.kill()
