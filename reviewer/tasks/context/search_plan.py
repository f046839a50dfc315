"""Decide what to search for because of a change, in which files first, and which places come first. Pure.

The cache is only asked for what was read already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reviewer.domain.sources import Hit
from reviewer.languages.imports import named_after, neighbours, shared_folders, tests_of
from reviewer.languages.paths import is_written_by_hand
from reviewer.languages.registry import family_of
from reviewer.tasks.context.changed_symbols import ChangedSymbols
from reviewer.tasks.context.repository_cache import RepositoryCache

#: Files that are likely to match.
MAX_NEAR = 400


def by_hand(
    hits: Mapping[str, tuple[Hit, ...]], subjects: Mapping[str, ChangedSymbols]
) -> Mapping[str, tuple[Hit, ...]]:
    """Leave out places in other people's, generated and translated files, unless the change is about such files."""
    if not all(map(is_written_by_hand, subjects)):
        return hits
    kinds = {path: is_written_by_hand(path) for path in {hit.path for found in hits.values() for hit in found}}
    return {word: tuple(hit for hit in found if kinds[hit.path]) for word, found in hits.items()}


def order(hit: Hit, subject: ChangedSymbols, *, called: bool, tested: bool) -> tuple[bool, bool, int, str, int]:
    """Return the sort key of uses: those outside tests first, then certain ones, then near ones."""
    return (tested, not called, -shared_folders(hit.path, subject.path), hit.path, hit.line)


def pointed_to(subject: ChangedSymbols, library: RepositoryCache) -> list[str]:
    """Return the files that the subject imports, and those named after a type it uses."""
    names = [name for name, _ in subject.used]
    paths = library.imports(subject.path)
    return list(dict.fromkeys([*paths, *named_after(names, subject.path, library.index)]))


def near(pointed: Mapping[str, Sequence[str]], library: RepositoryCache) -> Iterator[str]:
    """Yield the files most likely to hold uses and definitions, for sources that cannot search everything.

    First the files that the changed files refer to, their tests and neighbours; then the other code, nearest first.
    """
    index = library.index
    near = [other for path in pointed for other in tests_of(path, index)]
    near += [other for others in pointed.values() for other in others]
    near += [other for path in pointed for other in neighbours(path, index)]
    changed = {path.rpartition("/")[0] + "/" for path in pointed}
    folders = sorted(
        index.by_folder, key=lambda folder: (-max(shared_folders(folder + "/", other) for other in changed), folder)
    )
    families = {family_of(path) for path in pointed}
    near += [path for folder in folders for path in index.by_folder[folder] if family_of(path) in families]
    yield from list(dict.fromkeys(near))[:MAX_NEAR]


def words(
    subjects: Iterable[ChangedSymbols], library: RepositoryCache, pointed: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the words to search for, most useful first: removed, changed, then used names without a definition."""
    first, second, third = [], [], []
    for subject in subjects:
        first += [*subject.removed, *(definition.name for definition in subject.changed if definition.contract)]
        second += [definition.name for definition in subject.changed]
        known = [subject.path, *pointed[subject.path]]
        # A lower-case name that is not called is most likely a local variable.
        global_ = [name for name, called in subject.used if called or not name[:1].islower()]
        global_ = [*subject.replaced, *global_]
        third += [name for name in global_ if not any(library.defines(path, name) for path in known)]
    return list(dict.fromkeys([*first, *second, *third]))
