"""Read a local clone: the diff of a range, files, and commit messages.

Nothing in the clone is written (no index, refs or objects), nothing outside it is read, nothing is fetched, and no
program that the clone configures is run (see `reviewer.git.command`). Filters are programs too, so a file of git-lfs is
compared as it is on disk. Line endings are converted as in `git add`, because that defines what would be committed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewer.domain.sources import is_unsafe_path
from reviewer.errors import NothingToReview, WorktreeError
from reviewer.git.command import filters_off, git_output, run_git
from reviewer.git.index_copy import own_index, untracked_files
from reviewer.git.revisions import (
    HOW_TO_NAME_A_RANGE,
    INDEX,
    SHALLOW_CLONE,
    ends_of,
    head_commit,
    is_shallow,
    object_id,
    staged_ends,
)
from reviewer.git.selection import Selection, untracked_left_out

#: The same form for all settings of the person. https://git-scm.com/docs/git-diff
_DIFF = (
    "diff",
    "--patch",
    "--no-color",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--find-renames",
    "--unified=3",
    "--inter-hunk-context=0",
    "--submodule=short",
    "--ignore-submodules=dirty",  # only a submodule's commit id is reviewed, so git need not run inside it
    f"-O{os.devnull}",
)

_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_COMMITS = 50


#: Bytes of a file that is read whole: as much as git compares (see `reviewer.git.command`).
LARGEST_FILE = 10 * 1024 * 1024

EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class LocalChange:
    """A change in a local clone.

    `diff_bytes` is git's output, never empty. `base_sha` is the commit it starts from (or a tree, if the range names
    one or nothing is committed yet), `head` the commit it ends with, None for the working tree. `tip` is the last
    commit: `head`, or the commit that is checked out, None if nothing is committed yet. `description` says what was
    compared. `untracked` are the files of the diff that git does not track yet, `not_shown` those that were left out.
    """

    diff_bytes: bytes
    base_sha: str
    head: str | None
    tip: str | None
    description: str
    untracked: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()


def open_worktree(path: str | Path) -> Worktree:
    """Return the working tree that contains a directory. Raises WorktreeError if there is none, or no git."""
    if not Path(path).is_dir():
        raise WorktreeError(f"{path} is not a directory.")
    root = _folder_with_git(Path(path).resolve())
    if root is None:
        raise WorktreeError(f"{path} is not in the working tree of a git repository. Run this inside a clone.")
    done = run_git(root, "rev-parse", "--show-toplevel")
    if b"dubious ownership" in done.stderr:
        raise WorktreeError(
            f"Git does not trust {path}, because it belongs to another user. "
            f"If you trust it: git config --global --add safe.directory {root}"
        )
    if done.returncode:
        raise WorktreeError(f"{path} is not in the working tree of a git repository. Run this inside a clone.")
    top = Path(os.fsdecode(done.stdout.removesuffix(b"\n")))
    if not top.is_dir() or not top.samefile(root):
        raise WorktreeError(
            f"The clone at {root} names another folder as its working tree (core.worktree is {top}), so it is not "
            "read. Remove that setting: git config --unset core.worktree"
        )
    return Worktree(top)


def _folder_with_git(start: Path) -> Path | None:
    """Return the nearest folder around `start` that is the top of a working tree.

    Git is started there only: below it, git would take any folder of the clone that looks like a bare repository for
    the repository, with its settings. https://git-scm.com/docs/git-config#Documentation/git-config.txt-safebareRepository
    """
    if ".git" in start.parts:
        return None
    ceilings = {Path(place) for place in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep) if place}
    for folder in (start, *start.parents):
        if folder != start and folder in ceilings:
            return None
        mark = folder / ".git"
        if mark.is_file() or os.path.lexists(mark / "HEAD"):
            return folder
    return None


@dataclass(frozen=True, slots=True)
class Worktree:
    """A working tree; `root` is its top directory. Made by `open_worktree`."""

    root: Path

    def diff(self, range_: str | None = None, selection: Selection = EVERYTHING) -> LocalChange:
        """Return the selected part of the change of a range.

        None compares the merge base with the default branch to the working tree: commits, staged and unstaged changes.
        `A..B` and `A...B` are as in git diff. `A` compares with the working tree. In the working tree the selection
        decides about untracked files; ignored files are never included. With `staged`, the index is compared with HEAD
        or with the revision `A`.

        Raises NothingToReview if there is no change, WorktreeError for a range that git does not know.
        """
        ends = staged_ends(self.root, range_) if selection.staged else ends_of(self.root, range_)
        untracked: tuple[str, ...] = ()
        not_shown: tuple[str, ...] = ()
        patterns = {"GIT_LITERAL_PATHSPECS": "0"}  # `selection.paths` say for each whether it is one
        filters = filters_off(self.root)
        if ends.head is None:
            untracked, not_shown = untracked_files(self.root, selection)
            with own_index(self.root, untracked, filters) as environment:
                words = (*_DIFF, ends.base, "--", *selection.paths)
                diff_bytes = git_output(self.root, *words, filters=filters, environment={**environment, **patterns})
        else:
            to = ("--cached", ends.base) if ends.head == INDEX else (ends.base, ends.head)
            words = (*_DIFF, *to, "--", *selection.paths)
            diff_bytes = git_output(self.root, *words, filters=filters, environment=patterns)
        if not diff_bytes:
            raise NothingToReview(self._why_nothing(ends.description, selection, not_shown))
        return LocalChange(diff_bytes, ends.base, ends.head, ends.tip, ends.description, untracked, not_shown)

    def _why_nothing(self, description: str, selection: Selection, not_shown: Sequence[str]) -> str:
        hints = [HOW_TO_NAME_A_RANGE]
        if selection.paths:
            hints.append("Only the paths that you named were compared.")
        if not_shown:
            hints.append(untracked_left_out(not_shown))
        if is_shallow(self.root):
            hints.append(SHALLOW_CLONE)
        return f"Nothing to review: no difference: {description}. {' '.join(hints)}"

    def read(self, path: str, rev: str | None = None) -> bytes | None:
        """Return the content of a file at a revision, or as it is on disk when `rev` is None.

        None if there is no regular file: nothing, a directory, a submodule, a symlink or a path through one, git's own
        directory, or a path that leaves the root. On disk, line endings may differ from the diff's (core.autocrlf).
        Raises WorktreeError for an unknown revision and for an unreadable file.
        """
        return self.read_all((path,), rev).get(path)

    def read_all(self, paths: Sequence[str], rev: str | None = None, largest: int = LARGEST_FILE) -> dict[str, bytes]:
        """Return the content of each path for which `read` finds one, of at most `largest` bytes.

        Takes as long as for one file, and no memory for the others.
        """
        inside = [path for path in paths if not is_unsafe_path(path)]
        if rev is not None:
            return self._read_blobs(inside, rev, largest) if inside else {}
        found = {path: self._read_disk(path, largest) for path in inside}
        return {path: data for path, data in found.items() if data is not None}

    def blobs(self, rev: str, folders: Sequence[str] = ()) -> dict[str, str]:
        """Return the paths at the top of a revision and in these folders of it, with the id of each regular file.

        The id of anything else is empty. A folder that is named is not itself among them. Raises WorktreeError.
        """
        places = ("./", *(f"{folder}/" for folder in folders))
        listed: dict[str, str] = {}
        for entry in git_output(self.root, "ls-tree", "-z", rev, "--", *places).split(b"\0"):
            attributes, _, name = entry.partition(b"\t")
            mode, _, blob = attributes.partition(b" blob ")
            if name:
                listed[os.fsdecode(name)] = blob.decode() if mode.startswith(b"100") else ""
        return listed

    def read_blobs(self, blobs: Mapping[str, str]) -> dict[str, bytes]:
        """Return the content of each path from its id, as `blobs` returns it."""
        return dict(zip(blobs, self._contents(list(blobs.values())), strict=True))

    def title_and_description(self, change: LocalChange) -> tuple[str, str]:
        """Return a title and a description from the commits of a change: the subject and the body of the only commit.

        For several commits the title is the first subject (it usually says what the work is about), and the description
        lists all messages, oldest first, at most 50. Without a commit the title says so.
        """
        tip = change.tip if change.tip != change.base_sha else None
        messages = self._messages(change.base_sha, tip) if tip else []
        if not messages:
            return "Uncommitted changes", ""
        if len(messages) == 1:
            return messages[0]
        return messages[0][0], "\n\n".join(f"- {subject}\n\n{body}".rstrip() for subject, body in messages)

    def head(self) -> str | None:
        """Return the commit that is checked out, None where nothing is committed yet."""
        return head_commit(self.root)

    def holds(self, change: LocalChange) -> bool:
        """Whether the files on disk are the end of the change."""
        if change.head is None:
            return True
        if change.head == INDEX:
            return run_git(self.root, "diff-files", "--quiet").returncode == 0
        clean = not git_output(self.root, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
        return change.head == head_commit(self.root) and clean

    def goes_through_link(self, path: str) -> bool:
        """Return whether the file on disk is a symlink, or lies behind one."""
        place = self.root
        for part in path.split("/"):
            place /= part
            if place.is_symlink():
                return True
        return False

    def _read_disk(self, path: str, largest: int) -> bytes | None:
        place = self.root / path
        if self.goes_through_link(path):
            return None
        try:
            return place.read_bytes() if place.is_file() and place.stat().st_size <= largest else None
        except OSError as error:
            raise WorktreeError(f"{path} cannot be read: {error.strerror}.") from error

    def _read_blobs(self, paths: Sequence[str], rev: str, largest: int) -> dict[str, bytes]:
        """Return the content of the regular files among the paths that are not too large, in a tree or in the index."""
        if rev == INDEX:
            listed = git_output(self.root, "ls-files", "--stage", "-z", "--", *paths)  # mode, id, stage
        else:
            tree = rev if _ID.fullmatch(rev) else object_id(self.root, rev)
            listed = git_output(self.root, "ls-tree", "-z", tree, "--", *paths)  # mode, type, id
        blobs: dict[str, str] = {}
        for entry in listed.split(b"\0"):
            attributes, _, name = entry.partition(b"\t")
            if attributes.startswith(b"100") and os.fsdecode(name) in paths:
                blobs[os.fsdecode(name)] = attributes.split(b" ")[1 if rev == INDEX else 2].decode()
        sizes = self._sizes(set(blobs.values()))
        small = {path: blob for path, blob in blobs.items() if sizes.get(blob, 0) <= largest}
        return dict(zip(small, self._contents(list(small.values())), strict=True))

    def _sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Return the bytes of each of the blobs that is here."""
        if not blobs:
            return {}
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        rows = git_output(self.root, "cat-file", "--batch-check", stdin=asked).decode().splitlines()
        return {words[0]: int(words[2]) for row in rows if len(words := row.split(" ")) == 3}

    def _contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        if not blobs:
            return
        # https://git-scm.com/docs/git-cat-file#_batch_output
        output = io.BytesIO(
            git_output(self.root, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode())
        )
        for blob in blobs:
            _, kind, *size = output.readline().split()
            if kind != b"blob":
                raise WorktreeError(f"git cat-file failed in {self.root}: {blob} is {kind.decode()}")
            yield output.read(int(size[0]))
            output.read(1)  # the newline after it

    def _messages(self, base: str, tip: str) -> list[tuple[str, str]]:
        """Return subject and body of the commits after base (all, if it is a tree), oldest first, without merges."""
        options = (
            "-z",
            "--reverse",
            "--no-merges",
            "--no-patch",
            "--no-color",
            "--encoding=UTF-8",
        )
        output = git_output(
            self.root, "log", *options, f"--max-count={_MOST_COMMITS}", "--format=%s%x00%b", tip, f"^{base}", "--"
        )
        texts = [text.strip() for text in output.decode("utf-8", "replace").split("\0")]
        return list(zip(texts[0::2], texts[1::2], strict=False))
