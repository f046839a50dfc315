"""Make real git repositories: commits from values, read back by running git.

Every sha, tree and diff that the double serves is git's own. Answers for immutable shas are cached. The git settings
of the machine and of the user are ignored.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_FULL_SHA = re.compile("[0-9a-f]{40}")
#: A branch whose name is the path of its file.
_PLAIN_NAME = re.compile(r"[\w-]+(?:[./][\w-]+)*", re.ASCII)
#: What stands in expressions of git, and in no name of a branch or tag.
_NO_NAMES = (":", "^", "~", "@{", "..", "\n")


class GitFailed(Exception):
    """Git ended with an error; the message holds its arguments and output."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is not a plain one: mode `100755`, `120000` (content: the target) or `160000` (content: a sha)."""

    content: bytes | str
    mode: str = "100644"


Files = Mapping[str, "bytes | str | Entry | None"]


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of `git ls-tree`: `size` is None unless it is a blob."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit as GitHub shows it; `date` in seconds since the epoch."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: int
    message: str


def _environment() -> dict[str, str]:
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {"PATH": os.environ["PATH"], "HOME": os.devnull, **quiet}


def _quoted(path: str) -> bytes:
    """Return a path as fast-import wants it: C-quoted, so that any character may occur in it."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")


class GitRepository:
    """A bare repository in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[Any, ...], Any] = {}

    @classmethod
    def create(cls, path: Path, default_branch: str = "main") -> GitRepository:
        """Make an empty bare repository."""
        path.mkdir(parents=True)
        repository = cls(path)
        repository.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", ".")
        return repository

    def fork(self, path: Path) -> GitRepository:
        """Return a bare clone that shares the objects, as a fork on GitHub does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.run("clone", "--quiet", "--bare", "--shared", "--template=", str(self.path), str(path))
        return GitRepository(path)

    def copy(self, path: Path) -> GitRepository:
        """Return a copy that shares nothing, with what is known of its commits: faster than to make them again."""
        shutil.copytree(self.path, path)
        copied = GitRepository(path)
        copied._known |= self._known
        return copied

    def run(self, *args: str, data: bytes | None = None) -> bytes:
        """Run git in the repository and return its output. Raises GitFailed."""
        done = subprocess.run(
            ["git", *args], cwd=self.path, input=data, capture_output=True, env=_environment(), check=False
        )
        if done.returncode:
            raise GitFailed(f"git {' '.join(args)}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def remember(self, key: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """Return `compute()`, once per key. Keys must hold shas only, never names that can move."""
        if key not in self._known:
            self._known[key] = compute()
        known: T = self._known[key]
        return known

    def commit(self, branch: str, files: Files, message: str, *, parents: Sequence[str], author: str, date: int) -> str:
        """Add a commit, move `branch` to it and return its sha. A value of None removes the file."""
        identity = f"{author} <{author}@users.noreply.github.com> {date} +0000".encode()
        text = message.encode()
        script = [b"commit refs/heads/" + branch.encode(), b"mark :1", b"author " + identity, b"committer " + identity]
        script += [b"data %d" % len(text), text]
        script += [b"%s %s" % (b"from" if not n else b"merge", sha.encode()) for n, sha in enumerate(parents)]
        for path, value in files.items():
            script += self._change(path, value)
        script += [b"", b"get-mark :1", b"done", b""]
        found = self.run("fast-import", "--quiet", "--force", "--done", data=b"\n".join(script))
        return found.decode().strip()

    def _change(self, path: str, value: bytes | str | Entry | None) -> list[bytes]:
        if value is None:
            return [b"D " + _quoted(path)]
        entry = value if isinstance(value, Entry) else Entry(value)
        content = entry.content.encode() if isinstance(entry.content, str) else entry.content
        if entry.mode == "160000":
            return [b"M 160000 " + content + b" " + _quoted(path)]
        return [f"M {entry.mode} inline ".encode() + _quoted(path), b"data %d" % len(content), content]

    def set_ref(self, ref: str, sha: str) -> None:
        """Point a full ref name at a commit."""
        self.run("update-ref", ref, sha)

    def delete_ref(self, ref: str) -> None:
        self.run("update-ref", "-d", ref)

    def fetch(self, other: GitRepository, source: str, target: str) -> None:
        """Bring the commits of another repository's ref here, under the full ref name `target`."""
        self.run("fetch", "--quiet", "--no-tags", str(other.path), f"+{source}:{target}")

    def resolve(self, revision: str, kind: str = "commit") -> str | None:
        """Return the sha a revision names, or None. Tries a branch, a tag, and a full or short sha.

        GitHub takes no branch or tag that is named like a full sha.
        """
        if revision.startswith("-") or not revision or any(mark in revision for mark in _NO_NAMES):
            return None
        if _FULL_SHA.fullmatch(revision) is None:
            if tip := self._loose(revision):
                return self.resolve(tip, kind)
            return self._resolve(kind, f"refs/heads/{revision}", f"refs/tags/{revision}", revision)
        key = ("resolve", revision, kind)
        # What is not there yet may come.
        if key not in self._known and (found := self._resolve(kind, revision)) is not None:
            self._known[key] = found
        known: str | None = self._known.get(key)
        return known

    def _resolve(self, kind: str, *names: str) -> str | None:
        """Return the sha of the first name that there is, by one run of git."""
        wanted = "".join(f"{name}^{{{kind}}}\n" for name in names).encode("utf-8", "surrogateescape")
        lines = self.run("cat-file", "--batch-check=%(objecttype) %(objectname)", data=wanted).decode().split("\n")
        found = (re.fullmatch(rf"{kind} ([0-9a-f]{{40}})", line) for line in lines)
        return next((match[1] for match in found if match), None)

    def _loose(self, branch: str) -> str | None:
        """Return the sha of a branch where git keeps it in a file of its own, as it does until refs are packed."""
        if _PLAIN_NAME.fullmatch(branch) is None:
            return None
        try:
            tip = (self.path / "refs" / "heads" / branch).read_text("ascii").strip()
        except OSError:
            return None
        return tip if _FULL_SHA.fullmatch(tip) else None

    def branch(self, name: str) -> str | None:
        """Return the sha of a branch, or None."""
        return self._loose(name) or self.branches().get(name)

    def branches(self) -> dict[str, str]:
        """Return branch name -> sha."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").decode()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines.split("\n") if line)}

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the merge base of two commits, or None for unrelated histories."""

        def find() -> str | None:
            try:
                return self.run("merge-base", one, other).decode().strip()
            except GitFailed:
                return None

        return self.remember(("merge-base", one, other), find)

    def between(self, base: str, head: str) -> tuple[str, ...]:
        """Return the commits reachable from head and not from base, oldest first."""
        return self.remember(
            ("between", base, head),
            lambda: tuple(self.run("rev-list", "--reverse", "--topo-order", f"{base}..{head}").decode().split()),
        )

    def diff(self, base: str, head: str) -> bytes:
        """Return `git diff base head` as GitHub shows it: three lines of context, renames found."""
        options = ("--no-color", "--no-ext-diff", "-U3", "-M")
        return self.remember(("diff", base, head), lambda: self.run("diff", *options, base, head))

    def raw(self, base: str, head: str) -> bytes:
        """Return `git diff --raw -z`: one record a file, in the order of `diff`."""
        return self.remember(
            ("raw", base, head), lambda: self.run("diff", "--raw", "-z", "-M", "--no-abbrev", base, head)
        )

    def format_patch(self, base: str, head: str) -> bytes:
        """Return the mails of `git format-patch`: the `.patch` media type."""
        return self.run("format-patch", "--stdout", f"{base}..{head}")

    def changed_lines(self, then: str, now: str, path: str) -> list[tuple[int, int, int, int]]:
        """Return the hunks of a file between two commits, without context, as `hunk_header` reads them.

        A file that is not in both has every line changed.
        """
        names = (f"{then}:{path}", f"{now}:{path}")
        try:
            text = self.remember(("moves", *names), lambda: self.run("diff", "-U0", "--no-color", *names))
        except GitFailed:
            return [(1, 1 << 30, 1, 0)]
        return [hunk_header(line) for line in text.split(b"\n") if line.startswith(b"@@ ")]

    def commit_info(self, sha: str) -> CommitInfo:
        """Return what a commit says. Raises GitFailed for an unknown sha."""

        def read() -> CommitInfo:
            shown = self.run("show", "-s", "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%B", sha).decode(
                errors="replace"
            )
            full, tree, parents, name, email, date, message = shown.split("\0", 6)
            return CommitInfo(full, tree, tuple(parents.split()), name, email, int(date), message.rstrip("\n"))

        return self.remember(("commit", sha), read)

    def tree(self, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """Return the entries of a tree or commit; recursive lists directories too."""
        options = ["-r", "-t"] if recursive else []
        return self.remember(("tree", sha, recursive), lambda: self._list(*options, sha))

    def at(self, commit: str, path: str) -> TreeEntry | None:
        """Return what stands at a path of a commit, or None. The empty path is the root tree."""
        if not path:
            return TreeEntry("040000", "tree", self.commit_info(commit).tree, None, "")
        entries = self.remember(
            ("paths", commit), lambda: {entry.path: entry for entry in self.tree(commit, recursive=True)}
        )
        return entries.get(path)

    def _list(self, *args: str) -> list[TreeEntry]:
        entries = []
        for record in self.run("--literal-pathspecs", "ls-tree", "-z", "-l", *args).split(b"\0"):
            if record:
                facts, _, path = record.partition(b"\t")
                mode, kind, sha, size = facts.decode().split()
                known = None if size == "-" else int(size)
                entries.append(TreeEntry(mode, kind, sha, known, path.decode("utf-8", "surrogateescape")))
        return entries

    def blob(self, sha: str) -> bytes:
        """Return the bytes of a blob. Raises GitFailed for anything else."""
        return self.remember(("blob", sha), lambda: self.run("cat-file", "blob", sha))

    def merge_tree(self, base: str, head: str) -> str | None:
        """Return the tree of a merge, or None where it conflicts."""

        def merge() -> str | None:
            try:
                return self.run("merge-tree", "--write-tree", base, head).decode().split("\n")[0]
            except GitFailed:
                return None

        return self.remember(("merge", base, head), merge)

    def merge_commit(self, base: str, head: str, message: str, *, author: str) -> str | None:
        """Return a new merge commit of two heads, or None where they conflict. No ref is moved."""
        tree = self.merge_tree(base, head)
        if tree is None:
            return None
        who = ("-c", f"user.name={author}", "-c", f"user.email={author}@users.noreply.github.com")
        return self.run(*who, "commit-tree", tree, "-p", base, "-p", head, "-m", message, data=b"").decode().strip()


def hunk_header(line: bytes) -> tuple[int, int, int, int]:
    """Return (old start, old count, new start, new count) of an `@@ -1,2 +3 @@` line; a missing count is 1."""
    old, new = (part[1:].split(b",") for part in line.split(b" ")[1:3])
    counts = [int(side[1]) if len(side) > 1 else 1 for side in (old, new)]
    return int(old[0]), counts[0], int(new[0]), counts[1]
