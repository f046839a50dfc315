"""Make short preferences of a repository from what its people dismissed. Pure.

Dismissed findings of one category with similar titles are of one kind. Fewer than `ENOUGH` speak for the file that they
were in only; `ENOUGH` of them for the folder that holds them all.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reviewer.domain.findings import Preference
from reviewer.tasks.verification.similarity import similar_words, telling_words
from webhooks.publishing.people.learning.dismissed import DismissedFinding

#: Dismissals of one kind that speak for more than their files, and for which a setting is offered.
ENOUGH = 3

#: Preferences that a review is shown; those of the most dismissals first.
MOST_PREFERENCES = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """Dismissed findings that say the same, the oldest first."""

    dismissed: tuple[DismissedFinding, ...]

    @property
    def key(self) -> str:
        """What stays the same while more of the kind are dismissed: a short digest of the first one."""
        first = self.dismissed[0]
        words = " ".join(sorted(telling_words(first.title))) or first.title
        return hashlib.sha256(f"{first.category.value} {words}".encode("utf-8", "surrogateescape")).hexdigest()[:12]

    @property
    def is_clear(self) -> bool:
        """Whether there are so many that a setting may be offered."""
        return len(self.dismissed) >= ENOUGH

    def preferences(self) -> list[Preference]:
        """Return what it says: of each file, or of the folder that holds them all."""
        if self.is_clear:
            return [_preference(self.dismissed, _folder([finding.path for finding in self.dismissed]))]
        paths = dict.fromkeys(finding.path for finding in self.dismissed)
        return [_preference([finding for finding in self.dismissed if finding.path == path], path) for path in paths]


def kinds_of(dismissed: Iterable[DismissedFinding]) -> list[Kind]:
    """Return the kinds of what was dismissed, in the order of their first findings."""
    kinds: list[tuple[frozenset[str], list[DismissedFinding]]] = []
    for finding in dismissed:
        words = telling_words(finding.title)
        for first, kind in kinds:
            if kind[0].category is finding.category and similar_words(first, words):
                kind.append(finding)
                break
        else:
            kinds.append((words, [finding]))
    return [Kind(tuple(kind)) for _, kind in kinds]


def preferences_of(dismissed: Iterable[DismissedFinding]) -> tuple[Preference, ...]:
    """Return what these people do not want to hear, what most was dismissed of first."""
    found = [preference for kind in kinds_of(dismissed) for preference in kind.preferences()]
    return tuple(sorted(found, key=lambda preference: -preference.count)[:MOST_PREFERENCES])


def _preference(dismissed: Sequence[DismissedFinding], place: str) -> Preference:
    """Return the preference for that place, with the newest reason that anybody gave."""
    telling = next((finding for finding in reversed(dismissed) if finding.why), dismissed[-1])
    return Preference(
        category=telling.category,
        place=place,
        titles=tuple(dict.fromkeys(finding.title for finding in dismissed)),
        severity=max((finding.severity for finding in dismissed), key=lambda severity: severity.rank),
        why=telling.why,
        by=telling.by,
        url=telling.url,
        count=len(dismissed),
    )


def _folder(paths: Sequence[str]) -> str:
    """Return the file if all paths are that one, else the folder that holds them all, with a slash; empty: the top."""
    if len(set(paths)) == 1:
        return paths[0]
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    return f"{folder}/" if folder else ""
