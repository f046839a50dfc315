"""Fixtures of the tests in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.git_repo import Repo, without_git_settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_git_settings(monkeypatch, tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository with one commit, of the file `x`, on `main`."""
    repo = Repo.create(tmp_path / "repo")
    repo.write("x", "1\n2\n3\n")
    repo.commit("first")
    return repo
