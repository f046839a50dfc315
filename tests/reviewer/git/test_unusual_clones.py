"""Clones that are not ordinary: detached, linked, sparse, with submodules, in conflict, hostile, shallow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reviewer.diff.model import FileStatus, Side
from reviewer.diff.parser import parse_diff
from reviewer.errors import NothingToReview, WorktreeError
from reviewer.git.worktree import open_worktree
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo, make_trap
from tests.reviewer.git.changes import changed, clone, snapshot


def test_detached_head(repo: Repo) -> None:
    """Commits made on a detached head are compared with the default branch like those of a branch."""
    repo.git("checkout", "-q", "--detach")
    repo.write("mine", "1\n")
    repo.commit()
    assert changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO)) == {"mine": FileStatus.ADDED}


def test_from_a_subdirectory_the_whole_repository_counts(repo: Repo) -> None:
    """A path below the root opens the same working tree, whatever diff.relative says."""
    repo.git("config", "diff.relative", "true")
    repo.write("deep/er/file", "1\n")
    repo.write("x", "other\n")
    worktree = open_worktree(repo.path / "deep" / "er")
    assert worktree.root == repo.path.resolve()
    assert set(changed(worktree.diff(selection=UNTRACKED_TOO))) == {"deep/er/file", "x"}


def test_linked_worktree(repo: Repo, tmp_path: Path) -> None:
    """A worktree of `git worktree add`, whose index and objects live elsewhere, is reviewed like a clone."""
    repo.git("worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked: tree"))
    linked = Repo(tmp_path / "linked: tree")
    linked.write("untracked", "1\n")
    linked.write("x", "other\n")
    before = snapshot(repo)
    assert changed(open_worktree(linked.path).diff(selection=UNTRACKED_TOO)) == {
        "untracked": FileStatus.ADDED,
        "x": FileStatus.MODIFIED,
    }
    assert snapshot(repo) == before


def test_a_change_within_one_tick_of_the_clock_is_seen(repo: Repo) -> None:
    """A file rewritten with equal size and time right after `git add` is still changed, beside untracked files."""
    repo.git("config", "core.trustctime", "false")
    tick = 1_700_000_000_000_000_000
    os.utime(repo.path / "x", ns=(tick, tick))
    repo.git("update-index", "--refresh")
    repo.write("x", "1\n2\n4\n")
    repo.write("untracked", "1\n")
    for path in ("x", ".git/index"):
        os.utime(repo.path / path, ns=(tick, tick))
    assert changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO)) == {
        "untracked": FileStatus.ADDED,
        "x": FileStatus.MODIFIED,
    }


@pytest.mark.parametrize("form", ["--no-sparse-index", "--sparse-index"])
def test_sparse_checkout(repo: Repo, form: str) -> None:
    """In a sparse checkout new files count wherever they are, and files that were not checked out are not removed."""
    repo.write("in/a", "1\n")
    repo.write("out/b", "1\n")
    repo.commit()
    repo.git("sparse-checkout", "set", "--cone", form, "in")
    repo.write("in/a", "2\n")
    repo.write("in/new", "3\n")
    repo.write("out/new", "4\n")
    assert changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO)) == {
        "in/a": FileStatus.MODIFIED,
        "in/new": FileStatus.ADDED,
        "out/new": FileStatus.ADDED,
    }


def test_renames_spaces_and_languages_of_names(repo: Repo) -> None:
    """A rename is one, and names come back as they are, tracked or not."""
    text = "".join(f"{n}\n" for n in range(20))
    repo.write("old näme", text)
    repo.commit()
    repo.git("mv", "old näme", "new näme b ,x")
    repo.write('unträcked "q"\t', "1\n")
    repo.write(":!x", "2\n")
    diff = parse_diff(open_worktree(repo.path).diff(selection=UNTRACKED_TOO).diff_bytes)
    assert {(f.path, f.old_path, f.status) for f in diff.files} == {
        ("new näme b ,x", "old näme", FileStatus.RENAMED),
        ('unträcked "q"\t', 'unträcked "q"\t', FileStatus.ADDED),
        (":!x", ":!x", FileStatus.ADDED),
    }


def test_submodules_and_nested_repositories(repo: Repo, tmp_path: Path) -> None:
    """A submodule's commit is reviewed, its dirt is not; an untracked repository inside is left out."""
    inner = Repo.create(tmp_path / "inner")
    inner.write("file", "1\n")
    inner.commit()
    repo.git("submodule", "--quiet", "add", str(inner.path), "lib", settings={"protocol.file.allow": "always"})
    repo.git("config", "diff.submodule", "log")
    Repo.create(repo.path / "nested").write("file", "1\n")
    repo.write("lib/file", "dirty\n")
    diff = parse_diff(open_worktree(repo.path).diff(selection=UNTRACKED_TOO).diff_bytes)
    assert {(f.path, f.status, f.submodule) for f in diff.files} == {
        (".gitmodules", FileStatus.ADDED, False),
        ("lib", FileStatus.ADDED, True),
    }
    assert diff.anchor("lib", 1), "the short form has a line"
    repo.git("commit", "-q", "-m", "lib")
    with pytest.raises(NothingToReview):
        open_worktree(repo.path).diff("HEAD", UNTRACKED_TOO)


