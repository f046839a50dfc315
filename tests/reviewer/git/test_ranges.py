"""Which change a range names in a real clone, and which branch is the default."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reviewer.diff.model import FileStatus
from reviewer.diff.parser import parse_diff
from reviewer.errors import NothingToReview, UsageError, WorktreeError
from reviewer.git.worktree import open_worktree
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo
from tests.reviewer.git.changes import changed, clone, snapshot


def test_everything_new_on_a_branch_is_the_change(repo: Repo) -> None:
    """Without a range: commits of the branch, staged, unstaged and untracked files, but no ignored one."""
    base = repo.head()
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("committed", "1\n")
    repo.commit()
    repo.write("staged", "1\n")
    repo.git("add", "staged")
    repo.write("x", "1\ntwo\n3\n")
    repo.write(".gitignore", "ignored\n")
    repo.write("ignored", "1\n")
    repo.write("deep/un tracked *.txt", "1\n")
    change = open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {
        ".gitignore": FileStatus.ADDED,
        "committed": FileStatus.ADDED,
        "deep/un tracked *.txt": FileStatus.ADDED,
        "staged": FileStatus.ADDED,
        "x": FileStatus.MODIFIED,
    }
    assert (change.base_sha, change.head) == (base, None)
    assert "main" in change.description
    assert parse_diff(change.diff_bytes).anchor("deep/un tracked *.txt", 1)


def test_main_moved_on_meanwhile(repo: Repo) -> None:
    """The change starts at the merge base: what others did on the default branch is none of it."""
    base = repo.head()
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("mine", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("theirs", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "feature")
    change = open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"mine": FileStatus.ADDED}
    assert change.base_sha == base


@pytest.mark.parametrize("untracked", [[], ["untracked"]], ids=["tracked", "untracked"])
def test_the_clone_is_left_as_it_was(repo: Repo, untracked: list[str]) -> None:
    """A review writes no object, no ref and no index, though git would note the new time of a touched file."""
    repo.write("touched", "1\n")
    repo.commit()
    repo.write("staged", "1\n")
    repo.git("add", ".")
    os.utime(repo.path / "touched", ns=(0, 0))
    repo.write("x", "changed\n")
    for name in untracked:
        repo.write(name, "2\n")
    before = snapshot(repo)
    worktree = open_worktree(repo.path)
    change = worktree.diff(selection=UNTRACKED_TOO)
    assert set(changed(change)) == {"staged", "x", *untracked}
    worktree.title_and_description(change)
    assert worktree.read("x", "HEAD")
    assert snapshot(repo) == before


def test_a_read_only_clone_will_do(repo: Repo) -> None:
    """A clone that is mounted read-only can be reviewed, untracked files included."""
    repo.write("untracked", "1\n")
    places = [repo.path, *(path for path in repo.path.rglob("*") if path.is_dir())]
    try:
        for place in places:
            place.chmod(stat.S_IRUSR | stat.S_IXUSR)
        if os.access(repo.path, os.W_OK):
            pytest.skip("this user may write anywhere")
        assert changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO)) == {"untracked": FileStatus.ADDED}
    finally:
        for place in places:
            place.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    ("range_", "paths"),
    [
        ("main..feature", {"mine", "theirs"}),
        ("main...feature", {"mine"}),
        ("feature...", {"theirs"}),
        ("..feature", {"mine", "theirs"}),
        ("feature", {"mine", "theirs", "uncommitted"}),
        ("HEAD", {"uncommitted"}),
        ("HEAD~1", {"theirs", "uncommitted"}),
        ("HEAD~1..", {"theirs"}),
        ("4b825dc642cb6eb9a060e54bf8d69288fbee4904..HEAD", {"x", "theirs"}),
    ],
)
def test_ranges_mean_what_git_says(repo: Repo, range_: str, paths: set[str]) -> None:
    """Two dots compare ends, three start at the merge base, one revision is compared with the working tree."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("mine", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("theirs", "other\n")
    repo.commit()
    repo.write("uncommitted", "more\n")
    change = open_worktree(repo.path).diff(range_, UNTRACKED_TOO)
    assert set(changed(change)) == paths
    assert (change.head is None) == (".." not in range_)
    assert range_ in change.description


@pytest.mark.parametrize(
    "range_", ["nosuch", "nosuch..HEAD", "HEAD...nosuch", "--output=stolen", "HEAD..-x", "^HEAD", "", "a\0b", "HEAD:x"]
)
def test_an_unknown_range_is_named(repo: Repo, range_: str) -> None:
    """A range that git does not know, an option in disguise and an empty one are refused with what to pass."""
    with pytest.raises(WorktreeError, match=r"revision.*A\.\.B") as caught:
        open_worktree(repo.path).diff(range_, UNTRACKED_TOO)
    assert not isinstance(caught.value, NothingToReview)
    assert not (repo.path / "stolen").exists()


