"""Which part of a change is reviewed: paths, what is staged, and files that git does not track yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.errors import NothingToReview, UsageError, WorktreeError
from reviewer.git.selection import Selection, is_private, pathspecs, untracked_left_out
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo
from tests.reviewer.git.changes import changed


def test_untracked_files_are_left_out_and_named(repo: Repo) -> None:
    """Nobody decided yet that others may see them, so they are part of the change on request only."""
    repo.write("x", "4\n")
    repo.write("notes.txt", "n\n")
    change = open_worktree(repo.path).diff()
    assert set(changed(change)) == {"x"}
    assert change.not_shown == ("notes.txt",)
    assert set(changed(open_worktree(repo.path).diff(selection=UNTRACKED_TOO))) == {"x", "notes.txt"}


def test_only_untracked_files_say_how_to_review_them(repo: Repo) -> None:
    """There is nothing to review; the message says which option shows the new file."""
    repo.write("new.py", "1\n")
    with pytest.raises(NothingToReview, match=r"new\.py.*--untracked"):
        open_worktree(repo.path).diff()


def test_private_files_need_their_names(repo: Repo) -> None:
    """Not even with all untracked files: each is shown only where a pattern names it."""
    for name in (".env", "deploy/id_ed25519", "dump.sql", "a.py"):
        repo.write(name, "1\n")
    tree = open_worktree(repo.path)
    change = tree.diff(selection=UNTRACKED_TOO)
    assert (set(changed(change)), set(change.not_shown)) == ({"a.py"}, {".env", "deploy/id_ed25519", "dump.sql"})
    named = Selection(include=("dump.sql", "deploy/*"))
    assert set(changed(tree.diff(selection=named))) == {"dump.sql", "deploy/id_ed25519"}


@pytest.mark.parametrize(
    "path",
    [".env", "a/.env.local", "prod.env", ".ENV", "id_rsa", "k/id_ed25519", "server.pem", "tls.KEY", "x.p12", ".netrc",
     ".pgpass", "credentials", "credentials.json", "secrets.yaml", "terraform.tfstate", "prod.tfvars", "db.dump",
     "backup.sql.gz", ".env-prod", "prod.env.old", "x.p8", "a.dump.gz", "app.sqlite3", "core.1234", "trace.har"],
)  # fmt: skip
def test_names_that_are_private(path: str) -> None:
    assert is_private(path)


@pytest.mark.parametrize(
    "path",
    [".env.example", "env.py", "id_rsa.pub", "secrets.py.dist", "keys.py", "key/x.py", "README.md", "environment.ts",
     "sql/query.py", "corelib.py", "core.py", "dumper.go", "credentials_test.py"],
)  # fmt: skip
def test_names_that_are_not_private(path: str) -> None:
    assert not is_private(path)


def test_the_reviewers_own_outputs_are_no_part_of_the_change(repo: Repo) -> None:
    """A result that is written into the clone is neither reviewed the next time nor named."""
    repo.write("x", "4\n")
    repo.write("review.md", "n\n")
    repo.write("asked/1.prompt.md", "n\n")
    own = frozenset({"review.md", "asked"})
    change = open_worktree(repo.path).diff(selection=Selection(untracked=True, left_out=own))
    assert (set(changed(change)), change.not_shown) == ({"x"}, ())


def test_paths_limit_the_change(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a file from a folder below, a pattern, and what is left out, as after `--` of git diff."""
    for name in ("src/a.py", "src/b.py", "src/odd[1].py", "docs/c.md"):
        repo.write(name, "1\n")
    repo.commit()
    for name in ("src/a.py", "src/b.py", "src/odd[1].py", "docs/c.md", "x"):
        repo.write(name, "2\n")
    repo.write("src/new.py", "1\n")
    (repo.path / "src").joinpath("deep").mkdir()
    tree = open_worktree(repo.path)

    def files(*words: str, folder: str = ".", untracked: bool = False) -> set[str]:
        paths = pathspecs(list(words), repo.path / folder, tree.root)
        return set(changed(tree.diff("HEAD", Selection(paths=paths, untracked=untracked))))

    assert files("docs") == {"docs/c.md"}
    assert files("src", untracked=True) == {"src/a.py", "src/b.py", "src/odd[1].py", "src/new.py"}
    assert files("../a.py", folder="src/deep") == {"src/a.py"}
    assert files("**/*.md") == {"docs/c.md"}
    assert files("src/odd[1].py") == {"src/odd[1].py"}
    assert files("src", ":!src/b.py") == {"src/a.py", "src/odd[1].py"}
    assert files(":^src") == {"docs/c.md", "x"}
    assert files(".", folder="docs") == {"docs/c.md"}
    with pytest.raises(NothingToReview, match="paths that you named"):
        files("no-such-file")
    with pytest.raises(UsageError, match="outside of the repository"):
        files("../elsewhere")


