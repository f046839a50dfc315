"""Measure how long `make serve` and `make demo` take in a fresh clone, until they listen or are done.

Clones what is committed, downloads everything anew (pip's cache is left aside) and runs the command as README names it.
CPU seconds are those of all its processes: on a shared machine, wall time also measures other work. The size
is that of site-packages without compiled modules, which grow with use.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from bench.table import show
from tests.fakes.github import default_world
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import doubles_environment

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 600.0


def main() -> None:
    """Print the table."""
    rows = [
        ["make serve, until it listens", *_measure(_serve), "45 s, 170 MB"],
        ["make demo, until it is done", *_measure(_demo), "60 s"],
    ]
    head = ["command", "wall s", "CPU s", "packages", "site-packages MB", "aim"]
    show("A fresh clone: the first command, downloads included", head, rows)


def _measure(run: Callable[[Path, Mapping[str, str]], None]) -> list[object]:
    """Run a command in a fresh clone; return seconds, CPU seconds, the count of packages and their size."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        ours = ("VIRTUAL_ENV", "MAKE", "ARGS")  # `make bench ARGS=...` hands its own arguments on to every `make` below
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        kept["PATH"] = os.pathsep.join(
            entry for entry in kept["PATH"].split(os.pathsep) if not Path(entry).is_relative_to(ROOT)
        )
        start, cpu = time.perf_counter(), _cpu()
        run(clone, {**kept, "PIP_NO_CACHE_DIR": "1"})
        seconds, used = time.perf_counter() - start, _cpu() - cpu
        (packages,) = clone.glob(".venv/lib/python*/site-packages")
        files = [file for file in packages.rglob("*") if file.is_file() and file.suffix != ".pyc"]
        count = sum(1 for _ in packages.glob("*.dist-info"))
        return [f"{seconds:.1f}", f"{used:.1f}", count, f"{sum(file.lstat().st_size for file in files) / 1e6:.1f}"]


def _cpu() -> float:
    """Return the CPU seconds of all processes that ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _serve(clone: Path, environ: Mapping[str, str]) -> None:
    with default_world(strict=False) as github, FakeModel() as model:
        ours = {"GITHUB_WEBHOOK_SECRET": "measurement", "REVIEWER_DATA_DIR": str(clone / "data"), "PORT": "0"}
        env = {**environ, **doubles_environment(github, model), **ours}
        command = ["make", "serve"]
        with subprocess.Popen(command, cwd=clone, env=env, start_new_session=True, stderr=subprocess.PIPE) as process:
            try:
                httpx.get(f"{_address(process)}/healthz", timeout=LONGEST).raise_for_status()
            finally:
                os.killpg(process.pid, signal.SIGTERM)


def _address(process: subprocess.Popen[bytes]) -> str:
    """Return the address that gunicorn prints."""
    seen = b""
    for line in process.stderr or ():
        seen += line
        if found := re.search(rb"Listening at: http://[^:]+:(\d+)", line):
            return f"http://127.0.0.1:{found[1].decode()}"
    raise RuntimeError(seen.decode(errors="replace"))


def _demo(clone: Path, environ: Mapping[str, str]) -> None:
    subprocess.run(
        ["make", "demo"], cwd=clone, env=dict(environ), check=True, stdout=subprocess.DEVNULL, timeout=LONGEST
    )
