"""Local clones of every shape, made with real git: what is reviewed, what is read, and what is left alone."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewer.diff.model import FileStatus, Side
from reviewer.diff.parser import parse_diff
from reviewer.errors import NothingToReview, UsageError, WorktreeError
from reviewer.git.worktree import LocalChange, Worktree, open_worktree
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


def changed(change: LocalChange) -> dict[str, FileStatus]:
    return {file.path: file.status for file in parse_diff(change.diff_bytes).files}


def snapshot(repo: Repo) -> dict[str, str]:
    """Return a digest of every file below the repository, with its times: whatever is written shows."""
    return {
        str(path): f"{path.lstat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(repo.path.rglob("*"))
        if path.is_file()
    }


def clone(repo: Repo, to: Path, *options: str) -> Repo:
    repo.git("clone", "-q", *options, repo.path.as_uri(), str(to))
    return Repo(to)


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
    change = open_worktree(repo.path).diff()
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
    change = open_worktree(repo.path).diff()
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
    change = worktree.diff()
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
        assert changed(open_worktree(repo.path).diff()) == {"untracked": FileStatus.ADDED}
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
    change = open_worktree(repo.path).diff(range_)
    assert set(changed(change)) == paths
    assert (change.head is None) == (".." not in range_)
    assert range_ in change.description


@pytest.mark.parametrize(
    "range_", ["nosuch", "nosuch..HEAD", "HEAD...nosuch", "--output=stolen", "HEAD..-x", "^HEAD", "", "a\0b", "HEAD:x"]
)
def test_an_unknown_range_is_named(repo: Repo, range_: str) -> None:
    """A range that git does not know, an option in disguise and an empty one are refused with what to pass."""
    with pytest.raises(WorktreeError, match=r"revision.*A\.\.B") as caught:
        open_worktree(repo.path).diff(range_)
    assert not isinstance(caught.value, NothingToReview)
    assert not (repo.path / "stolen").exists()


def test_nothing_to_review_says_what_to_pass(repo: Repo) -> None:
    """On the default branch without changes there is nothing: its own error, a usage error, tells how to go on."""
    for range_ in (None, "HEAD", "HEAD..HEAD"):
        with pytest.raises(NothingToReview, match=r"A\.\.B") as caught:
            open_worktree(repo.path).diff(range_)
        assert isinstance(caught.value, UsageError)
        assert caught.value.exit_code == 2


def test_on_the_default_branch_the_uncommitted_changes_count(repo: Repo) -> None:
    """On `main` without a remote, the change is what is not committed."""
    repo.write("x", "other\n")
    change = open_worktree(repo.path).diff()
    assert changed(change) == {"x": FileStatus.MODIFIED}
    assert change.base_sha == repo.head()


def test_unpushed_commits_on_the_default_branch_count(repo: Repo, tmp_path: Path) -> None:
    """In a clone, commits on `main` that the remote lacks are part of the change."""
    cloned = clone(repo, tmp_path / "clone")
    cloned.write("unpushed", "1\n")
    cloned.commit()
    change = open_worktree(cloned.path).diff()
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
    change = open_worktree(repo.path).diff()
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
        change = open_worktree(cloned.path).diff()
        assert changed(change) == {"mine": FileStatus.ADDED}
        assert f"{remote}/release/9" in change.description


def test_a_stale_origin_head_is_not_believed(repo: Repo, tmp_path: Path) -> None:
    """When origin/HEAD names a branch that is gone, the usual names are tried."""
    cloned = clone(repo, tmp_path / "clone")
    cloned.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    cloned.write("mine", "1\n")
    assert "origin/main" in open_worktree(cloned.path).diff().description


@pytest.mark.slow
def test_without_a_default_branch_the_uncommitted_changes_count(tmp_path: Path) -> None:
    """A lone branch with an unusual name is compared with its own head, and says so."""
    repo = Repo.create(tmp_path / "repo")
    repo.git("checkout", "-q", "-b", "spike")
    repo.commit()
    repo.write("mine", "1\n")
    change = open_worktree(repo.path).diff()
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
    change = worktree.diff()
    assert changed(change) == {"staged": FileStatus.ADDED, "untracked": FileStatus.ADDED}
    assert worktree.title_and_description(change) == ("Uncommitted changes", "")
    with pytest.raises(WorktreeError, match="no revision 'HEAD'"):
        worktree.diff("HEAD")


@pytest.mark.slow
def test_an_empty_repository_has_nothing_to_review(tmp_path: Path) -> None:
    """No commit and no file is NothingToReview."""
    with pytest.raises(NothingToReview, match="nothing is committed yet"):
        open_worktree(Repo.create(tmp_path / "repo").path).diff()


def test_detached_head(repo: Repo) -> None:
    """Commits made on a detached head are compared with the default branch like those of a branch."""
    repo.git("checkout", "-q", "--detach")
    repo.write("mine", "1\n")
    repo.commit()
    assert changed(open_worktree(repo.path).diff()) == {"mine": FileStatus.ADDED}


def test_from_a_subdirectory_the_whole_repository_counts(repo: Repo) -> None:
    """A path below the root opens the same working tree, whatever diff.relative says."""
    repo.git("config", "diff.relative", "true")
    repo.write("deep/er/file", "1\n")
    repo.write("x", "other\n")
    worktree = open_worktree(repo.path / "deep" / "er")
    assert worktree.root == repo.path.resolve()
    assert set(changed(worktree.diff())) == {"deep/er/file", "x"}


def test_linked_worktree(repo: Repo, tmp_path: Path) -> None:
    """A worktree of `git worktree add`, whose index and objects live elsewhere, is reviewed like a clone."""
    repo.git("worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked: tree"))
    linked = Repo(tmp_path / "linked: tree")
    linked.write("untracked", "1\n")
    linked.write("x", "other\n")
    before = snapshot(repo)
    assert changed(open_worktree(linked.path).diff()) == {"untracked": FileStatus.ADDED, "x": FileStatus.MODIFIED}
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
    assert changed(open_worktree(repo.path).diff()) == {"untracked": FileStatus.ADDED, "x": FileStatus.MODIFIED}


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
    assert changed(open_worktree(repo.path).diff()) == {
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
    diff = parse_diff(open_worktree(repo.path).diff().diff_bytes)
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
    diff = parse_diff(open_worktree(repo.path).diff().diff_bytes)
    assert {(f.path, f.status, f.submodule) for f in diff.files} == {
        (".gitmodules", FileStatus.ADDED, False),
        ("lib", FileStatus.ADDED, True),
    }
    assert diff.anchor("lib", 1), "the short form has a line"
    repo.git("commit", "-q", "-m", "lib")
    with pytest.raises(NothingToReview):
        open_worktree(repo.path).diff("HEAD")


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
    diff = parse_diff(open_worktree(repo.path).diff("HEAD").diff_bytes)
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
    diff = parse_diff(worktree.diff().diff_bytes)
    assert diff.anchor("x", 1)
    assert diff.anchor("x", 3, side=Side.LEFT)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Make a program that leaves a mark when it runs, and name the mark."""
    program, mark = tmp_path / "trap.sh", tmp_path / "it-ran"
    program.write_text(f'#!/bin/sh\ntouch "{mark}"\ncat "$@" 2>/dev/null\n')
    program.chmod(0o755)
    yield program, mark
    mark.unlink(missing_ok=True)


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
    assert set(changed(worktree.diff("main"))) == {".gitattributes", "staged.evil", "untracked.evil"}
    worktree.title_and_description(worktree.diff("4b825dc642cb6eb9a060e54bf8d69288fbee4904..HEAD"))
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
    plain = open_worktree(repo.path).diff().diff_bytes
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
    assert open_worktree(repo.path).diff().diff_bytes == plain


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
            worktree.diff(range_)


