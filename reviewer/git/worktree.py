"""A local clone: the change in it, the files in it, and what its commits say.

Promises: nothing in the clone is written (no index, no refs, no objects), nothing outside it is read, and no program
that the clone names is run for a diff: no external diff, textconv, fsmonitor, hook, pager or signature check. Clean
filters (git-lfs, line ends) do run, as in `git add`, because they define what would be committed.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reviewer.domain.sources import is_unsafe_path
from reviewer.errors import NothingToReview, WorktreeError
from reviewer.git.command import run_git

#: One form whatever the person's settings say. https://git-scm.com/docs/git-diff
_DIFF = (
    "diff",
    "--patch",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--find-renames",
    "--unified=3",
    "--inter-hunk-context=0",
    "--submodule=short",
    "--ignore-submodules=dirty",  # a commit's id can be reviewed, and git need not run inside the submodule
    f"-O{os.devnull}",
)

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")
_MOST_COMMITS = 50
_HOW = "Pass a range: A..B, A...B, or one revision to compare with the working tree."
_SHALLOW = "This clone is shallow. Run git fetch --unshallow, or set fetch-depth: 0 for actions/checkout."


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalChange:
    """A change in a local clone.

    `diff_bytes` is what git printed, never empty. `base_sha` is the commit it starts from (a tree, where the range
    names one or nothing is committed yet), `head` the commit it ends with or None for the working tree. `tip` is the
    last commit: `head`, or what the working tree was checked out from, None where nothing is committed yet.
    `description` says in words what was compared.
    """

    diff_bytes: bytes
    base_sha: str
    head: str | None
    tip: str | None
    description: str


@dataclass(frozen=True, slots=True)
class _Ends:
    base: str
    head: str | None
    tip: str | None
    description: str


def open_worktree(path: str | Path) -> Worktree:
    """Return the working tree around that directory. Raises WorktreeError where there is none, or no git."""
    if not Path(path).is_dir():
        raise WorktreeError(f"{path} is not a directory.")
    done = run_git(Path(path), "rev-parse", "--show-toplevel")
    if b"dubious ownership" in done.stderr:
        raise WorktreeError(
            f"Git does not trust {path}, because it belongs to another user. "
            f"If you trust it: git config --global --add safe.directory {Path(path).resolve()}"
        )
    if done.returncode:
        raise WorktreeError(f"{path} is not in the working tree of a git repository. Run this inside a clone.")
    return Worktree(Path(os.fsdecode(done.stdout.removesuffix(b"\n"))))


@dataclass(frozen=True, slots=True)
class Worktree:
    """The working tree whose topmost directory is `root`. Made by `open_worktree`."""

    root: Path

    def diff(self, range_: str | None = None) -> LocalChange:
        """Return the change of a range.

        None: everything that is new here against the merge base with the default branch: commits, staged, unstaged and
        untracked files. `A..B` and `A...B` as in git diff; `A` against the working tree, with untracked files, since
        they are what would be committed; ignored files never count.

        Raises NothingToReview when there is no change, WorktreeError for a range git does not know.
        """
        ends = self._ends(range_)
        if ends.head is None:
            with self._own_index() as environment:
                diff_bytes = self._git(*_DIFF, ends.base, "--", environment=environment)
        else:
            diff_bytes = self._git(*_DIFF, ends.base, ends.head, "--")
        if not diff_bytes:
            hint = f" {_SHALLOW}" if self._is_shallow() else ""
            raise NothingToReview(f"Nothing to review: no difference: {ends.description}. {_HOW}{hint}")
        return LocalChange(diff_bytes, ends.base, ends.head, ends.tip, ends.description)

    def read(self, path: str, rev: str | None = None) -> bytes | None:
        """Return the content of a file at a revision, or as it is on disk when `rev` is None.

        None when no regular file is there: nothing, a directory, a submodule, a symlink or a path through one, git's
        own directory, or a path that leaves the root. On disk, line ends may differ from the diff's (core.autocrlf).
        Raises WorktreeError for an unknown revision and for a file that may not be read.
        """
        return self.read_all((path,), rev).get(path)

    def read_all(self, paths: Sequence[str], rev: str | None = None) -> dict[str, bytes]:
        """Return what `read` finds at each of the paths, without those where it finds nothing. As dear as one file."""
        inside = [path for path in paths if not is_unsafe_path(path)]
        if rev is not None:
            return self._read_tree(inside, rev) if inside else {}
        found = {path: self._read_disk(path) for path in inside}
        return {path: data for path, data in found.items() if data is not None}

    def title_and_description(self, change: LocalChange) -> tuple[str, str]:
        """Return what the commits of a change say: the subject of the first, and its body.

        Several commits: the title is that of the first (it says what the work is about; later ones correct it), the
        description lists all messages, oldest first, 50 at most. No commit: the title says so.
        """
        messages = self._messages(change.base_sha, change.tip) if change.tip else []
        if not messages:
            return "Uncommitted changes", ""
        if len(messages) == 1:
            return messages[0]
        return messages[0][0], "\n\n".join(f"- {subject}\n\n{body}".rstrip() for subject, body in messages)

    def head(self) -> str | None:
        """Return the commit that is checked out, None where nothing is committed yet."""
        return self._head()

    def holds(self, change: LocalChange) -> bool:
        """Whether the files here are those that the change ends with."""
        if change.head is None:
            return True
        clean = not self._git("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
        return change.head == self._head() and clean

    def _ends(self, range_: str | None) -> _Ends:
        if range_ is None:
            return self._default_ends()
        for dots in ("...", ".."):
            if dots in range_:
                old, _, new = range_.partition(dots)
                base, head = self._object(old or "HEAD"), self._object(new or "HEAD")
                base = self._merge_base(base, head, range_) if dots == "..." else base
                return _Ends(base, head, head, range_)
        return _Ends(self._object(range_), None, self._head(), f"from {range_} to the working tree")

    def _default_ends(self) -> _Ends:
        head = self._head()
        if head is None:
            empty_tree = self._git("hash-object", "-t", "tree", "--stdin").decode().strip()
            return _Ends(empty_tree, None, None, "the whole working tree (nothing is committed yet)")
        branch = self._default_branch()
        if branch is None:
            return _Ends(head, None, head, "from HEAD to the working tree (no default branch was found)")
        name = branch[0].removeprefix("refs/heads/").removeprefix("refs/remotes/")
        base = self._merge_base(branch[1], head, f"{name}...HEAD")
        return _Ends(base, None, head, f"from the merge base with {name} ({base[:10]}) to the working tree")

    def _head(self) -> str | None:
        """Return the commit that is checked out, None where nothing is committed yet."""
        return self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    def _default_branch(self) -> tuple[str, str] | None:
        """Return full name and commit of the default branch: what the remote says, else the first usual name."""
        remotes, usual = self._configured()
        remote = "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else ""
        places = ([f"refs/remotes/{remote}/"] if remote else []) + ["refs/heads/"]
        wanted = [place + name for name in (*usual, *_DEFAULT_BRANCHES) for place in places]
        told = f"{places[0]}HEAD"  # points to another branch where the remote said which one is its default
        listed = self._ask("for-each-ref", "--format=%(refname) %(objectname) %(symref)", told, *wanted) or ""
        existing: dict[str, tuple[str, str]] = {}
        for line in filter(None, listed.split("\n")):
            name, commit, target = line.split(" ")
            if target or name != told:
                existing[name] = (target or name, commit)
        return next((existing[name] for name in (told, *wanted) if name in existing), None)

    def _configured(self) -> tuple[list[str], list[str]]:
        """Return the names of the remotes, and the name of the first branch of new repositories, if one is set."""
        listed = self._ask("config", "-z", "--get-regexp", r"^(init\.defaultbranch|remote\..+\.[^.]+)$") or ""
        settings = [entry.partition("\n") for entry in listed.split("\0") if entry]
        remotes = [
            key.removeprefix("remote.").rpartition(".")[0] for key, _, _ in settings if key.startswith("remote.")
        ]
        usual = [value for key, _, value in settings if key == "init.defaultbranch"]
        return list(dict.fromkeys(remotes)), [name for name in usual[-1:] if name]

    def _object(self, name: str) -> str:
        """Return the id of the commit, or else of the tree, with that name. Raises WorktreeError naming it."""
        if name.startswith(("-", "^")) or "\0" in name:
            raise WorktreeError(f"{name!r} is not a revision. {_HOW}")
        for kind in ("commit", "tree") if name else ():
            if found := self._ask("rev-parse", "--verify", "--quiet", f"{name}^{{{kind}}}"):
                return found
        hint = _SHALLOW if self._is_shallow() else "Is it spelt right, and fetched?"
        raise WorktreeError(f"Git knows no revision {name!r}. {hint} {_HOW}")

    def _merge_base(self, old: str, new: str, range_: str) -> str:
        base = self._ask("merge-base", old, new)
        if base is None:
            hint = _SHALLOW if self._is_shallow() else "Pass A..B to compare them as they are."
            raise WorktreeError(f"There is no merge base in {range_}. {hint}")
        return base

    def _is_shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository") == "true"

    @contextmanager
    def _own_index(self) -> Iterator[Mapping[str, str]]:
        """Give git a copy of the index, with untracked files announced (`git add -N`), for as long as it lasts.

        A copy even without such files, because git diff writes the times of touched files back. The empty file that git
        stores with untracked ones goes to a directory of our own too, so a read-only clone will do.
        """
        index = self._git_path("index")
        listed = self._git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
        files = [name for name in listed if name and not name.endswith(b"/")]  # a slash ends a repository of its own
        closed = [name for name in files if not self._can_be_read(name)]
        if closed:
            named = ", ".join(os.fsdecode(name) for name in closed[:5])
            _LOG.warning("left out, as it cannot be read: %s", named)
            files = [name for name in files if name not in closed]
        with tempfile.TemporaryDirectory(prefix="reviewer-") as scratch:
            ours = {"GIT_INDEX_FILE": f"{scratch}/index"}
            if index.exists():
                # With its time: a file changed within that tick counts as unchanged otherwise.
                # https://git-scm.com/docs/racy-git
                shutil.copy2(index, ours["GIT_INDEX_FILE"])
            if files:
                escaped = str(self._git_path("objects")).replace("\\", "\\\\").replace('"', '\\"')
                store = {"GIT_OBJECT_DIRECTORY": scratch, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"'}
                add = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
                everywhere = ("core.sparseCheckout=false",)  # else git refuses files outside of a sparse checkout
                self._git(*add, settings=everywhere, environment=ours | store, stdin=b"\0".join(files))
            yield ours

    def _can_be_read(self, name: bytes) -> bool:
        place = os.path.join(os.fsencode(self.root), name)  # noqa: PTH118 - a name of any bytes
        return os.path.islink(place) or os.access(place, os.R_OK)  # noqa: PTH114

    def _git_path(self, name: str) -> Path:
        return self.root / (self._ask("rev-parse", "--git-path", name) or name)

    def _read_disk(self, path: str) -> bytes | None:
        place = self.root
        for part in path.split("/"):
            place /= part
            if place.is_symlink():
                return None
        try:
            return place.read_bytes() if place.is_file() else None
        except OSError as error:
            raise WorktreeError(f"{path} cannot be read: {error.strerror}.") from error

    def _read_tree(self, paths: Sequence[str], rev: str) -> dict[str, bytes]:
        tree = rev if _ID.fullmatch(rev) else self._object(rev)
        blobs: dict[str, str] = {}
        for entry in self._git("ls-tree", "-z", tree, "--", *paths).split(b"\0"):
            attributes, _, name = entry.partition(b"\t")
            mode, _, blob = attributes.partition(b" blob ")
            if mode.startswith(b"100") and os.fsdecode(name) in paths:
                blobs[os.fsdecode(name)] = blob.decode()
        return dict(zip(blobs, self._contents(list(blobs.values())), strict=True))

    def _contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        if not blobs:
            return
        # https://git-scm.com/docs/git-cat-file#_batch_output
        output = io.BytesIO(self._git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode()))
        for blob in blobs:
            _, kind, *size = output.readline().split()
            if kind != b"blob":
                raise WorktreeError(f"git cat-file failed in {self.root}: {blob} is {kind.decode()}")
            yield output.read(int(size[0]))
            output.read(1)  # the newline behind it

    def _messages(self, base: str, tip: str) -> list[tuple[str, str]]:
        """Return subject and body of the commits after base, oldest first, without merges. After a tree: of all."""
        options = (
            "-z",
            "--reverse",
            "--no-merges",
            "--no-patch",
            "--no-color",
            "--no-show-signature",
            "--encoding=UTF-8",
        )
        output = self._git("log", *options, f"--max-count={_MOST_COMMITS}", "--format=%s%x00%b", tip, f"^{base}", "--")
        texts = [text.strip() for text in output.decode("utf-8", "replace").split("\0")]
        return list(zip(texts[0::2], texts[1::2], strict=False))

    def _ask(self, *args: str) -> str | None:
        """Return one answer of git as text, or None when git says no."""
        done = run_git(self.root, *args)
        return os.fsdecode(done.stdout.removesuffix(b"\n")) if done.returncode == 0 else None

    def _git(
        self, *args: str, settings: Sequence[str] = (), environment: Mapping[str, str] = {}, stdin: bytes = b""
    ) -> bytes:
        done = run_git(self.root, *args, settings=settings, environment=environment, stdin=stdin)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise WorktreeError(f"git {args[0]} failed in {self.root}: {said or f'exit code {done.returncode}'}")
        return done.stdout
