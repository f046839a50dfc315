"""Gather the code outside the diff that a reviewer would open: used definitions, callers, uses of removed names.

The same change and sources give the same text to the byte. A name with several definitions is not guessed. All
reading is planned for the whole review at once, so that it takes few calls. Reading the sources is the only effect.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reviewer.diff.model import FileDiff, FileStatus
from reviewer.domain.change import Change, added_text
from reviewer.domain.context_report import ShownCode
from reviewer.domain.sources import Hit
from reviewer.languages.import_readers import without_endings
from reviewer.languages.imports import tests_of
from reviewer.languages.outline import Outline, defined_on, outline_of, used_on
from reviewer.languages.paths import is_code, is_named_test, is_test
from reviewer.languages.registry import family_of, language_of
from reviewer.tasks.context.changed_symbols import ChangedSymbols, changed_symbols_of
from reviewer.tasks.context.enclosing import around
from reviewer.tasks.context.mentions import MANIFESTS, Mentions, mentions_of
from reviewer.tasks.context.own_file import field_snippets, listed_tests, visible
from reviewer.tasks.context.relations import (
    SELF,
    can_mean,
    declared_types,
    means_definition,
    names_before,
    owners_of,
    uses_definition,
)
from reviewer.tasks.context.repository_cache import RepositoryCache
from reviewer.tasks.context.search_plan import by_hand, near, order, pointed_to, words
from reviewer.tasks.context.snippets import (
    Rank,
    Snippet,
    WrittenSnippets,
    definition_lines,
    render_snippets,
    usage_lines,
    worth_showing,
)
from reviewer.tasks.planning.chunks import Chunk

#: Words of one search, and matching files that are read.
MAX_WORDS, MAX_READ = 160, 200

#: A name with more definitions is ambiguous; uses of one name that are shown, and in one file before other files' uses.
MAX_MEANINGS, MAX_USES, MAX_USES_IN_FILE = 2, 4, 2

#: Uses of one name that are ranked.
MAX_WEIGHED = 200

#: Families of languages in which nothing of a test file is used without an import of it.
_EXPLICIT = frozenset(("web", "python"))

_IMPORT = re.compile(r"\s*(?:import|from|use|using|require|include|#\s*include|package|export\s.*\bfrom)\b")
_REMARK = re.compile(r"\s*(?://|#(?!\s*(?:include|define))|\*|/\*|--|\"\"\"|''')")
_HEIR = re.compile(r"\b(?:class|extends|implements|impl|struct|interface|include|prepend|extend|with)\b|:\s*public\b")


@dataclass(frozen=True, slots=True)
class RelatedCode:
    """The texts at head that were read, by path, and the related code for each chunk, by the chunk's id.

    `library` is everything that was read, so that nothing is read twice. `shown` says what each part shows.
    """

    head: Mapping[str, str] = field(default_factory=dict)
    related: Mapping[str, str] = field(default_factory=dict)
    library: RepositoryCache | None = field(default=None, compare=False, repr=False)
    shown: tuple[ShownCode, ...] = ()

    def outline(self, path: str, text: str) -> Outline:
        """Return the outline of a file's text; that of a file at head was made already."""
        return self.library.outline_from(path, text) if self.library else outline_of(path, text)


def gather_related(change: Change, chunks: Sequence[Chunk]) -> RelatedCode:
    """Return the related code of each chunk, read with as few calls as the sources allow."""
    files: dict[str, FileDiff] = {}
    for file in (file for part in chunks for file in part.files if is_code(file.path)):
        before = files.get(file.path)  # each part of a long file has only some of its hunks
        files[file.path] = replace(file, hunks=before.hunks + file.hunks) if before else file
    whole = {path: text for path, file in files.items() if (text := added_text(file)) is not None}
    library = RepositoryCache(change.sources, whole | dict(change.head))
    if not files or not change.sources.paths():
        return RelatedCode(change.head, library=library)
    library.fetch(path for path, file in files.items() if file.status is not FileStatus.REMOVED)
    subjects = {path: changed_symbols_of(file, library.outline(path)) for path, file in files.items()}
    mentions = mentions_of(change.diff.files, library.index.paths)
    search = _Search.over(subjects.values(), library, mentions)
    found = {path: search.pieces(subject) for path, subject in subjects.items()}
    named = search.mentioned(mentions)
    # Where a file is named is shown once, with the first part: the file itself may have no changed line at all.
    related = {part.id: _for_chunk(part, found, library, named if part is chunks[0] else ()) for part in chunks}
    shown = tuple(code for written in related.values() for code in written.shown)
    texts = {key: written.text for key, written in related.items() if written.text}
    return RelatedCode(dict(library.texts), texts, library, shown)


def _for_chunk(
    chunk: Chunk, found: Mapping[str, Sequence[Snippet]], library: RepositoryCache, named: Sequence[Snippet]
) -> WrittenSnippets:
    """Write the snippets for the chunk's files, without lines that the chunk shows already."""
    shown = {file.path: _shown(file, library) for file in chunk.files}
    pieces = [*named]
    pieces += [piece for file in chunk.files for piece in found.get(file.path, ())]
    return render_snippets(pieces, {piece.path: library.outline(piece.path).lines for piece in pieces}, shown)


