"""The repository as lookups see it: what was read of it, the files of the change, and which files are near them.

A file that cannot be shown has a reason. Reading the sources is the only effect.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff.model import FileStatus, Side
from reviewer.domain.change import Change
from reviewer.domain.sources import Hit
from reviewer.languages.imports import shared_folders
from reviewer.languages.outline import Outline, defined_on
from reviewer.languages.paths import is_code, is_written_by_hand
from reviewer.languages.registry import family_of
from reviewer.safety.prompt_text import printable_path
from reviewer.tasks.context.relations import letters_of
from reviewer.tasks.context.repository_cache import RepositoryCache

#: Files that a source which cannot search everything is to look into; similar names that are compared and offered.
MAX_NEAR, MAX_COMPARED, MAX_SIMILAR = 400, 500, 3


@dataclass(slots=True)
class RepositoryView:
    """What can be looked up. `changed` are the change's files at head, `old_paths` where each was at the base."""

    library: RepositoryCache
    changed: tuple[str, ...]
    old_paths: Mapping[str, str]
    removed: frozenset[str]
    _distances: dict[str, int] = field(default_factory=dict)
    _near: list[str] | None = None

    @classmethod
    def of(cls, change: Change, library: RepositoryCache) -> RepositoryView:
        """Return the view of a change's repository."""
        files = change.diff.files
        return cls(
            library,
            tuple(file.path for file in files),
            {file.path: file.old_path or file.path for file in files if file.status is not FileStatus.ADDED},
            frozenset(file.path for file in files if file.status is FileStatus.REMOVED),
        )

    @property
    def paths(self) -> frozenset[str]:
        """The regular files at head."""
        return self.library.index.paths

    def text(self, path: str, side: Side) -> str | None:
        """Return the text of a file, None if it cannot be read."""
        if side is Side.LEFT:
            self.library.fetch_before([path])
            return self.library.before.get(path)
        self.library.fetch([path])
        return self.library.texts.get(path) if path in self.paths else None

    def outline(self, path: str, side: Side) -> Outline:
        """Return the outline of a file whose text was read."""
        return self.library.outline_before(path) if side is Side.LEFT else self.library.outline(path)

    def why_not(self, path: str, side: Side) -> str:
        """Say why a file has no text, and what to ask for instead."""
        shown = printable_path(path)
        if side is Side.LEFT:
            if self.old_paths.get(path) == path:
                return "what it was before the change cannot be read: it is not in this clone, binary or too large"
            return f"there was no such file before the change{self._similar(path)}"
        if path in self.paths:
            return "it is not text, or too large to be read"
        if path in self.removed:
            return f"the change removes it; ask for `base:{shown}` to see what it was"
        if inside := [other for other in self.paths if other.startswith(f"{path}/")]:
            return f"it is a folder of {len(inside):,} files; ask for `outline {shown}`"
        return f"there is no regular file of that name{self._similar(path)}"

    def near(self) -> Sequence[str]:
        """Return the files of code most likely to hold what belongs to the change, nearest first."""
        if self._near is None:
            folders = self.library.index.by_folder
            order = sorted(folders, key=lambda folder: (-self.shared(folder), folder))
            near = (path for folder in order for path in folders[folder] if is_code(path) and is_written_by_hand(path))
            self._near = [path for path, _ in zip(near, range(MAX_NEAR), strict=False)]
        return self._near

    def distance(self, path: str) -> int:
        """Return how far a file is from the change: 0 for a file of the change itself."""
        if path in self.changed:
            return 0
        deepest = max((changed.count("/") for changed in self.changed), default=0)
        return 1 + deepest - self.shared(path.rpartition("/")[0])

    def ranked(self, hits: Iterable[Hit], name: str = "", *, owner: str = "") -> list[Hit]:
        """Return hits by worth: where `name` is defined, code before tests before texts, what is near the change.

        Files that are named like the `owner` come first: `__construct` is in more files than are read.
        """
        owner_letters = letters_of(owner)

        def worth(hit: Hit) -> tuple[bool, bool, bool, bool, int, str, int]:
            others = bool(owner_letters) and owner_letters not in map(letters_of, file_names(hit.path))
            defines = bool(name) and defined_on(hit.text) == name
            tested, far = self.library.is_tested(hit), self.distance(hit.path)
            return (others, not defines, not is_code(hit.path), tested, far, hit.path, hit.line)

        return sorted(hits, key=worth)

    def shared(self, folder: str) -> int:
        """Return how many leading folders a folder has in common with a file of the change."""
        if folder not in self._distances:
            inside = f"{folder}/" if folder else ""
            self._distances[folder] = max((shared_folders(inside, path) for path in self.changed), default=0)
        return self._distances[folder]

    def _similar(self, path: str) -> str:
        """Return words that name files with the same or a similar name."""
        by_stem = self.library.index.by_stem
        stem = path.rpartition("/")[2].split(".", 1)[0]
        likely = [other for other in by_stem if other[:2].lower() == stem[:2].lower()][:MAX_COMPARED]
        stems = [stem] if stem in by_stem else difflib.get_close_matches(stem, likely, MAX_SIMILAR, 0.8)
        same = [other for close in stems for other in by_stem[close]]
        same.sort(key=lambda other: (family_of(other) != family_of(path), self.distance(other), other))
        names = ", ".join(printable_path(other) for other in same[:MAX_SIMILAR])
        return f"; there is {names}" if names else ""


def file_names(path: str) -> set[str]:
    """Return the names by which code may mean a file: its own without endings, and its folder's."""
    folder, _, name = path.lower().rpartition("/")
    return {name.split(".", 1)[0], folder.rpartition("/")[2]}
