"""A small change with one defect, for tests of the command line, and what the model says of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from tests.fakes.model import FakeModel

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
