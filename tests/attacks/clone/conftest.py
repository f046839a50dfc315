"""Fixtures of the tests in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.git_repo import Repo, make_trap, without_git_settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_git_settings(monkeypatch, tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository whose files have the attributes that a hostile clone gives them."""
    repo = Repo.create(tmp_path / "clone")
    repo.write(".gitattributes", "*.bin filter=evil diff=evil\n*.lfs filter=lfs\n*.odd filter=a.b-c\n")
    for name in ("x.bin", "x.lfs", "x.odd", "sub/y.bin"):
        repo.write(name, "1\n")
    repo.commit("first")
    repo.git("branch", "base")
    return repo


@pytest.fixture
def trap(tmp_path: Path) -> tuple[Path, Path]:
    """Make a program that leaves a mark when it runs, and name the mark."""
    return make_trap(tmp_path)