def test_unrelated_histories_have_no_merge_base(repo: Repo) -> None:
    """Three dots between unrelated branches are refused with the form that works."""
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit()
    with pytest.raises(WorktreeError, match=r"no merge base in main\.\.\.other.*A\.\.B"):
        open_worktree(repo.path).diff("main...other")


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
        open_worktree(repo.path).diff()


def test_read_files_of_a_revision_and_of_the_disk(repo: Repo) -> None:
    """A file is read byte for byte from a revision or from the disk, by its exact name."""
    content = b"\xff\r\n\0 no newline"
    repo.write("dir/b [1] *", content)
    first = repo.commit()
    repo.write("dir/b [1] *", b"new")
    worktree = open_worktree(repo.path)
    assert worktree.read("dir/b [1] *", first) == content
    assert worktree.read("dir/b [1] *", "HEAD^{tree}") == content
    assert worktree.read("dir/b [1] *") == b"new"
    repo.write("dir/b 1 other", b"also matched by the name above, were it a pattern")
    for path in ("nosuch", "dir", "dir/", "dir/nosuch", "x/below", ":/x", "dir/b*"):
        assert worktree.read(path) is None
        assert worktree.read(path, "HEAD") is None
    for rev in ("nosuch", "--help"):
        with pytest.raises(WorktreeError, match="revision"):
            worktree.read("x", rev)


