"""Where the repository and the data of the tests are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What output and prompts must be like, to the byte; UPDATE_GOLDEN=1 writes it anew.
GOLDEN = ROOT / "tests" / "golden"
PROMPTS = GOLDEN / "prompts"
#: Small projects that are staged, tested and mutated.
SAMPLES = ROOT / "tests" / "samples"
#: The shipped cases of `reviewer eval`.
CASES = ROOT / "evals"
