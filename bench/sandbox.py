"""Measure what the sandbox costs: its start and self-test, and copies of a checkout."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.table import show
from reviewer.errors import NoSandbox
from reviewer.sandbox.api import SandboxCommand, SandboxRunner
from reviewer.sandbox.sandbox import find_sandbox
from reviewer.sandbox.staging import stage_working_tree
from reviewer.sandbox.unconfined import unconfined_runner

_RUNS = 30
_COPIES = 3
_FILES = 5_000
_BYTES = 4_000


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        _starts(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _copies(Path(folder))


def _starts(tree: Path) -> None:
    rows: list[list[object]] = []
    try:
        sandbox = find_sandbox()
    except NoSandbox as error:
        print(f"\nSandbox: {error}")
    else:
        rows.append(
            [f"find_sandbox() with its self-test, by {sandbox.method.privilege.value}", *_times(find_sandbox, 5)]
        )
        rows.append(["true, in the sandbox", *_times(lambda: _true(sandbox, tree), _RUNS)])
    rows.append(["true, without", *_times(lambda: _true(unconfined_runner(), tree), _RUNS)])
    show("Sandbox: start to end of a command (aim: 50 ms)", ["what", "best ms", "median ms"], rows)


def _copies(folder: Path) -> None:
    rows = []
    for name, share in (("src", True), ("node_modules", True), ("node_modules", False)):
        checkout = folder / f"{name}-{share}"
        _fill(checkout / name)

        def copy(checkout: Path = checkout, share: bool = share) -> None:  # noqa: FBT001 - bound in a loop
            with stage_working_tree(checkout, scratch=folder, share=share):
                pass

        rows.append([f"{_FILES} files of {_BYTES} bytes in {name}, shared: {share}", *_times(copy, _COPIES)])
        if name == "src":
            rows.append(
                ["the same by cp -a and rm -r", *_times(lambda: _plainly(folder / "src-True", folder), _COPIES)]
            )
    show("Staging: a copy of a checkout, made and removed", ["what", "best ms", "median ms"], rows)


def _plainly(checkout: Path, folder: Path) -> None:
    subprocess.run(["cp", "-a", checkout, folder / "plain"], check=True)
    subprocess.run(["rm", "-r", folder / "plain"], check=True)


def _fill(folder: Path) -> None:
    for number in range(_FILES):
        file = folder / f"{number // 100}" / f"{number}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * _BYTES)


def _true(execute: SandboxRunner, tree: Path) -> None:
    ran = execute(SandboxCommand(argv=("true",), tree=tree, shown_at=Path("/home/ada/project")))
    assert ran.exit_code == 0, ran


def _times(work: Callable[[], object], runs: int) -> list[str]:
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return [f"{min(taken):.0f}", f"{statistics.median(taken):.0f}"]
