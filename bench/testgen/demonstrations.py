"""Measure the cost of showing findings by tests, on the claims of the tests' samples: calls, runs and CPU."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from bench.table import show
from reviewer.llm.messages import Task
from tests.samples.demonstrations import go_claims, python_claims
from tests.samples.demonstrations.claims import SampleClaim, TriedClaim, try_claim


def demonstrations() -> None:
    """Print a row for each claim of the sample that is demonstrated or refuted, and the worst of all."""
    samples = [*python_claims.TRUE, python_claims.FALSE[0]]
    samples += [*go_claims.CLAIMS[:2], go_claims.CLAIMS[3]] if shutil.which("go") else []
    rows: list[list[object]] = []
    worst = 0.0
    for sample in samples:
        with tempfile.TemporaryDirectory() as folder:
            tried = try_claim(sample, Path(folder))
        own, suite = _claim_cpu(sample, tried)
        worst = max(worst, own)
        proofs = sum(prompt.task is not Task.FIX for prompt in tried.model.prompts)
        fixes = len(tried.model.prompts) - proofs
        runs = len(tried.runs.results)
        rows.append([sample.name, tried.ending, tried.fix, proofs, fixes, runs, f"{own:.1f}", f"{suite:.1f}"])
    head = ["claim", "ends", "fix", "calls for the test", "calls for a fix", "runs", "CPU s", "CPU s of its suite"]
    show(f"Showing findings of the sample: at most {worst:.1f} s CPU beyond the suite (aim: 2 calls, 15 s)", head, rows)


def _claim_cpu(sample: SampleClaim, tried: TriedClaim) -> tuple[float, float]:
    """Return the processor time of the runs of the claim's tests, and of the repository's own."""
    names = set(re.findall(r"func (Test\w+)", "\n".join(sample.tests))) | {sample.test_path}
    own = suite = 0.0
    for command, result in zip(tried.runs.commands, tried.runs.results, strict=True):
        if any(name in " ".join(command.argv) for name in names):
            own += result.cpu_seconds
        else:
            suite += result.cpu_seconds
    return own, suite