def _shown(file: FileDiff, library: RepositoryCache) -> set[int]:
    numbers = {line.new for hunk in file.hunks for line in hunk.lines if line.new is not None}
    text = library.texts.get(file.path) if file.status is not FileStatus.REMOVED else None
    return numbers if text is None else numbers | around(file, text, library.outline_from)


@dataclass(frozen=True, slots=True)
class _Search:
    """What was found for the whole review: the texts read, the places of words, and the files of the change."""

    library: RepositoryCache
    hits: Mapping[str, tuple[Hit, ...]]
    subjects: Mapping[str, ChangedSymbols]
    pointed: Mapping[str, Sequence[str]]

    @classmethod
    def over(cls, subjects: Iterable[ChangedSymbols], library: RepositoryCache, mentions: Mentions) -> _Search:
        """Read the files that the change refers to, search once for all names, and read the files with matches."""
        by_path = {subject.path: subject for subject in subjects}
        pointed = {path: pointed_to(subject, library) for path, subject in by_path.items()}
        library.fetch(path for paths in pointed.values() for path in paths)
        asked = [*mentions.words, *words(by_path.values(), library, pointed)]
        hits = by_hand(library.search(list(dict.fromkeys(asked))[:MAX_WORDS], near(pointed, library)), by_path)
        search = cls(library, hits, by_path, pointed)
        places = [path for subject in by_path.values() for path in search._places(subject)]
        library.fetch(list(dict.fromkeys(places))[:MAX_READ])
        return search

    def mentioned(self, mentions: Mentions) -> list[Snippet]:
        """Return the places that name removed files, and the lists that lack new ones."""
        pieces = mentions.pieces(self.hits, {path: subject.lines for path, subject in self.subjects.items()})
        manifests = MANIFESTS if mentions.packages else ()
        self.library.fetch([*manifests, *(piece.path for piece in pieces)])
        texts = {path: self.library.texts[path] for path in manifests if path in self.library.texts}
        return [*pieces, *mentions.packaged(texts)]

    def pieces(self, subject: ChangedSymbols) -> list[Snippet]:
        """Return all snippets worth showing with a file's change, in the order in which they were found."""
        found = [piece for name in subject.removed for piece in self._uses(subject, name, Rank.STILL_USED)]
        for definition in subject.changed:
            rank = Rank.CALLER_OF_CONTRACT if definition.contract else Rank.CALLER
            found += self._uses(subject, definition.name, rank)
        for name, word in subject.meant():
            rank = Rank.TEST if is_test(subject.path) else Rank.NAMED if word == "names" else Rank.DEFINITION
            found += self._definitions(subject, name, rank, f"defines {name}, which {subject.path} {word}")
        outline = self.library.outline(subject.path)
        for spot in subject.own:
            reason = f"defines {spot.name}, which {subject.path} calls"
            found.append(Snippet(Rank.DEFINITION, subject.path, definition_lines(spot, outline), reason))
        return [*found, *field_snippets(subject, outline), *listed_tests(subject, self.library, self.subjects)]

    def _places(self, subject: ChangedSymbols) -> list[str]:
        """Return the files in which uses and definitions for the subject were found."""
        names = [*subject.removed, *(definition.name for definition in subject.changed)]
        places = [hit.path for name in names for hit in self._candidates(subject, name, akin=False)]
        places += [hit.path for name, _ in subject.meant() for hit in self._defining(subject, name)]
        return places + tests_of(subject.path, self.library.index)

    def _defining(self, subject: ChangedSymbols, name: str) -> list[Hit]:
        """Return where other files of the language seem to define a name; nothing if there are too many."""
        family = family_of(subject.path)
        hits = [
            hit
            for hit in self.hits.get(name, ())
            if hit.path != subject.path and family_of(hit.path) == family and defined_on(hit.text) == name
        ]
        hits = [hit for hit in hits if is_test(hit.path) <= is_test(subject.path)]
        if family in _EXPLICIT:
            hits = [hit for hit in hits if not is_named_test(hit.path)]
        folder = subject.path.rpartition("/")[0]
        same = [hit for hit in hits if hit.path.rpartition("/")[0] == folder]
        only = len({hit.path for hit in hits}) == 1
        receivers = subject.receivers(name)
        for choice in (hits, same):
            if 0 < len({hit.path for hit in choice}) <= MAX_MEANINGS:
                return [
                    hit
                    for hit in choice
                    # Before its file is read, nobody knows what it stands in.
                    if hit.path not in self.library.texts
                    or means_definition(receivers, self._owners(hit.path, hit.line), name, only=only)
                ][:MAX_MEANINGS]
        return []

    def _owners(self, path: str, line: int) -> list[str]:
        """Return the names of what a definition stands in, and of its file, which was read."""
        return owners_of(self.library.outline(path), path, line)

    def _definitions(self, subject: ChangedSymbols, name: str, rank: Rank, reason: str) -> list[Snippet]:
        """Return the definition of a name: from the file itself, else from its imports, else from anywhere."""
        here = [(subject.path, spot) for spot in visible(subject, self.library.outline(subject.path), name)]
        there = [
            (path, spot)
            for path in self.pointed[subject.path]
            if self.library.may_define(path, name)
            for spot in self.library.outline(path).named(name)
        ]
        anywhere = [
            (hit.path, spot)
            for hit in self._defining(subject, name)
            for spot in self.library.outline(hit.path).named(name)
            if spot.first <= hit.line <= spot.head
        ]
        receivers = subject.receivers(name)
        found = here or there or anywhere
        types = declared_types(receivers or (), self.library.texts.get(subject.path, "")) if found else {}
        meant = [at for at in found if can_mean(receivers, self._owners(at[0], at[1].first), at[1].kind, types)]
        if receivers and receivers <= SELF:  # of two classes in the file, the one that the change is in
            classes = {definition.owner for definition in subject.changed if definition.owner}
            meant = [at for at in meant if classes & {*self._owners(at[0], at[1].first)}] or meant
        members = {member for of, member in subject.members if of == name}
        places = meant if len(meant) <= MAX_MEANINGS else []
        shown = ((path, worth_showing(spot, self.library.outline(path), members)) for path, spot in places)
        return [Snippet(rank, path, lines, reason) for path, lines in shown]

    def _candidates(self, subject: ChangedSymbols, name: str, *, akin: bool = True) -> list[Hit]:
        """Return the likeliest uses of a name outside of the lines of the diff, the nearest first.

        `akin`: the name is ambiguous, so count only files that are known to import the subject's file.
        """
        family = family_of(subject.path)
        hits = [hit for hit in self.hits.get(name, ()) if family_of(hit.path) == family][:MAX_WEIGHED]
        defining = {hit.path for hit in hits if defined_on(hit.text) == name} - {subject.path}
        others = 0 if name in subject.removed else 1  # a removed name is likely to be meant
        ambiguous = len(defining) > others or is_test(subject.path)  # only files that import a test use its definitions
        calls = {hit: called for hit in hits if (called := self._calls(hit, name)) is not None}
        owner, scope = subject.owner(name), subject.scope(name)
        owners = names_before(owner, without_endings(subject.path))
        uses = [
            hit
            for hit in calls
            if not akin
            or self._akin(hit, subject)
            or (
                calls[hit]
                and not ambiguous
                and uses_definition(hit.path, hit.text, name, owners, subject.path, method=bool(owner))
            )
        ]
        if scope:
            uses = [hit for hit in uses if hit.path == subject.path and scope.first <= hit.line <= scope.last]
        uses.sort(key=lambda hit: order(hit, subject, called=calls[hit], tested=self.library.is_tested(hit)))
        counts = Counter[str]()
        place: dict[Hit, int] = {}
        for hit in uses:
            counts[hit.path] += 1
            place[hit] = counts[hit.path]
        return sorted(uses, key=lambda hit: place[hit] > MAX_USES_IN_FILE)[: 2 * MAX_USES]

    def _akin(self, hit: Hit, subject: ChangedSymbols) -> bool:
        """Whether the file of a use is the subject's own, or known to import it."""
        return hit.path == subject.path or subject.path in self.library.imports(hit.path)

    def _calls(self, hit: Hit, name: str) -> bool | None:
        """Whether the line uses a definition of that name for certain: it calls it, or names a type or constant.

        None: the line does not use it, or belongs to the diff. False: it may also be a variable of that name.
        """
        changed = self.subjects.get(hit.path)
        in_diff = changed is not None and hit.line in changed.lines
        is_remark = _REMARK.match(hit.text) or hit.line in self.library.remarks(hit.path)
        if in_diff or is_remark or _IMPORT.match(hit.text) or defined_on(hit.text) == name:
            return None
        called = used_on(hit.path, [hit.text]).get(name)
        language = language_of(hit.path)
        bare = language is not None and language.bare_calls
        return called if called is None else called or bare or name.lstrip("$_")[:1].isupper() or f".{name}" in hit.text

    def _uses(self, subject: ChangedSymbols, name: str, rank: Rank) -> list[Snippet]:
        """Return the places that use a name, and those that inherit from a class of that name."""
        hits = self._candidates(subject, name)[:MAX_USES]
        return [
            self._use(subject, name, rank, [hit for hit in hits if hit.path == path])
            for path in dict.fromkeys(hit.path for hit in hits)
        ]

    def _use(self, subject: ChangedSymbols, name: str, rank: Rank, hits: Sequence[Hit]) -> Snippet:
        """Return the snippet that shows how one file uses a name."""
        path = hits[0].path
        text = next((hit.text for hit in hits if _HEIR.search(hit.text) and defined_on(hit.text) is not None), "")
        heir = rank is not Rank.STILL_USED and bool(text)
        state = "removed" if rank is Rank.STILL_USED else "changed"
        lines = sorted({number for hit in hits for number in usage_lines(hit.line, self.library.outline(path))})
        reason = f"{'builds on' if heir else 'uses'} {name}, {state} in {subject.path}"
        return Snippet(min(rank, Rank.IMPLEMENTER) if heir else rank, path, tuple(lines), reason)
