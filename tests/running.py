"""Runs orders for tests: in the tree itself, without any confinement, for code that the tests bring along."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from reviewer.proving.orders import Order, Ran


def run_in_tree(order: Order) -> Ran:
    """Run the order where its tree is; kill its process group at the end."""
    with tempfile.TemporaryDirectory() as results, tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "REVIEWER_RESULTS": results,
            **order.environment,
        }
        start, cpu = time.monotonic(), _cpu()
        output, code, timed_out = _run(order, environment)
        return Ran(
            exit_code=code,
            output=output[: order.limits.output_bytes],
            results=_files(Path(results)),
            seconds=time.monotonic() - start,
            cpu_seconds=_cpu() - cpu,
            timed_out=timed_out,
        )


def _run(order: Order, environment: Mapping[str, str]) -> tuple[str, int | None, bool]:
    child = subprocess.Popen(
        order.argv,
        cwd=order.tree / order.cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=order.limits.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return "", None, True
    return output.decode("utf-8", "replace"), child.returncode, False


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


THIS_PYTHON = Path(sys.executable)
