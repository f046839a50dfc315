"""How fast the command line is: from the start of the process to its end, against a model that answers at once.

Each command runs once unmeasured, which compiles the modules and fills the cache of the disk, then `RUNS` times. Wall
time is measured around the process; CPU seconds (user and system) and peak memory are what the kernel counts for it and
for the git processes it started. Shows best and median: on a shared machine the median also measures other work.
Linux never reports less memory than the starting process (this one) had: about 25 MB.

The second table holds the large cases, each with what it should stay below: a change of 16 files in a repository of
10,000, one of 300 files (with the longest silence on standard error), and an untracked file of 50 MB.

The third table stands beside PR-Agent's command line in the same run, where that can be installed: the 16 files again.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.asking.peer_review import VERSION, NoPeerCommand, peer_command
from bench.install import base_installed
from bench.table import show
from tests.fakes.model import FakeModel
from tests.fixtures.git_repo import Repo
from tests.paths import ROOT

RUNS, LARGE_RUNS = 15, 5
LARGE_FILE = 50_000_000
FILES = 10
ASKED = ["diff", "--no-cache"]
COMMANDS = (["--help"], ASKED, [*ASKED, "--format", "json"], [*ASKED, "--diff", "-"])


@dataclass(frozen=True, slots=True)
class _Run:
    """One process: wall and CPU time in seconds, peak memory in MB, longest silence on standard error in seconds."""

    wall: float
    cpu: float
    memory: int
    silence: float


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
        f"Command line: {FILES} files, the model answers at once, best of {RUNS} (aims: --help 0.08 s of CPU, "
        "diff 0.5 s of wall time)",
        head,
        rows,
    )
    _measure_large(python)
    _measure_beside(python)


def _measure_large(python: str) -> None:
    """Print the table of large cases."""
    cases = (
        ("16 of 10,000 files", 10_000, 16, "", "0.8 s of CPU, 90 MB"),
        ("300 of 400 files", 400, 300, "", "a line every 2 s"),
        ("an untracked file of 50 MB", 10, 1, "untracked", "150 MB"),
        ("every line of a tracked text of 50 MB", 10, 1, "tracked", "150 MB"),
    )
    rows = []
    with tempfile.TemporaryDirectory() as directory, FakeModel() as model:
        for task in ("findings", "refactor"):
            model.answers(task, lambda _: '{"summary": "Computes means otherwise.", "findings": []}')
        for number, (name, files, changed, large, aim) in enumerate(cases):
            repo = _large_repo(Path(directory) / str(number), files, changed, large)
            words = [*ASKED, "--untracked", "--max-usd", "100"]
            _run(python, words, repo, Path(os.devnull), model)
            runs = [_run(python, words, repo, Path(os.devnull), model) for _ in range(LARGE_RUNS)]
            best = (min(run.wall for run in runs), min(run.cpu for run in runs))
            silence = min(run.silence for run in runs)
            figures = (f"{figure:.2f}" for figure in (*best, silence))
            rows.append([name, *figures, max(run.memory for run in runs), aim])
    head = ["change", "wall s", "CPU s", "longest silence s", "peak MB", "aim"]
    show(f"Command line, large changes: the model answers at once, best of {LARGE_RUNS}", head, rows)


def _large_repo(path: Path, files: int, changed: int, large: str) -> Repo:
    """Make a repository of so many files that use one another, with an uncommitted change of some of them.

    `large` says whether there is a file of 50 MB besides: `untracked`, or `tracked` with every line changed.
    """
    repo = Repo.create(path)
    for number in range(files):
        repo.write(f"pkg{number % 100}/m{number}.py", _module(number, "return sum(xs) / max(len(xs), 1)"))
    if large == "tracked":
        _write_rows(repo.path / "rows.csv", 7)
    repo.commit()
    for number in range(changed):
        repo.write(f"pkg{number % 100}/m{number}.py", _module(number, "total = sum(xs)\n    return total / len(xs)"))
    if large == "untracked":
        with (repo.path / "dump.py").open("wb") as file:
            file.truncate(LARGE_FILE)
    elif large:
        _write_rows(repo.path / "rows.csv", 9)
    return repo


def _write_rows(path: Path, factor: int) -> None:
    with path.open("w") as file:  # row by row: Linux counts our own memory as that of what we start
        file.writelines(f"{number},some,text,{number * factor}\n" for number in range(LARGE_FILE // 25))


def _module(number: int, body: str) -> str:
    after = number + 1
    head = f"from pkg{after % 100}.m{after} import f{after}\n\n\ndef f{number}(xs):\n    {body}\n"
    return f"{head}\n\nclass C{number}:\n    def run(self, value):\n        return f{after}([f{number}([value])])\n"


def _run(python: str, words: Sequence[str], repo: Repo, diff: Path, model: FakeModel) -> _Run:
    environment = {"RUNAPI_BASE_URL": model.base_url, "RUNAPI_KEY": model.key}
    launcher = str(ROOT / "minimax_reviewer" / "launcher.py")
    return _process([python, "-E", "-P", launcher, *words], repo.path, environment, diff)


def _process(command: Sequence[str], folder: Path, variables: Mapping[str, str], diff: Path) -> _Run:
    """Run the command to its end, which must be a good one, with the diff on its standard input."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with diff.open("rb") as stdin:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | dict(variables),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        told, times = [], [start]
        assert process.stderr is not None
        for line in process.stderr:
            told.append(line)
            times.append(time.perf_counter())
        _, status, used = os.wait4(process.pid, 0)
        times.append(time.perf_counter())
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        assert process.returncode == 0, b"".join(told).decode(errors="replace")
    silence = max(after - before for before, after in pairwise(times))
    return _Run(times[-1] - start, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, silence)


def _measure_beside(python: str) -> None:
    """Print the table beside PR-Agent: the same diff, and the same answers' speed."""
    rows = []
    with tempfile.TemporaryDirectory() as directory, FakeModel() as model:
        for task in ("findings", "refactor"):
            model.answers(task, lambda _: '{"summary": "Computes means otherwise.", "findings": []}')
        repo = _large_repo(Path(directory) / "repo", 10_000, 16, "")
        diff, page = Path(directory) / "change.diff", Path(directory) / "review.md"
        diff.write_bytes(repo.git("diff"))
        try:
            with peer_command() as peer:
                its_words = [*peer.words, "--diff-file", str(diff), "--output", str(page), "review"]
                its_runs = [
                    _process(its_words, repo.path, peer.environment, Path(os.devnull)) for _ in range(LARGE_RUNS + 1)
                ]
                assert "divides by zero" in page.read_text("utf-8")
        except NoPeerCommand as error:
            print(f"\nBeside PR-Agent: not measured, {error}")
            return
        our_runs = [_run(python, ASKED, repo, Path(os.devnull), model) for _ in range(LARGE_RUNS + 1)]
    for name, runs in (("reviewer diff, with the repository", our_runs), (f"PR-Agent {VERSION}, the diff", its_runs)):
        best = (min(run.wall for run in runs[1:]), min(run.cpu for run in runs[1:]))
        rows.append([name, *(f"{one:.2f}" for one in best), max(run.memory for run in runs)])
    head = ["16 of 10,000 files", "wall s", "CPU s", "peak MB"]
    show(f"Command line, beside PR-Agent ({peer.megabytes} MB installed): best of {LARGE_RUNS}", head, rows)


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
