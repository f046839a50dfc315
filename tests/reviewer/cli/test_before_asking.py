"""What the command line shows and asks before anything leaves the machine, as a person meets it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.paths import ROOT
from tests.reviewer.cli.local_review import ZERO, Run, find


def test_a_dry_run_shows_what_would_be_sent(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """Files with untracked ones marked, what is left out and why, calls, tokens, dollars, model; it needs no key."""
    (clone / "new.py").write_text("x = 1\n")
    (clone / "a\nno call.py").write_text("x = 1\n")
    (clone / "yarn.lock").write_text("a\n")
    done = reviewer("diff", "--untracked", "--dry-run", RUNAPI_KEY="")
    assert (done.returncode, done.stdout, model.calls) == (0, "", [])
    for part in (
        "stats.py: ",
        "new.py (untracked): ",
        "  a no call.py (untracked): ",
        "not yarn.lock: lock file",
        "MiniMax-M2.1",
        model.base_url,
    ):
        assert part in done.stderr
    assert "in about 2 calls that read " in done.stderr
    assert "about $0.00" in done.stderr


def test_without_a_terminal_the_limit_stops_the_review(reviewer: Run, model: FakeModel) -> None:
    """Nobody can be asked, so nothing is sent, and the message says what to change."""
    done = reviewer("diff", "--max-usd", "0.0001")
    assert (done.returncode, model.calls) == (2, [])
    assert "Nothing was sent. Name fewer paths, or a higher --max-usd." in done.stderr
    assert ", more than $0.0001 (--max-usd)" in done.stderr
    find(model, ZERO)
    assert reviewer("diff", "--max-usd", "2").returncode == 0


def test_a_limit_needs_a_price(reviewer: Run, model: FakeModel) -> None:
    """For a model without a known price the limit cannot hold, so the review is not made."""
    model.models = (*model.models, "MiniMax-M9")
    done = reviewer("diff", "--model", "MiniMax-M9", "--max-usd", "1")
    assert (done.returncode, model.calls) == (2, [])
    assert "REVIEWER_PRICES" in done.stderr
    lock_file = "--- a/yarn.lock\n+++ b/yarn.lock\n@@ -1 +1 @@\n-a\n+b\n"
    asks_nothing = reviewer("diff", "--model", "MiniMax-M9", "--max-usd", "1", "--diff", "-", given=lock_file)
    assert asks_nothing.returncode == 0, asks_nothing.stderr


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "much", ""])
def test_an_amount_is_a_number(reviewer: Run, amount: str) -> None:
    """Anything else is named, with an example of what is meant."""
    done = reviewer("diff", f"--max-usd={amount}")
    assert (done.returncode, "such as 0.50" in done.stderr) == (2, True)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_on_a_terminal_the_person_is_asked(model: FakeModel, clone: Path, answer: str, code: int) -> None:
    """Only a yes sends anything."""
    if code == 0:
        find(model, ZERO)
    ours, theirs = pty.openpty()
    environ = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    os.write(ours, f"{answer}\n".encode())
    with subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "diff", "--max-usd", "0.0001"],
        cwd=clone, env=environ, stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        os.close(theirs)
        assert process.wait(100) == code
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "Go on? [y/N]" in shown
    assert bool(model.calls) == (code == 0)
