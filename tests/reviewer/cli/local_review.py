"""A small change with one defect, for tests of the command line, and what the model says of it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.paths import ROOT

BEFORE = "def mean(xs):\n    return sum(xs) / max(len(xs), 1)\n"
AFTER = "def mean(xs):\n    total = sum(xs)\n    return total / len(xs)\n"
ZERO = {
    "path": "stats.py", "line": 3, "quote": "    return total / len(xs)", "severity": "error", "category": "bug",
    "title": "Division by zero for an empty list", "body": "`mean([])` raises.",
    "suggestion": "    return total / max(len(xs), 1)",
}  # fmt: skip
TEST = '<test path="test_stats.py" covers="stats.py:2-3">\ndef test_mean():\n    assert mean([]) == 0\n</test>'

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def find(model: FakeModel, *findings: dict[str, object], verdict: str = "confirmed") -> None:
    """Let the model find these and judge them all alike."""
    model.script("findings", json.dumps({"summary": "Splits the sum.", "findings": findings}))
    if findings:
        rows = [{"id": n + 1, "verdict": verdict, "reason": "r"} for n in range(len(findings))]
        model.script("verify", json.dumps({"verdicts": rows}))


def on_a_terminal(
    stream: Literal["stdout", "stderr"], model: FakeModel, clone: Path, columns: int, *words: str, **environ: str
) -> str:
    """Run `reviewer diff` with that stream on a terminal so wide; return all that was written there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = child_environment() | {"RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url, "TERM": "xterm"}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: theirs}
    with subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "diff", *words],
        cwd=clone, env=known | environ, stdin=subprocess.DEVNULL, stdout=streams["stdout"], stderr=streams["stderr"],
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:  # the other end is closed
            pass
        assert process.wait(100) == 0, shown
    os.close(ours)
    return shown.decode()
