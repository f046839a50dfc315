"""Reading files and commit messages of a clone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reviewer.diff.model import FileStatus
from reviewer.diff.parser import parse_diff
from reviewer.errors import WorktreeError
from reviewer.git.worktree import Worktree, open_worktree
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo
from tests.reviewer.git.changes import changed


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
        assert worktree.read_all(paths, rev, largest=3) == {path: files[path] for path in files if path != "x"}


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
    assert changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO)) == {"open": FileStatus.ADDED}
    assert "closed" in caplog.text


def test_commit_messages_give_title_and_description(repo: Repo) -> None:
    """One commit gives its subject and body; several give the first subject and all messages, without merges."""
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("a", "1\n")
    repo.commit("Add a\n\nBecause b needs it.\n\nFixes #1\n")
    worktree = open_worktree(repo.path)

    def told(range_: str | None = None) -> tuple[str, str]:
        return worktree.title_and_description(worktree.diff(range_, UNTRACKED_TOO))

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


def test_a_file_of_ten_megabytes_is_not_compared(repo: Repo) -> None:
    """Git compares it as binary, whatever the clone's settings say; the other files are shown."""
    repo.write("large.csv", "1,2\n" * 2_700_000)
    repo.write("small.csv", "1,2\n" * 2_000_000)
    first = repo.commit()
    repo.git("config", "core.bigFileThreshold", "1g")
    for name, lines in (("large.csv", 2_700_000), ("small.csv", 2_000_000)):
        repo.write(name, "1,2\n" * lines + "3,4\n")
    for head in ("", repo.commit()):
        change = open_worktree(repo.path).diff(f"{first}..{head}" if head else first)
        large, small = parse_diff(change.diff_bytes).files
        assert (large.binary, large.hunks) == (True, ())
        assert (small.binary, len(small.hunks)) == (False, 1)