def test_paths_of_a_range(repo: Repo) -> None:
    """Between two commits, paths limit the change too."""
    repo.write("a", "1\n")
    repo.write("b", "1\n")
    repo.commit()
    tree = open_worktree(repo.path)
    paths = pathspecs(["a"], repo.path, tree.root)
    assert set(changed(tree.diff("HEAD~1..HEAD", Selection(paths=paths)))) == {"a"}


def test_what_is_staged(repo: Repo) -> None:
    """The index against HEAD: neither later edits of the same file nor untracked files; files are read as staged."""
    repo.write("x", "staged\n")
    repo.write("added", "needle in the index\n")
    repo.git("add", "x", "added")
    repo.write("x", "edited\n")
    repo.write("added", "needle on the disk\n")
    repo.write("untracked", "needle\n")
    tree = open_worktree(repo.path)
    change = tree.diff(selection=Selection(staged=True))
    assert set(changed(change)) == {"x", "added"}
    assert b"+staged" in change.diff_bytes
    assert b"edited" not in change.diff_bytes
    sources = checkout_of(tree, change)
    assert sources.read(["x", "untracked"]) == {"x": "staged\n"}
    assert [(hit.path, hit.text) for hit in sources.search(["needle"])] == [("added", "needle in the index")]
    assert not tree.holds(change)


@pytest.mark.slow
def test_what_is_staged_before_the_first_commit(tmp_path: Path) -> None:
    """Everything in the index is new."""
    repo = Repo.create(tmp_path / "new")
    repo.write("a", "1\n")
    repo.git("add", "a")
    tree = open_worktree(repo.path)
    change = tree.diff(selection=Selection(staged=True))
    assert set(changed(change)) == {"a"}
    assert tree.holds(change)


def test_staged_against_a_revision(repo: Repo) -> None:
    """One revision may be named, a range not."""
    repo.write("y", "1\n")
    repo.commit()
    repo.write("z", "1\n")
    repo.git("add", "z")
    tree = open_worktree(repo.path)
    assert set(changed(tree.diff("HEAD~1", Selection(staged=True)))) == {"y", "z"}
    with pytest.raises(WorktreeError, match="--staged compares with one revision"):
        tree.diff("HEAD~1..HEAD", Selection(staged=True))


def test_a_path_in_place_of_a_revision_is_recognised(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """`reviewer diff x` says how paths are given."""
    monkeypatch.chdir(repo.path)
    with pytest.raises(WorktreeError, match=r"two dashes: -- x"):
        open_worktree(repo.path).diff("x")


def test_what_is_left_out_is_said_shortly() -> None:
    """Five names, how many more, and the option that shows them."""
    text = untracked_left_out([f"f{number}.py" for number in range(7)])
    assert text.startswith("7 untracked files are left out: f0.py, f1.py, f2.py, f3.py, f4.py and 2 more. --untracked")
    assert "--include .env" in untracked_left_out([".env"])
    assert "--untracked" not in untracked_left_out([".env"])