def test_nothing_to_review_says_what_to_pass(repo: Repo) -> None:
    """On the default branch without changes there is nothing. That is no failure; it is told how to go on."""
    for range_ in (None, "HEAD", "HEAD..HEAD"):
        with pytest.raises(NothingToReview, match=r"A\.\.B") as caught:
            open_worktree(repo.path).diff(range_, UNTRACKED_TOO)
        assert isinstance(caught.value, UsageError)
        assert caught.value.exit_code == 0


def test_on_the_default_branch_the_uncommitted_changes_count(repo: Repo) -> None:
    """On `main` without a remote, the change is what is not committed."""
    repo.write("x", "other\n")
    change = open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"x": FileStatus.MODIFIED}
    assert change.base_sha == repo.head()


def test_unpushed_commits_on_the_default_branch_count(repo: Repo, tmp_path: Path) -> None:
    """In a clone, commits on `main` that the remote lacks are part of the change."""
    cloned = clone(repo, tmp_path / "clone")
    cloned.write("unpushed", "1\n")
    cloned.commit()
    change = open_worktree(cloned.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"unpushed": FileStatus.ADDED}
    assert "origin/main" in change.description


@pytest.mark.slow
@pytest.mark.parametrize("name", ["main", "master", "trunk", "develop", "house-style"])
def test_the_default_branch_is_found_without_a_remote(tmp_path: Path, name: str) -> None:
    """Usual names and the one in init.defaultBranch are default branches."""
    repo = Repo.create(tmp_path / "repo")
    repo.git("config", "init.defaultBranch", "house-style")
    repo.git("checkout", "-q", "-b", name)
    repo.commit()
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("mine", "1\n")
    repo.commit()
    change = open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"mine": FileStatus.ADDED}
    assert name in change.description


@pytest.mark.slow
def test_the_remote_says_which_branch_is_the_default(tmp_path: Path) -> None:
    """origin/HEAD wins over a branch that merely has a usual name; a remote of another name does too."""
    repo = Repo.create(tmp_path / "repo")
    repo.commit()
    repo.git("branch", "develop")
    repo.git("checkout", "-q", "-b", "release/9")
    repo.write("released", "1\n")
    repo.commit()
    for remote in ("origin", "upstream"):
        cloned = clone(repo, tmp_path / remote, "--origin", remote)
        cloned.git("checkout", "-q", "-b", "feature")
        cloned.write("mine", "1\n")
        change = open_worktree(cloned.path).diff(selection=UNTRACKED_TOO)
        assert changed(change) == {"mine": FileStatus.ADDED}
        assert f"{remote}/release/9" in change.description


def test_a_stale_origin_head_is_not_believed(repo: Repo, tmp_path: Path) -> None:
    """When origin/HEAD names a branch that is gone, the usual names are tried."""
    cloned = clone(repo, tmp_path / "clone")
    cloned.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    cloned.write("mine", "1\n")
    assert "origin/main" in open_worktree(cloned.path).diff(selection=UNTRACKED_TOO).description


@pytest.mark.slow
def test_without_a_default_branch_the_uncommitted_changes_count(tmp_path: Path) -> None:
    """A lone branch with an unusual name is compared with its own head, and says so."""
    repo = Repo.create(tmp_path / "repo")
    repo.git("checkout", "-q", "-b", "spike")
    repo.commit()
    repo.write("mine", "1\n")
    change = open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"mine": FileStatus.ADDED}
    assert "no default branch" in change.description


@pytest.mark.slow
def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    """An unborn branch is compared with the empty tree: staged and untracked files are all added."""
    repo = Repo.create(tmp_path / "repo")
    repo.write("staged", "1\n")
    repo.git("add", "staged")
    repo.write("untracked", "1\n")
    worktree = open_worktree(repo.path)
    change = worktree.diff(selection=UNTRACKED_TOO)
    assert changed(change) == {"staged": FileStatus.ADDED, "untracked": FileStatus.ADDED}
    assert worktree.title_and_description(change) == ("Uncommitted changes", "")
    with pytest.raises(WorktreeError, match="no revision 'HEAD'"):
        worktree.diff("HEAD", UNTRACKED_TOO)


@pytest.mark.slow
def test_an_empty_repository_has_nothing_to_review(tmp_path: Path) -> None:
    """No commit and no file is NothingToReview."""
    with pytest.raises(NothingToReview, match="nothing is committed yet"):
        open_worktree(Repo.create(tmp_path / "repo").path).diff(selection=UNTRACKED_TOO)
