"""Choose what is shown because of a changed file itself: its own definitions, uses of its fields, and its tests.

Pure. The cache is only asked for what was read already.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reviewer.languages.imports import tests_of
from reviewer.languages.outline import Outline, remarks_of
from reviewer.languages.paths import is_test
from reviewer.languages.treesitter import Definition
from reviewer.tasks.context.changed_symbols import ChangedSymbols, scope_of
from reviewer.tasks.context.fields import MAX_FIELDS, field_uses
from reviewer.tasks.context.relations import letters_of
from reviewer.tasks.context.repository_cache import RepositoryCache
from reviewer.tasks.context.snippets import Rank, Snippet, usage_lines

#: Tests that are listed, and the most lines of one signature in the list.
MAX_TESTS, MAX_HEAD = 20, 4


def visible(subject: ChangedSymbols, outline: Outline, name: str) -> list[Definition]:
    """Return the definitions of a name in the subject's own file, without locals of functions that it leaves alone."""
    scopes = ((spot, scope_of(spot, outline.around(spot.first))) for spot in outline.named(name))
    return [
        spot
        for spot, scope in scopes
        if scope is None or any(scope.first <= line <= scope.last for line in subject.lines)
    ]


def field_snippets(subject: ChangedSymbols, outline: Outline) -> list[Snippet]:
    """Return where the rest of the file uses the fields that the change sets; nothing for a file of tests."""
    if is_test(subject.path):
        return []
    passed_over = subject.lines | remarks_of(subject.path, outline.lines)
    pieces: list[Snippet] = []
    for name in subject.fields:
        uses = field_uses(subject.path, name, outline, passed_over)
        lines = sorted({number for use in uses for number in usage_lines(use, outline)})
        if lines and len(pieces) < MAX_FIELDS:
            reason = f"uses the field {name}, which {subject.path} sets"
            pieces.append(Snippet(Rank.CALLER, subject.path, tuple(lines), reason))
    return pieces


def listed_tests(subject: ChangedSymbols, library: RepositoryCache, changed: Collection[str]) -> list[Snippet]:
    """Return the names of the tests in the file that is named after the subject, unless it is changed too."""
    pieces: list[Snippet] = []
    for path in tests_of(subject.path, library.index)[:1]:
        outline = library.outline(path)
        outer = (spot for spot in outline.spots if scope_of(spot, outline.around(spot.first)) is None)
        spots = [spot for spot in outer if spot.head - spot.first < MAX_HEAD]
        heads = [spot.first for spot in _telling_first(spots, subject)][:MAX_TESTS]
        if heads and path not in changed:
            pieces.append(Snippet(Rank.TEST, path, tuple(sorted(set(heads))), f"the tests of {subject.path}"))
    return pieces


def _telling_first(spots: Sequence[Definition], subject: ChangedSymbols) -> list[Definition]:
    """Return the tests that are named after what is changed, then the other tests, then what stands beside them."""
    names = [letters_of(changed.name) for changed in subject.changed]

    def rank(spot: Definition) -> int:
        own = letters_of(spot.name)
        return 0 if any(name in own for name in names) else 1 if "test" in own else 2

    return sorted(spots, key=rank)