def test_unresolved_conflicts_can_be_reviewed(repo: Repo) -> None:
    """In the middle of a merge the working tree is compared as it is, with its conflict markers."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("x", "feature\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("x", "main\n")
    repo.commit()
    repo.git("merge", "-q", "feature", ok=(1,))
    repo.write("untracked", "1\n")
    diff = parse_diff(open_worktree(repo.path).diff("HEAD", UNTRACKED_TOO).diff_bytes)
    file = diff.file("x")
    assert file
    assert "<<<<<<< HEAD" in [line.text for line in file.hunks[0].lines]
    assert diff.file("untracked")


def test_variables_of_a_hook_do_not_mislead(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR and its like, as set inside a hook, point elsewhere and are not followed."""
    other = Repo.create(tmp_path / "other")
    other.write("elsewhere", "1\n")
    other.commit()
    for name, value in {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.path / ".git" / "index"),
        "GIT_OBJECT_DIRECTORY": str(other.path / ".git" / "objects"),
        "GIT_PREFIX": "nowhere/",
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_GLOB_PATHSPECS": "1",
        "LANGUAGE": "de",
    }.items():
        monkeypatch.setenv(name, value)
    repo.write("x", "1\n2\nthree\n")
    worktree = open_worktree(repo.path)
    assert worktree.root == repo.path.resolve()
    diff = parse_diff(worktree.diff(selection=UNTRACKED_TOO).diff_bytes)
    assert diff.anchor("x", 1)
    assert diff.anchor("x", 3, side=Side.LEFT)


@pytest.fixture
def trap(tmp_path: Path) -> tuple[Path, Path]:
    """Make a program that leaves a mark when it runs, and name the mark."""
    return make_trap(tmp_path)


@pytest.mark.parametrize(
    ("setting", "control"),
    [
        ("diff.external", ["diff", "HEAD"]),
        ("diff.evil.command", ["diff", "HEAD"]),
        ("diff.evil.textconv", ["diff", "HEAD"]),
        ("core.fsmonitor", ["diff", "HEAD"]),
        ("gpg.program", ["log"]),
        ("post-index-change", ["add", "--intent-to-add", "untracked.evil"]),
    ],
)
def test_a_hostile_clone_runs_nothing(repo: Repo, trap: tuple[Path, Path], setting: str, control: list[str]) -> None:
    """External diffs, textconv, fsmonitor, signature checks and hooks that a clone names do not run."""
    program, mark = trap
    text = repo.git("cat-file", "commit", "HEAD").replace(b"\n\n", b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n\n", 1)
    signed = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).decode().strip()
    repo.git("checkout", "-q", "-B", "feature", signed)
    repo.write(".gitattributes", "*.evil diff=evil\n")
    repo.write("staged.evil", "1\n")
    repo.git("add", ".")
    repo.write("untracked.evil", "1\n")
    repo.git("config", "log.showSignature", "true")
    if "." in setting:
        repo.git("config", setting, str(program))
    else:
        (repo.path / ".git" / "hooks").mkdir(exist_ok=True)
        (repo.path / ".git" / "hooks" / setting).symlink_to(program)
    worktree = open_worktree(repo.path)
    assert set(changed(worktree.diff("main", UNTRACKED_TOO))) == {".gitattributes", "staged.evil", "untracked.evil"}
    worktree.title_and_description(worktree.diff("4b825dc642cb6eb9a060e54bf8d69288fbee4904..HEAD", UNTRACKED_TOO))
    worktree.read("staged.evil")
    worktree.read("x", "HEAD")
    assert not mark.exists()
    repo.git(*control, ok=(0, 128))
    assert mark.exists(), "the trap itself does not work"


