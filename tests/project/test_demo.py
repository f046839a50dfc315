"""`make demo` shows a review, whole, on a machine without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow


def test_the_demo_shows_a_review(tmp_path: Path) -> None:
    """Comments on the right lines, the summary, the check run, and a page that shows the same."""
    page = tmp_path / "demo.html"
    command = [sys.executable, "-m", "tests.demo", "--page", str(page)]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    for said in (
        "-> 202",
        "Inline comment at src/cart.py:22 (RIGHT):",
        "Inline comment at src/discounts.py:6 (RIGHT):",
        "Check run `reviewer`: neutral, 3 findings",
        "tests/test_remove.py",
    ):
        assert said in run.stdout
    drawn = page.read_text("utf-8")
    number = re.escape('<td class="n"></td><td class="n">22</td>')
    row = re.search(number + r'<td>[^\n]*?</td></tr>(<tr class="note">.*?</tr>)', drawn, re.DOTALL)
    assert row is not None
    assert "KeyError" in row[1]
    assert "reviewer:finding" not in re.sub(r"<!--.*?-->", "", drawn)