def test_several_files_are_read_at_once(repo: Repo) -> None:
    """What reading them one by one finds is found, byte for byte; what is no regular file is left out."""
    files = {"dir/a": b"", "dir/b": b"1\n2", "sp ace\n": b"\0\n\n", "x": b"1\n2\n3\n"}
    for path, content in files.items():
        repo.write(path, content)
    (repo.path / "link").symlink_to("x")
    head = repo.commit()
    worktree = open_worktree(repo.path)
    paths = ("x", "nosuch", "dir", "dir/b", "link", "../x", "sp ace\n", "dir/a", "x/below")
    for rev in (head, "HEAD", None):
        assert worktree.read_all(paths, rev) == files
        assert worktree.read_all(("nosuch", "dir"), rev) == {}
        assert worktree.read_all((), rev) == {}


def test_a_revision_that_is_not_here_is_an_error(repo: Repo) -> None:
    """An id that looks right but names nothing, or names a commit whose files are gone, is no empty answer."""
    worktree = open_worktree(repo.path)
    with pytest.raises(WorktreeError, match="git ls-tree failed"):
        worktree.read("x", "0123456789" * 4)
    blob = repo.git("rev-parse", "HEAD:x").decode().strip()
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(WorktreeError, match=f"{blob} is missing"):
        worktree.read("x", repo.head())


def test_read_never_leaves_the_root(repo: Repo, tmp_path: Path) -> None:
    """Symlinks, paths through them, absolute paths, dots and git's own directory give nothing."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (repo.path / "link").symlink_to("../secret")
    (repo.path / "inside").symlink_to("x")
    (repo.path / "dirlink").symlink_to("../outside")
    os.mkfifo(repo.path / "fifo")
    repo.git("add", "link", "inside", "dirlink")
    repo.git("commit", "-q", "-m", "links")
    worktree = open_worktree(repo.path)
    forbidden = [
        "../secret",
        "a/../../secret",
        str(tmp_path / "secret"),
        "./x",
        "",
        "/",
        "x\0",
        ".git/config",
        ".GIT/config",
    ]
    for path in (*forbidden, "link", "inside", "dirlink/secret", "fifo"):
        assert worktree.read(path) is None, path
        assert worktree.read(path, "HEAD") is None, path


def test_an_unreadable_file_is_an_error(repo: Repo) -> None:
    """A file without permission to read is not mistaken for one that does not exist."""
    (repo.path / "x").chmod(0)
    if os.access(repo.path / "x", os.R_OK):
        pytest.skip("this user may read anything")
    with pytest.raises(WorktreeError, match="x cannot be read: Permission denied"):
        open_worktree(repo.path).read("x")


def test_an_untracked_file_that_cannot_be_read_is_left_out(repo: Repo, caplog: pytest.LogCaptureFixture) -> None:
    """It is named, and the others are reviewed."""
    repo.write("open", "1\n")
    repo.write("closed", "2\n")
    (repo.path / "closed").chmod(0)
    if os.access(repo.path / "closed", os.R_OK):
        pytest.skip("this user may read anything")
    assert changed(open_worktree(repo.path).diff()) == {"open": FileStatus.ADDED}
    assert "closed" in caplog.text


def test_commit_messages_give_title_and_description(repo: Repo) -> None:
    """One commit gives its subject and body; several give the first subject and all messages, without merges."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("a", "1\n")
    repo.commit("Add a\n\nBecause b needs it.\n\nFixes #1\n")
    worktree = open_worktree(repo.path)

    def told(range_: str | None = None) -> tuple[str, str]:
        return worktree.title_and_description(worktree.diff(range_))

    assert told() == ("Add a", "Because b needs it.\n\nFixes #1")
    repo.write("a", "2\n")
    repo.commit("Mend ä\n")
    repo.git("checkout", "-q", "main")
    repo.write("b", "1\n")
    repo.commit("Another's work")
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "-q", "--no-edit", "main")
    expected = ("Add a", "- Add a\n\nBecause b needs it.\n\nFixes #1\n\n- Mend ä")
    assert told() == expected
    assert told("main...feature") == expected
    assert told("feature^1~1..feature^1") == ("Mend ä", "")
    assert told("4b825dc642cb6eb9a060e54bf8d69288fbee4904..main") == ("first", "- first\n\n- Another's work")
    repo.write("a", "3\n")
    assert told("feature") == ("Uncommitted changes", "")


def test_a_clone_can_be_described_by_its_parts(repo: Repo) -> None:
    """A Worktree is a plain value: two of the same root are equal."""
    assert open_worktree(repo.path) == Worktree(repo.path.resolve())