def test_settings_do_not_change_the_diff(repo: Repo) -> None:
    """Colours, prefixes, context, order and renames are ours whatever a person has set."""
    repo.write("old", "".join(f"{n}\n" for n in range(20)))
    repo.commit()
    repo.git("mv", "old", "new")
    repo.write("x", "1\n2\nthree\n")
    plain = open_worktree(repo.path).diff(selection=UNTRACKED_TOO).diff_bytes
    repo.write("../order", "x\n*\n")
    for name, value in {
        "color.ui": "always",
        "color.diff": "always",
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.context": "0",
        "diff.interHunkContext": "9",
        "diff.renames": "false",
        "diff.orderFile": str(repo.path.parent / "order"),
        "core.quotePath": "false",
        "diff.wordRegex": ".",
    }.items():
        repo.git("config", name, value)
    assert open_worktree(repo.path).diff(selection=UNTRACKED_TOO).diff_bytes == plain


def test_shallow_clones_say_how_to_deepen(repo: Repo, tmp_path: Path) -> None:
    """Without the merge base, or without any change to show, a shallow clone names the remedy."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("mine", "1\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("theirs", "1\n")
    repo.commit()
    shallow = clone(repo, tmp_path / "shallow", "--depth=1", "--no-single-branch")
    shallow.git("checkout", "-q", "feature")
    worktree = open_worktree(shallow.path)
    for range_ in (None, "origin/main...feature", "feature~1", "feature..feature"):
        with pytest.raises(WorktreeError, match=r"git fetch --unshallow.*fetch-depth: 0"):
            worktree.diff(range_, UNTRACKED_TOO)


def test_unrelated_histories_have_no_merge_base(repo: Repo) -> None:
    """Three dots between unrelated branches are refused with the form that works."""
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit()
    with pytest.raises(WorktreeError, match=r"no merge base in main\.\.\.other.*A\.\.B"):
        open_worktree(repo.path).diff("main...other", UNTRACKED_TOO)


@pytest.mark.slow
def test_where_there_is_no_working_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No directory, no repository, a bare one and no git at all each say what is wrong."""
    (tmp_path / "plain").mkdir()
    Repo.create(tmp_path / "repo").git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    for name, message in {
        "nosuch": "is not a directory",
        "plain": "not in the working tree of a git repository",
        "bare": "not in the working tree of a git repository",
        "repo/.git": "not in the working tree of a git repository",
    }.items():
        with pytest.raises(WorktreeError, match=message):
            open_worktree(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorktreeError, match="Git is not installed"):
        open_worktree(tmp_path / "repo")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_clone_of_somebody_else_is_explained(repo: Repo) -> None:
    """Git's refusal of a directory that another user owns is passed on with the command that trusts it."""
    os.chown(repo.path, 12345, 12345)
    with pytest.raises(WorktreeError, match=r"safe\.directory"):
        open_worktree(repo.path)


def test_a_failure_of_git_is_passed_on(repo: Repo) -> None:
    """A clone whose objects are gone is a WorktreeError with git's own words."""
    blob = repo.git("rev-parse", "HEAD:x").decode().strip()
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    repo.write("x", "other\n")
    with pytest.raises(WorktreeError, match=f"git diff failed.*{blob}"):
        open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
