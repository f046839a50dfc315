"""Where to read the code beside the change: a checkout, or GitHub's API. The interface only; nothing is read here.

All text from sources is untrusted. Implementations read only inside the repository, at head or base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reviewer.diff.model import Side


@dataclass(frozen=True, slots=True)
class Hit:
    """A line at head that contains a word; `line` counts from 1, `text` may be cut."""

    path: str
    line: int
    text: str


class Sources(Protocol):
    """A repository at the two ends of a change. RIGHT is the head, LEFT the base. No method raises for bad names."""

    def paths(self) -> Sequence[str]:
        """Return the paths of the regular files at head, sorted; empty where nothing can be read."""

    def read(self, paths: Sequence[str], side: Side = Side.RIGHT) -> Mapping[str, str]:
        """Return the texts of those files; missing, too large and binary files are left out."""

    def search(self, words: Sequence[str], near: Iterable[str] = ()) -> Sequence[Hit]:
        """Return the lines at head that contain one of the words as a whole word, by path and line.

        `near` yields the likeliest files, best first. Only sources that cannot search all files read it.
        """

    def unsearched(self) -> int:
        """Return how many files of code the last search could not look into."""


class NoSources:
    """The sources of a bare diff: nothing can be read."""

    def paths(self) -> Sequence[str]:
        """Return nothing."""
        return ()

    def read(self, paths: Sequence[str], side: Side = Side.RIGHT) -> Mapping[str, str]:
        """Return nothing."""
        del paths, side
        return {}

    def search(self, words: Sequence[str], near: Iterable[str] = ()) -> Sequence[Hit]:
        """Return nothing."""
        del words, near
        return ()

    def unsearched(self) -> int:
        """Return 0."""
        return 0


def is_unsafe_path(path: str) -> bool:
    """Whether the path may lead out of the repository, or into git's own directory."""
    return "\0" in path or not _UNSAFE_PARTS.isdisjoint(path.lower().split("/"))


_UNSAFE_PARTS = frozenset({"", ".", "..", ".git"})
