"""Fixtures of the command line: a clone with a change, and `reviewer` as a real process in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.paths import ROOT
from tests.reviewer.cli.local_review import AFTER, BEFORE, Run


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Give a repository without a remote, with one commit and an uncommitted change."""
    folder = tmp_path / "clone"
    folder.mkdir()

    def git(*words: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    git("init")
    (folder / "stats.py").write_text(BEFORE)
    (folder / "AGENTS.md").write_text("Mind the empty list.\n")
    (folder / ".editorconfig").write_text("[*.py]\nindent_style = space\nindent_size = 4\n")
    git("add", ".")
    git("commit", "-m", "Begin")
    (folder / "stats.py").write_text(AFTER)
    return folder


@pytest.fixture
def reviewer(model: FakeModel, clone: Path) -> Run:
    """Return what runs `reviewer` in the clone."""

    def run(*words: str, given: str = "", cwd: Path = clone, **environ: str) -> subprocess.CompletedProcess[str]:
        known = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
        return subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *words],
            cwd=cwd, env={**known, **environ}, input=given, capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip

    return run
