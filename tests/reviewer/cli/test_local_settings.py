"""The command line reads the settings of the base, under each of their names, and refuses what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.cli.local_change import change_without_progress
from reviewer.domain.settings import Settings
from reviewer.errors import SettingsError
from tests.fixtures.git_repo import Repo

pytestmark = pytest.mark.slow

NARROW = "review:\n  exclude: ['private/**', 5]\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Give an empty repository."""
    return Repo.create(tmp_path / "repo")


def settings_of(repo: Repo) -> Settings:
    """Commit what is there, change a file, and return the settings of that change."""
    repo.write("x.py", "x = 1\n")
    repo.commit()
    repo.write("x.py", "x = 2\n")
    return change_without_progress(Path(repo.path), "HEAD")[1]


@pytest.mark.parametrize(
    "path", [".github/reviewer.yml", ".github/reviewer.yaml", ".github/Reviewer.yml", ".GitHub/reviewer.yaml"]
)
def test_settings_are_read(repo: Repo, capsys: pytest.CaptureFixture[str], path: str) -> None:
    """The good entries hold; what is wrong is said with the file's own name."""
    repo.write(path, NARROW)
    assert settings_of(repo).review.exclude == ("private/**", "5")
    assert f"{path}:2: `review.exclude`: entry 2" in capsys.readouterr().err


def test_without_settings_nothing_is_said(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a file of the working tree alone nor one about something else counts."""
    repo.write("reviewer.yml", "on: push\n")
    repo.write(".github/workflows/reviewer.yml", NARROW)
    assert settings_of(repo) == Settings()
    repo.write(".github/reviewer.yml", "review: [\n")
    assert change_without_progress(Path(repo.path), "HEAD")[1] == Settings()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", ["reviewer.yml", ".reviewer.yaml", ".github/.reviewer.yml"])
def test_files_that_look_like_settings_are_named(repo: Repo, capsys: pytest.CaptureFixture[str], path: str) -> None:
    """They are not read."""
    repo.write(path, NARROW)
    assert settings_of(repo) == Settings()
    assert f"{path}:1: not read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("review: [\n", "not valid YAML"),
        ("review:\n  exclude: {a: b}\n", "`review.exclude`"),
        ("budget:\n  per_review_usd: 5 $\n", "`budget.per_review_usd`"),
        (b"review:\n  exclude: ['\xff']\n", "UTF-8"),
        ("# " + "x" * 70_000, "larger than"),
        (None, "a link"),
    ],
)
def test_what_does_not_tell_what_may_be_reviewed_is_refused(
    repo: Repo, capsys: pytest.CaptureFixture[str], content: bytes | str | None, words: str
) -> None:
    """With the line, the commit and the way around it."""
    if content is None:
        repo.write("elsewhere.yml", NARROW)
        (repo.path / ".github").mkdir()
        (repo.path / ".github" / "reviewer.yml").symlink_to("../elsewhere.yml")
    else:
        repo.write(".github/reviewer.yml", content)
    with pytest.raises(SettingsError, match="--diff -"):
        settings_of(repo)
    assert words in capsys.readouterr().err
