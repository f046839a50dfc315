"""List, read and search the files of a clone, at the base and at the head of a local change.

Only regular files that are listed: those that git tracks, and the untracked files of the change itself. Never an
ignored file, and never through a symlink. Files, bytes and seconds are limited. If git fails, the result is incomplete
or empty; nothing is raised.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff.model import Side
from reviewer.domain.sources import Hit, is_unsafe_path
from reviewer.errors import WorktreeError
from reviewer.git.command import lines_of_git
from reviewer.git.revisions import INDEX
from reviewer.git.worktree import LocalChange, Worktree
from reviewer.safety.redaction import safe_start

#: The largest file that is read, in bytes, and the most files of one call.
MAX_FILE_BYTES, MAX_FILES = 1_000_000, 600

#: The most bytes of a listing and of a search result, and the time limit of each in seconds.
MAX_LISTING, MAX_RESULT, MAX_SECONDS = 32_000_000, 16_000_000, 10.0

#: A search of so many files takes a single thread as long as eight, which wait for one another, and half the work.
FEW_FILES = 20_000

#: Characters of a line that a search returns.
MAX_TEXT = 400

#: Bytes of a line that are looked at for secrets before it is cut.
_WINDOW = 16_000

#: A word with more hits than this is left out if a search finds too much.
MAX_PLACES = 2_000

_PLAIN = re.compile(r"\w{1,100}", re.ASCII)
_WORD = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class CheckoutSources:
    """The `Sources` of a working tree; the head is a commit, what is staged, or what is on disk.

    `untracked` are the files of the change that git does not track yet.
    """

    tree: Worktree
    base: str
    head: str | None
    untracked: tuple[str, ...] = ()
    _listed: list[tuple[str, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    def paths(self) -> Sequence[str]:
        """Return the regular files of the head: the tracked ones, and in a working tree the change's untracked ones."""
        if not self._listed:
            self._listed.append(tuple(sorted(self._list())))
        return self._listed[0]

    def read(self, paths: Sequence[str], side: Side = Side.RIGHT) -> Mapping[str, str]:
        """Return the texts of the first MAX_FILES files; at the head only of those that `paths` lists."""
        revision = self.base if side is Side.LEFT else self.head
        readable = [path for path in dict.fromkeys(paths) if not is_unsafe_path(path)]
        if revision is None:  # the disk holds more than the repository
            listed = set(self.paths())
            readable = [path for path in readable if path in listed]
        try:
            found = self.tree.read_all(readable[:MAX_FILES], revision, MAX_FILE_BYTES)
        except WorktreeError:
            return {}
        texts = {path: data for path, data in found.items() if b"\0" not in data[:8000]}
        return {path: data.decode("utf-8", "surrogateescape") for path, data in texts.items()}

    def search(self, words: Sequence[str], near: Iterable[str] = ()) -> Sequence[Hit]:
        """Return where the words occur in the head."""
        del near
        plain = [word for word in words if _PLAIN.fullmatch(word)]
        if not plain or not self.paths():
            return ()
        where = {None: "--untracked", INDEX: "--cached"}.get(self.head, self.head)
        # https://git-scm.com/docs/git-grep: whole words, no binary files, NUL after the path. One expression of all
        # words is twenty times as fast as a fixed string for each.
        options = (
            "--no-color",
            "--no-column",
            "--full-name",
            "-I",
            "-n",
            "-z",
            "-w",
            "-E",
            "--no-recurse-submodules",
            *(("--threads=1",) if len(self.paths()) <= FEW_FILES else ()),
            "-f",
            "-",
        )
        data = self._output("grep", *options, str(where), stdin=_any_of(plain))
        if len(data) == MAX_RESULT and (rare := _rare(plain, data)):
            data = self._output("grep", *options, str(where), stdin=_any_of(rare))
        prefix = "" if self.head in (None, INDEX) else f"{self.head}:"
        known = set(self.paths())
        found = (_hit(row, prefix) for row in data.split(b"\n")) if data else ()
        hits = [hit for hit in found if hit and hit.path in known]
        if self.head is None:  # git grep follows a folder that became a symlink
            real = {path for path in {hit.path for hit in hits} if not self.tree.goes_through_link(path)}
            hits = [hit for hit in hits if hit.path in real]
        return tuple(hits)

    def unsearched(self) -> int:
        """Return 0: git searches all files."""
        return 0

    def _list(self) -> list[str]:
        on_disk = self.head in (None, INDEX)
        words = ("ls-files", "--stage", "-z") if on_disk else ("ls-tree", "-r", "-z", "--full-tree", str(self.head))
        listed, untracked = self._output(*words), self.untracked if on_disk else ()
        rows = os.fsdecode(listed).split("\0")
        names = [row.partition("\t")[2] for row in rows if row.startswith("100")]
        return [path for path in dict.fromkeys([*names, *untracked]) if not is_unsafe_path(path)]

    def _output(self, *args: str, stdin: bytes = b"") -> bytes:
        most = MAX_RESULT if args[0] == "grep" else MAX_LISTING
        try:
            return lines_of_git(self.tree.root, *args, most=most, seconds=MAX_SECONDS, stdin=stdin) or b""
        except (OSError, WorktreeError):
            return b""


def checkout_of(tree: Worktree, change: LocalChange) -> CheckoutSources:
    """Return the sources of a local change."""
    return CheckoutSources(tree, change.base_sha, change.head, change.untracked)


def _any_of(words: Sequence[str]) -> bytes:
    return f"({'|'.join(words)})".encode()


def _rare(words: Sequence[str], data: bytes) -> list[str]:
    """Return the words without those that fill a result that was cut off."""
    counts = Counter(_WORD.findall(data))
    return [word for word in words if counts[word.encode()] <= MAX_PLACES]


def _hit(row: bytes, prefix: str) -> Hit | None:
    path, _, rest = row.partition(b"\0")
    number, found, text = rest.partition(b"\0")
    if not found or not number.isdigit():
        return None
    name = os.fsdecode(path).removeprefix(prefix)
    return Hit(name, int(number), safe_start(text[:_WINDOW].decode("utf-8", "replace"), MAX_TEXT))
