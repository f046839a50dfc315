"""Copies of a checkout, what is written into them, runs without a sandbox, and text that is safe to print."""

from __future__ import annotations

import os
import secrets
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewer.errors import NoSandbox, UnsafePath, WorktreeError
from reviewer.safety.terminal import terminal_safe, workflow_safe
from reviewer.sandbox.api import SandboxCommand, SandboxLimits, SandboxResult
from reviewer.sandbox.staging import stage_revision, stage_working_tree
from reviewer.sandbox.unconfined import unconfined_runner
from tests.fixtures.git_repo import Repo, without_git_settings
from tests.fixtures.sandboxes import living
from tests.fixtures.waiting import wait_until


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_git_settings(monkeypatch, tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository with a committed, an ignored and an untracked file, and an environment with a package."""
    repo = Repo.create(tmp_path / "repo")
    repo.write(".gitignore", "build/\n.venv/\n")
    repo.write("src/app.py", "x = 1\n")
    repo.commit("first")
    repo.write("build/app.so", "built")
    repo.write(".venv/lib/package.py", "y = 1\n")
    repo.write("notes.txt", "untracked")
    return repo


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_a_copy_holds_what_is_on_disk(repo: Repo) -> None:
    """Tracked, changed, ignored and untracked files, empty folders, modes and times come along; git's do not."""
    repo.write("src/app.py", "x = 2\n")
    repo.write("run.sh", "#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o700)
    (repo.path / "empty").mkdir()
    repo.write("vendored/.git", "gitdir: ../.git/modules/vendored\n")
    repo.write("vendored/code.py", "")
    os.utime(repo.path / "src/app.py", ns=(1_000_000_007, 2_000_000_009))
    with stage_working_tree(repo.path, {"tests/test_app.py": b"def test(): ..."}) as stage:
        assert files(stage.tree) == {
            ".gitignore",
            ".venv/lib/package.py",
            "build/app.so",
            "notes.txt",
            "run.sh",
            "src/app.py",
            "tests/test_app.py",
            "vendored/code.py",
        }
        assert (stage.tree / "empty").is_dir()
        assert (stage.tree / "src/app.py").read_text() == "x = 2\n"
        assert (stage.tree / "src/app.py").stat().st_mtime_ns == 2_000_000_009
        assert stat.S_IMODE((stage.tree / "run.sh").stat().st_mode) == 0o755
    assert not stage.tree.exists()
    assert not (repo.path / "tests").exists()


def test_everything_in_a_copy_can_be_read_by_the_sandboxs_user(repo: Repo) -> None:
    """Whatever the umask and the modes are: files for reading, folders for entering, by anybody who gets there."""
    for path in (repo.path, *repo.path.rglob("*")):
        if ".git" not in path.parts:
            path.chmod(0o700 if path.is_dir() else 0o600)
    before = os.umask(0o077)
    try:
        with stage_working_tree(repo.path, {"new/test_x.py": b""}) as stage:
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (stage.tree, *stage.tree.rglob("*"))}
            reached = stat.S_IMODE(stage.tree.parent.stat().st_mode)
    finally:
        os.umask(before)
    assert {mode for path, mode in modes.items() if path.suffix} >= {0o644}
    assert all(mode & 0o004 for mode in modes.values()), modes
    assert reached == 0o700


def test_large_tool_folders_are_shared_where_that_is_safe(repo: Repo) -> None:
    """Files of an environment are hard links, the project's own never are, and without sharing none is."""
    (repo.path / ".venv/lib/private.py").touch(0o600)
    with stage_working_tree(repo.path, scratch=repo.path.parent) as stage:
        assert (stage.tree / ".venv/lib/package.py").samefile(repo.path / ".venv/lib/package.py")
        assert not (stage.tree / ".venv/lib/private.py").samefile(repo.path / ".venv/lib/private.py")
        assert not (stage.tree / "src/app.py").samefile(repo.path / "src/app.py")
        stage.put({".venv/lib/package.py": b"changed"})
    assert (repo.path / ".venv/lib/package.py").read_text() == "y = 1\n"
    with stage_working_tree(repo.path, scratch=repo.path.parent, share=False) as stage:
        assert not (stage.tree / ".venv/lib/package.py").samefile(repo.path / ".venv/lib/package.py")


def test_symlinks_stay_symlinks_and_nothing_else_special_is_copied(repo: Repo, tmp_path: Path) -> None:
    """A link out of the checkout is a link in the copy; pipes, sockets and what they would block on are left out."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    (repo.path / "folder").symlink_to(secret)
    (repo.path / "file").symlink_to(secret / "key")
    (repo.path / "broken").symlink_to("nowhere")
    os.mkfifo(repo.path / "pipe")
    with socket.socket(socket.AF_UNIX) as server, stage_working_tree(repo.path) as stage:
        server.bind(str(repo.path / "socket"))
        links = {path.name: str(path.readlink()) for path in stage.tree.iterdir() if path.is_symlink()}
        assert links == {"folder": str(secret), "file": str(secret / "key"), "broken": "nowhere"}
        assert not (stage.tree / "pipe").exists()
    with stage_working_tree(repo.path) as stage:
        assert not (stage.tree / "socket").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/abs",
        "a/../../out",
        "link/x",
        "src/app.py/x",
        ".git/hooks/x",
        "a/.GIT/x",
        "",
        ".",
        "a//b",
        "a\0b",
        "src",
    ],
)
def test_a_candidate_is_never_written_elsewhere(repo: Repo, tmp_path: Path, path: str) -> None:
    """Not above the copy, not through a symlink of the checkout, not into git's folder, not over a folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.path / "link").symlink_to(outside)
    with stage_working_tree(repo.path) as stage:
        before = files(tmp_path)
        with pytest.raises(UnsafePath):
            stage.put({path: b"x"})
        assert files(tmp_path) == before


def test_a_candidate_replaces_a_symlink_instead_of_following_it(repo: Repo, tmp_path: Path) -> None:
    """Where the checkout has a link of that name, the copy gets a file, and the link's target stays as it was."""
    (tmp_path / "target").write_text("as it was")
    (repo.path / "test_x.py").symlink_to(tmp_path / "target")
    with stage_working_tree(repo.path, {"test_x.py": b"new"}) as stage:
        assert not (stage.tree / "test_x.py").is_symlink()
        assert (stage.tree / "test_x.py").read_bytes() == b"new"
    assert (tmp_path / "target").read_text() == "as it was"


def test_files_are_taken_out_of_a_copy_again(repo: Repo) -> None:
    """What is not there does not matter."""
    with stage_working_tree(repo.path) as stage:
        before = files(stage.tree)
        stage.put({"tests/test_a.py": b"a"})
        assert files(stage.tree) == before | {"tests/test_a.py"}
        stage.take(["tests/test_a.py"])
        assert files(stage.tree) == before
        stage.take(["no/such/file", "notes.txt"])
        assert files(stage.tree) == before - {"notes.txt"}


def test_a_revision_comes_with_what_was_built(repo: Repo) -> None:
    """Files as the commit has them, none that came later, plus what git does not track and that is not in the way."""
    base = repo.head()
    repo.write("src/app.py", "x = 2\n")
    repo.write("src/new.py", "")
    repo.git("mv", ".gitignore", "ignore")
    repo.write(".gitignore", "build/\n.venv/\n")
    repo.commit("second")  # notes.txt with it
    repo.write("draft.py", "part of the change")
    repo.write("drafts/one.py", "part of the change")
    repo.write("drafts/two.py", "not part of it")
    index = (repo.path / ".git/index").read_bytes()
    with stage_revision(repo.path, base, {"test_x.py": b""}, without={"draft.py", "drafts/one.py"}) as stage:
        assert files(stage.tree) == {
            ".gitignore",
            ".venv/lib/package.py",
            "build/app.so",
            "drafts/two.py",
            "src/app.py",
            "test_x.py",
        }
        assert (stage.tree / "src/app.py").read_text() == "x = 1\n"
    assert (repo.path / ".git/index").read_bytes() == index


def test_a_revisions_own_files_win(repo: Repo, tmp_path: Path) -> None:
    """Where the commit has a file or symlink, untracked ones of that name stay out, and nothing is followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.path / "build").rename(tmp_path / "built")
    (repo.path / "build").symlink_to(outside)
    repo.git("add", "--force", "build")
    repo.write("notes.txt", "tracked")
    base = repo.commit("a link called build")
    repo.git("rm", "-q", "--cached", "build", "notes.txt")
    repo.commit("no longer")
    (repo.path / "build").unlink()
    (tmp_path / "built").rename(repo.path / "build")
    repo.write("notes.txt", "untracked")
    with stage_revision(repo.path, base) as stage:
        assert (stage.tree / "build").readlink() == outside
        assert (stage.tree / "notes.txt").read_text() == "tracked"
        assert (stage.tree / ".venv/lib/package.py").exists()
    assert list(outside.iterdir()) == []


def test_a_revision_that_git_does_not_know_is_said(repo: Repo) -> None:
    """The error quotes git, and nothing is left behind."""
    with pytest.raises(WorktreeError, match="read-tree failed"), stage_revision(repo.path, "f" * 40):
        pass


def ordered(tree: Path, *argv: str, **limits: Any) -> SandboxCommand:
    return SandboxCommand(argv, tree, shown_at=tree, limits=SandboxLimits(**{"seconds": 20, **limits}))


def bare(tree: Path, code: str, *arguments: str, **limits: float) -> SandboxResult:
    return unconfined_runner()(ordered(tree, sys.executable, "-I", "-c", code, *arguments, **limits))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an empty folder to run in; at the end nothing temporary may be left."""
    tree, scratch = tmp_path / "tree", tmp_path / "scratch"
    tree.mkdir()
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield tree
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
def test_without_a_sandbox_secrets_stay_out_of_the_environment(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command gets its order's variables, a home and folders of its own, and none of the reviewer's secrets."""
    monkeypatch.setenv("RUNAPI_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    ran = bare(
        tree, "import os; print(sorted(os.environ)); open(os.environ['REVIEWER_RESULTS'] + '/a', 'w').write('b')"
    )
    names = set(eval(ran.output))
    assert {"HOME", "PATH", "REVIEWER_RESULTS", "TMPDIR"} <= names
    assert names <= {"HOME", "PATH", "REVIEWER_RESULTS", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}
    assert ran.results == {"a": b"b"}
    assert ran.exit_code == 0


@pytest.mark.slow
def test_without_a_sandbox_time_and_output_are_limited(tree: Path) -> None:
    """An endless command is ended, an endless output cut, and an exit code is what the command gave."""
    ran = bare(tree, "import signal; print('here', flush=True); signal.pause()", seconds=1)
    assert (ran.exit_code, ran.output, ran.timed_out, ran.stopped) == (None, "here\n", True, "time")
    ran = bare(tree, "print('x' * 100_000); raise SystemExit(3)", output_bytes=10)
    assert (ran.exit_code, ran.output, ran.truncated) == (3, "x" * 10, True)
    ran = bare(tree, "while True: print('x' * 100_000)", output_bytes=10, seconds=0.5)
    assert (ran.output, ran.stopped) == ("x" * 10, "time")


@pytest.mark.slow
def test_without_a_sandbox_what_was_started_is_killed(tree: Path) -> None:
    """Children of the command die with it, whether it ended or was ended, and cannot hold the run up."""
    mark = f"mark-{secrets.token_hex(12)}"
    child = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()', sys.argv[1]])"
    )
    ran = bare(tree, child + "; print('started')", mark)
    assert (ran.exit_code, ran.output) == (0, "started\n")
    ran = bare(tree, f"import os, signal; {child}; os.close(1); os.close(2); signal.pause()", mark, seconds=0.5)
    assert ran.stopped == "time"
    wait_until(lambda: living(mark) == [], "every child is gone")


@pytest.mark.slow
def test_without_a_sandbox_results_are_collected_with_the_same_care(tree: Path) -> None:
    """Symlinks and files that are too large are left and counted."""
    code = "import os; os.chdir(os.environ['REVIEWER_RESULTS']); os.symlink('/etc/passwd', 'link')"
    ran = bare(tree, code + "; open('large', 'w').write('x' * 11); open('fits', 'w').write('x' * 10)", file_bytes=10)
    assert ran.results == {"fits": b"x" * 10}
    assert ran.refused == {"not a regular file": 1, "too large": 1}


@pytest.mark.slow
def test_without_a_sandbox_a_missing_program_is_said(tree: Path) -> None:
    """A command that cannot be started is a typed error."""
    with pytest.raises(NoSandbox, match="no-such-program"):
        unconfined_runner()(ordered(tree, "no-such-program"))


@pytest.mark.parametrize(
    "hostile",
    [
        "::set-env name=PATH::/evil",
        "::add-mask::x",
        "  ::error file=a,line=1::forged",
        "##[add-path]/evil",
        "::stop-commands::known",
        "a\r::set-output name=x::y",
        "a\r\n::save-state name=x::y",
        "\x1b[2K\x1b[1A::debug::x",
        "a\x85::warning::x",
        "a\u2028::warning::x",
        "\u202e::gnp",
        "::" + "0" * 64 + "::",
    ],
)
def test_commands_in_output_do_nothing_on_a_runner(hostile: str) -> None:
    """Every line of the output stands between a stop and a start whose token nobody could know when it was made."""
    tokens = set()
    for _ in range(3):
        first, *body, last, end = workflow_safe(hostile + "\n").split("\n")
        token = first.removeprefix("::stop-commands::")
        assert (last, end) == (f"::{token}::", "")
        assert len(token) == 64
        assert all(token not in line for line in body)
        assert all(one.isprintable() or one == "\t" for line in body for one in line)
        tokens.add(token)
    assert len(tokens) == 3


def test_plain_text_stays_as_it_is() -> None:
    """Letters of every language, tabs and newlines are kept; what a terminal would act on is marked."""
    assert terminal_safe("naïve 日本 ✓\tx\n\ny") == "naïve 日本 ✓\tx\n\ny"
    assert terminal_safe("a\r\nb\rc") == "a\nb\nc"
    assert terminal_safe("\x1b]0;title\x07") == "�]0;title�"
