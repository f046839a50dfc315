"""Read and write files of a staged tree, whose contents are not trusted, without following symbolic links.

A path that leaves the tree or goes through a link counts as missing. A file is added only if none exists at its path,
and added files are removed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from reviewer.errors import ReviewerError
from reviewer.languages.allowed_tests import PathKind

#: Larger files are not code that a person wrote.
MOST_BYTES = 1 << 20

#: Folders that contain none of the repository's own sources.
_FOREIGN = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", "build", "dist", ".eggs"})


class TreeChanged(ReviewerError):
    """A candidate changed files of the staged tree, so no later run in it can be trusted."""


def is_safe_path(path: str) -> bool:
    """Whether the path is inside a repository and in the form that git writes."""
    parts = PurePosixPath(path).parts
    plain = path.isprintable() and "\\" not in path and not path.startswith("/")
    return plain and bool(parts) and ".." not in parts and "/".join(parts) == path


def inside(tree: Path, path: str) -> Path | None:
    """Return the absolute path of a file of the tree; None if a link or an unsafe path might lead out of the tree."""
    if not is_safe_path(path):
        return None
    place = tree
    for part in PurePosixPath(path).parts:
        place = place / part
        if place.is_symlink():
            return None
    return place


def folder_of(tree: Path, path: str) -> dict[str, PathKind] | None:
    """Return what a folder of the tree holds, by name; None if there is no such folder, or a link leads to it."""
    place = inside(tree, path) if path else tree
    if place is None or not place.is_dir():
        return None
    with os.scandir(place) as entries:
        return {entry.name: _kind_of(entry) for entry in entries}


def _kind_of(entry: os.DirEntry[str]) -> PathKind:
    if entry.is_symlink():
        return PathKind.LINK
    if entry.is_dir():
        return PathKind.FOLDER
    return PathKind.FILE if entry.is_file() else PathKind.OTHER


def text_of(tree: Path, path: str) -> str | None:
    """Return the text of a regular file of the tree with its own line endings; None if it cannot be read."""
    place = inside(tree, path)
    if place is None or not place.is_file() or place.stat().st_size > MOST_BYTES:
        return None
    try:
        return place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def python_files(tree: Path) -> tuple[str, ...]:
    """Return the Python files of the tree, as `files_of`."""
    return files_of(tree, (".py",))


@contextmanager
def added(tree: Path, path: str, text: str) -> Iterator[None]:
    """Add a file to the tree for the time of the block. Raises FileExistsError if something is there already."""
    place = inside(tree, path)
    if place is None:
        raise FileExistsError(path)
    created = _folders(place.parent, tree)
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        try:
            yield
        finally:
            place.unlink(missing_ok=True)
    finally:
        for folder in created:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


@contextmanager
def changed_to(tree: Path, path: str, text: str) -> Iterator[None]:
    """Replace a file of the tree by another text for the time of the block.

    The file itself is not written, because files of a copy may be shared with the checkout. Raises FileNotFoundError if
    there is no such file.
    """
    place = inside(tree, path)
    if place is None or not place.is_file():
        raise FileNotFoundError(path)
    aside = place.with_name(f".{place.name}.as-it-was")
    place.rename(aside)
    try:
        place.write_bytes(text.encode("utf-8", "surrogateescape"))
        place.chmod(0o644)
        yield
    finally:
        aside.replace(place)


@contextmanager
def taken_away(tree: Path, path: str) -> Iterator[None]:
    """Take a file out of the tree for the time of the block. Raises FileNotFoundError if there is no such file."""
    place = inside(tree, path)
    if place is None or not place.is_file():
        raise FileNotFoundError(path)
    aside = place.with_name(f".{place.name}.as-it-was")
    place.rename(aside)
    try:
        yield
    finally:
        aside.replace(place)


def files_of(tree: Path, endings: Sequence[str]) -> tuple[str, ...]:
    """Return the files of the tree with those endings, sorted; no links, no installed or built files."""
    found: list[str] = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in _FOREIGN and not name.startswith("."))
        above = Path(folder).relative_to(tree)
        found += [(above / name).as_posix() for name in names if name.endswith(tuple(endings))]
    return tuple(sorted(found))


def _folders(folder: Path, tree: Path) -> list[Path]:
    """Make the missing folders; return them, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if path.is_relative_to(tree) and not path.exists()]
    for path in reversed(missing):
        path.mkdir()
    return missing


def snapshot(tree: Path) -> dict[str, tuple[int, int]]:
    """Return size and modification time of all files of the tree, except byte code and installed packages."""
    seen: dict[str, tuple[int, int]] = {}
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name not in ("__pycache__", "node_modules", ".venv", ".git")]
        for name in names:
            info = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - a large tree is walked for each candidate
            seen[os.path.join(os.path.relpath(folder, tree), name)] = (info.st_size, info.st_mtime_ns)  # noqa: PTH118
    return seen


def restore(tree: Path, untouched: dict[str, tuple[int, int]], own: Collection[str] = ()) -> None:
    """Remove the files that a candidate added to the tree. Raises TreeChanged if it changed existing ones.

    `own` are files that the repository's own tests write.
    """
    changed = [path for path in changes(tree, untouched) if path not in own]
    if any(path in untouched for path in changed):
        raise TreeChanged("A suggested test changed files of the copy that it ran in; the tests after it were not run.")
    for path in changed:
        (tree / path).unlink()


def changes(tree: Path, before: dict[str, tuple[int, int]]) -> list[str]:
    """Return the files that differ from the snapshot: changed, new or removed."""
    now = snapshot(tree)
    return sorted(path for path in now.keys() | before.keys() if now.get(path) != before.get(path))
