"""Files that git does not track yet, and a copy of the index in which they are announced: the clone stays as it is."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from reviewer.git.command import git_output
from reviewer.git.selection import Selection

#: A larger file that git does not track is data that somebody left there, and more than a review can read. It is not
#: even compared: that would take twenty times its size in memory.
MAX_UNTRACKED = 2_000_000

_LOG = logging.getLogger(__name__)


def untracked_files(root: Path, selection: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the selected files that git does not track and does not ignore, and those that were left out."""
    listed = git_output(
        root, "ls-files", "--others", "--exclude-standard", "-z", "--", *selection.paths,
        environment={"GIT_LITERAL_PATHSPECS": "0"},
    ).split(b"\0")  # fmt: skip
    files = [name for name in listed if name and not name.endswith(b"/")]  # a slash at the end: a nested repository
    closed = {name for name in files if not _can_be_read(root, name)}
    chosen = [name for name in files if selection.accepts_untracked(os.fsdecode(name))]
    large = {name for name in chosen if name not in closed and _size(root, name) > MAX_UNTRACKED}
    for why, names in (("it cannot be read", closed), (f"it is larger than {MAX_UNTRACKED:,} bytes", large)):
        if named := ", ".join(os.fsdecode(name) for name in chosen[:50] if name in names):
            _LOG.warning("left out, because %s: %s", why, named)
    named_files = (os.fsdecode(name) for name in files if name not in large)
    left_out = [path for path in named_files if not selection.leaves_out(path)]
    taken = tuple(os.fsdecode(name) for name in chosen if name not in closed and name not in large)
    return taken, tuple(path for path in left_out if path not in set(taken))


@contextmanager
def own_index(root: Path, files: Sequence[str], filters: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Yield the environment for a temporary copy of the index with untracked files added (`git add -N`).

    A copy is needed even without such files, because git diff updates file times in the index. The empty object
    that git stores for untracked files goes to a temporary directory too, so a read-only clone works.
    """
    index, objects = _git_paths(root, "index", "objects")
    with tempfile.TemporaryDirectory(prefix="reviewer-") as scratch:
        ours = {"GIT_INDEX_FILE": f"{scratch}/index"}
        if index.exists():
            # Keep its time: otherwise a file changed within the same tick counts as unchanged.
            # https://git-scm.com/docs/racy-git
            shutil.copy2(index, ours["GIT_INDEX_FILE"])
        if files:
            escaped = str(objects).replace("\\", "\\\\").replace('"', '\\"')
            store = {"GIT_OBJECT_DIRECTORY": scratch, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"'}
            add = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
            everywhere = ("core.sparseCheckout=false",)  # otherwise git refuses files outside of a sparse checkout
            git_output(
                root,
                *add,
                settings=everywhere,
                filters=filters,
                environment=ours | store,
                stdin=b"\0".join(map(os.fsencode, files)),
            )
        yield ours


def _size(root: Path, name: bytes) -> int:
    try:
        return os.lstat(os.path.join(os.fsencode(root), name)).st_size  # noqa: PTH118 - a name of any bytes
    except OSError:
        return 0


def _can_be_read(root: Path, name: bytes) -> bool:
    place = os.path.join(os.fsencode(root), name)  # noqa: PTH118 - a name of any bytes
    return os.path.islink(place) or os.access(place, os.R_OK)  # noqa: PTH114


def _git_paths(root: Path, *names: str) -> list[Path]:
    asked = [word for name in names for word in ("--git-path", name)]
    answer = git_output(root, "rev-parse", *asked).removesuffix(b"\n").split(b"\n")
    return [root / os.fsdecode(path) for path in answer[: len(names)]]
