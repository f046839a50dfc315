"""A local clone: the change in it, the files in it, and what its commits say. The only module that runs git.

Promises: nothing in the clone is written (no index, no refs, no objects), nothing outside it is read, and no program
that the clone names is run for a diff: no external diff, textconv, fsmonitor, hook, pager or signature check. Clean
filters (git-lfs, line ends) do run, as in `git add`, because they define what would be committed. Never uses a shell.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import NothingToReview, WorktreeError

#: Wins over every settings file. https://git-scm.com/docs/git-config
_SETTINGS = (
    "core.quotePath=true",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "index.sparse=false",  # git 2.39 crashes when untracked files are announced in a sparse index
)

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

#: The variables of git that say who and where the person is. All others (GIT_DIR, GIT_INDEX_FILE, ...) would point git
#: elsewhere, as they do inside a hook. https://git-scm.com/docs/git#_environment_variables
_KEPT = (
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP",
    "GIT_SSH",
    "GIT_SSL",
)

_FORCED = {
    "LC_ALL": "C",  # messages that are looked at
    "GIT_LITERAL_PATHSPECS": "1",  # a file may be called *
    "GIT_TERMINAL_PROMPT": "0",
}

_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")
_TIMEOUT = 300.0  # seconds; a partial clone may fetch files while it compares them
_MOST_COMMITS = 50
_HOW = "Pass a range: A..B, A...B, or one revision to compare with the working tree."
_SHALLOW = "This clone is shallow. Run git fetch --unshallow, or set fetch-depth: 0 for actions/checkout."


@dataclass(frozen=True, slots=True)
class LocalChange:
    """A change in a local clone.

    `diff_bytes` is what git printed, never empty. `base_sha` is the commit it starts from (a tree, where the range
    names one or nothing is committed yet), `head` the commit it ends with or None for the working tree. `description`
    says in words what was compared.
    """

    diff_bytes: bytes
    base_sha: str
    head: str | None
    description: str


@dataclass(frozen=True, slots=True)
class _Ends:
    base: str
    head: str | None
    description: str


def open_worktree(path: str | Path) -> Worktree:
    """Return the working tree around that directory. Raises WorktreeError where there is none, or no git."""
    if not Path(path).is_dir():
        raise WorktreeError(f"{path} is not a directory.")
    done = _run(Path(path), "rev-parse", "--show-toplevel")
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
            raise NothingToReview(f"Nothing to review: no difference in {ends.description}. {_HOW}{hint}")
        return LocalChange(diff_bytes, ends.base, ends.head, ends.description)

    def read(self, path: str, rev: str | None = None) -> bytes | None:
        """Return the content of a file at a revision, or as it is on disk when `rev` is None.

        None when no regular file is there: nothing, a directory, a submodule, a symlink or a path through one, git's
        own directory, or a path that leaves the root. On disk, line ends may differ from the diff's (core.autocrlf).
        Raises WorktreeError for an unknown revision and for a file that may not be read.
        """
        parts = path.split("/")
        if "\0" in path or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
            return None
        return self._read_disk(parts) if rev is None else self._read_tree(path, self._object(rev))

    def title_and_description(self, range_: str | None = None) -> tuple[str, str]:
        """Return what the commits of a range say: the subject of the first, and its body.

        Several commits: the title is that of the first (it says what the work is about; later ones correct it), the
        description lists all messages, oldest first, 50 at most. No commit: the title says so.
        """
        ends = self._ends(range_)
        tip = ends.head or self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        messages = self._messages(ends.base, tip) if tip else []
        if not messages:
            return "Uncommitted changes", ""
        if len(messages) == 1:
            return messages[0]
        return messages[0][0], "\n\n".join(f"- {subject}\n\n{body}".rstrip() for subject, body in messages)

    def _ends(self, range_: str | None) -> _Ends:
        if range_ is None:
            return self._default_ends()
        for dots in ("...", ".."):
            if dots in range_:
                old, _, new = range_.partition(dots)
                base, head = self._object(old or "HEAD"), self._object(new or "HEAD")
                return _Ends(self._merge_base(base, head, range_) if dots == "..." else base, head, range_)
        return _Ends(self._object(range_), None, f"{range_} to the working tree")

    def _default_ends(self) -> _Ends:
        head = self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            empty_tree = self._git("hash-object", "-t", "tree", "--stdin").decode().strip()
            return _Ends(empty_tree, None, "the whole working tree (nothing is committed yet)")
        branch = self._default_branch()
        if branch is None:
            return _Ends(head, None, "HEAD to the working tree (no default branch was found)")
        name = branch.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        base = self._merge_base(self._object(branch), head, f"{name}...HEAD")
        return _Ends(base, None, f"the merge base with {name} ({base[:10]}) to the working tree")

    def _default_branch(self) -> str | None:
        """Return the full name of the default branch: what the remote says, else the first usual name that exists."""
        remotes = (self._ask("remote") or "").split("\n")
        remote = "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else ""
        names = [self._ask("config", "--get", "init.defaultBranch") or "", *_DEFAULT_BRANCHES]
        places = ([f"refs/remotes/{remote}/"] if remote else []) + ["refs/heads/"]
        wanted = [place + name for name in names if name for place in places]
        if remote and (told := self._ask("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")):
            wanted.insert(0, told)
        existing = set((self._ask("for-each-ref", "--format=%(refname)", *wanted) or "").split("\n"))
        return next((branch for branch in wanted if branch in existing), None)

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
        objects, index = (
            self.root / (self._ask("rev-parse", "--git-path", name) or name) for name in ("objects", "index")
        )
        listed = self._git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
        files = [name for name in listed if name and not name.endswith(b"/")]  # a slash ends a repository of its own
        with tempfile.TemporaryDirectory(prefix="reviewer-") as scratch:
            ours = {"GIT_INDEX_FILE": f"{scratch}/index"}
            if index.exists():
                # With its time: a file changed within that tick counts as unchanged otherwise.
                # https://git-scm.com/docs/racy-git
                shutil.copy2(index, ours["GIT_INDEX_FILE"])
            if files:
                escaped = str(objects).replace("\\", "\\\\").replace('"', '\\"')
                store = {"GIT_OBJECT_DIRECTORY": scratch, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"'}
                add = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
                everywhere = ("core.sparseCheckout=false",)  # else git refuses files outside of a sparse checkout
                self._git(*add, settings=everywhere, environment=ours | store, stdin=b"\0".join(files))
            yield ours

    def _read_disk(self, parts: list[str]) -> bytes | None:
        place = self.root
        for part in parts:
            place /= part
            if place.is_symlink():
                return None
        try:
            return place.read_bytes() if place.is_file() else None
        except OSError as error:
            raise WorktreeError(f"{'/'.join(parts)} cannot be read: {error.strerror}.") from error

    def _read_tree(self, path: str, tree: str) -> bytes | None:
        for entry in self._git("ls-tree", "-z", tree, "--", path).split(b"\0"):
            attributes, _, name = entry.partition(b"\t")
            mode, _, blob = attributes.partition(b" blob ")
            if name == os.fsencode(path) and mode.startswith(b"100"):
                return self._git("cat-file", "blob", blob.decode())
        return None

    def _messages(self, base: str, tip: str) -> list[tuple[str, str]]:
        """Return subject and body of the commits after base, oldest first, without merges."""
        is_commit = self._ask("cat-file", "-t", base) == "commit"
        revisions = [tip, f"^{base}"] if is_commit else [tip]
        options = (
            "-z",
            "--reverse",
            "--no-merges",
            "--no-patch",
            "--no-color",
            "--no-show-signature",
            "--encoding=UTF-8",
        )
        output = self._git("log", *options, f"--max-count={_MOST_COMMITS}", "--format=%s%x00%b", *revisions, "--")
        texts = [text.strip() for text in output.decode("utf-8", "replace").split("\0")]
        return list(zip(texts[0::2], texts[1::2], strict=False))

    def _ask(self, *args: str) -> str | None:
        """Return one answer of git as text, or None when git says no."""
        done = _run(self.root, *args)
        return os.fsdecode(done.stdout.removesuffix(b"\n")) if done.returncode == 0 else None

    def _git(
        self, *args: str, settings: Sequence[str] = (), environment: Mapping[str, str] = {}, stdin: bytes = b""
    ) -> bytes:
        done = _run(self.root, *args, settings=settings, environment=environment, stdin=stdin)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise WorktreeError(f"git {args[0]} failed in {self.root}: {said or f'exit code {done.returncode}'}")
        return done.stdout


def _run(
    directory: Path,
    *args: str,
    settings: Sequence[str] = (),
    environment: Mapping[str, str] = {},
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run git there, however it ends. Raises WorktreeError when there is no git, or when it does not come back."""
    program = shutil.which("git")
    if program is None:
        raise WorktreeError("Git is not installed, or not on the PATH. Install it, or pass a diff with --diff FILE.")
    options = [option for setting in (*_SETTINGS, *settings) for option in ("-c", setting)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    try:
        return subprocess.run(  # noqa: S603 - an argument list, without a shell
            [program, "--no-pager", *options, *args],
            cwd=directory,
            env={**kept, **_FORCED, **environment},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise WorktreeError(f"git {args[0]} did not end within {_TIMEOUT:.0f} seconds in {directory}.") from error
