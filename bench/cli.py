"""How fast the command line is: from the start of the process to its end, against a model that answers at once.

Each command runs once unmeasured, which compiles the modules and fills the cache of the disk, then `RUNS` times. Wall
time is measured around the process; CPU seconds (user and system) and peak memory are what the kernel counts for it and
for the git processes it started. Shows best and median: on a shared machine the median also measures other work.
Linux never reports less memory than the starting process (this one) had: about 25 MB.

The interpreter is one of a fresh environment with the base packages only, as users have it (in the development
environment httpx finds and loads rich, 0.1 s); BENCH_PYTHON names another.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.install import base_installed
from bench.table import show
from tests.fakes.model import FakeModel
from tests.fixtures.git_repo import Repo
from tests.paths import ROOT

RUNS = 15
FILES = 10
COMMANDS = (["--help"], ["diff"], ["diff", "--format", "json"], ["diff", "--diff", "-"])


@dataclass(frozen=True, slots=True)
class _Run:
    """One process: wall time and CPU time in seconds, peak memory in MB."""

    wall: float
    cpu: float
    memory: int


def main() -> None:
    """Print the table."""
    if named := os.environ.get("BENCH_PYTHON"):
        _measure(named)
        return
    with base_installed() as installed:
        _measure(installed.python)


def _measure(python: str) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as directory, FakeModel() as model:
        _script(model)
        repo = _repo(Path(directory) / "repo")
        diff = Path(directory) / "change.diff"
        diff.write_bytes(repo.git("diff"))
        for words in COMMANDS:
            _run(python, words, repo, diff, model)
            runs = [_run(python, words, repo, diff, model) for _ in range(RUNS)]
            wall, cpu = [run.wall for run in runs], [run.cpu for run in runs]
            figures = (min(wall), statistics.median(wall), min(cpu), statistics.median(cpu))
            memory = max(run.memory for run in runs)
            rows.append([" ".join(["reviewer", *words]), *(f"{figure:.3f}" for figure in figures), memory])
    head = ["command", "wall s, best", "median", "CPU s, best", "median", "peak MB"]
    show(
        f"Command line: {FILES} files, the model answers at once, best of {RUNS} (aim: 0.5 s of wall time)", head, rows
    )


def _run(python: str, words: Sequence[str], repo: Repo, diff: Path, model: FakeModel) -> _Run:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"RUNAPI_BASE_URL": model.base_url, "RUNAPI_KEY": model.key, "PYTHONPATH": str(ROOT)}
    command = [python, "-c", "import sys, app; sys.exit(app.main())", *words]
    with diff.open("rb") as stdin, tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=repo.path, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        said.seek(0)
        assert process.returncode == 0, said.read().decode(errors="replace")
    return _Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def _repo(path: Path) -> Repo:
    """Make a repository with an uncommitted change of so many files."""
    repo = Repo.create(path)
    for number in range(FILES):
        repo.write(f"m{number}.py", f"def f{number}(xs):\n    return sum(xs) / max(len(xs), 1)\n")
    repo.commit()
    for number in range(FILES):
        repo.write(f"m{number}.py", f"def f{number}(xs):\n    total = sum(xs)\n    return total / len(xs)\n")
    return repo


def _script(model: FakeModel) -> None:
    finding = {
        "path": "m3.py", "line": 3, "quote": "    return total / len(xs)", "severity": "error", "category": "bug",
        "title": "Division by zero for an empty list", "body": "`f3([])` raises.",
        "suggestion": "    return total / max(len(xs), 1)",
    }  # fmt: skip
    model.answers("findings", lambda _: json.dumps({"summary": "Simplifies the means.", "findings": [finding]}))
    model.answers("verify", lambda _: '{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}')
