"""Cache what one review has read of the repository: texts, outlines and search hits. Nothing is read twice.

Outlines are made on first use. The same calls in the same order give the same results.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reviewer.diff.model import Side
from reviewer.domain.sources import Hit, Sources
from reviewer.languages.imports import PathIndex, imported, index_of
from reviewer.languages.outline import MAX_LINE, Outline, defined_on, outline_of, remarks_of
from reviewer.languages.paths import is_test
from reviewer.languages.registry import family_of

#: Characters of text that are outlined in one review. Later files count as text without definitions.
MAX_OUTLINED = 20_000_000

#: A word found in so many places is too common for its uses to mean anything.
COMMON_FROM = 300

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_PLAIN = re.compile(r"\w+", re.ASCII)
_NOTHING = Outline((), ())
#: Where the tests begin that a Rust file has below its code.
_RUST_TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:#.*\n)?(?:pub )?mod \w+ \{", re.MULTILINE)


@dataclass(slots=True)
class RepositoryCache:
    """The cached sources of a review. `texts` begins with the texts that are known already, by path at head.

    `before` are texts at the base, None for a file that could not be read there.
    """

    sources: Sources
    texts: dict[str, str]
    before: dict[str, str | None] = field(default_factory=dict)
    _outlines: dict[str, Outline] = field(default_factory=dict)
    _remarks: dict[str, frozenset[int]] = field(default_factory=dict)
    _tests_from: dict[str, int] = field(default_factory=dict)
    _index: PathIndex | None = None
    _imports: dict[str, list[str]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _outlined: int = 0
    _outlines_before: dict[str, Outline] = field(default_factory=dict)
    _places: dict[str, tuple[Hit, ...]] = field(default_factory=dict)

    @property
    def index(self) -> PathIndex:
        """The index of the repository's paths."""
        if self._index is None:
            self._index = index_of(self.sources.paths())
        return self._index

    def fetch(self, paths: Iterable[str]) -> None:
        """Read those of the files at head that were not read before, in one call."""
        known = self.index.paths
        new = [path for path in dict.fromkeys(paths) if path not in self.texts and path not in self._asked]
        if unread := [path for path in new if path in known]:
            self._asked.update(unread)
            self.texts.update(self.sources.read(unread))

    def fetch_before(self, paths: Iterable[str]) -> None:
        """Read those of the files at the base that were not read before, in one call."""
        if new := [path for path in dict.fromkeys(paths) if path not in self.before]:
            found = self.sources.read(new, Side.LEFT)
            self.before.update({path: found.get(path) for path in new})

    def outline_before(self, path: str) -> Outline:
        """Return the outline of a file at the base that was fetched; an empty one for any other."""
        if path not in self._outlines_before:
            text = self.before.get(path) or ""
            # Most files are the same at both ends.
            same = text == self.texts.get(path)
            self._outlines_before[path] = self.outline(path) if same else outline_of(path, text)
        return self._outlines_before[path]

    def places(self, word: str, near: Sequence[str]) -> tuple[Hit, ...]:
        """Return every place of one word at head that the sources find, by path and line."""
        if word not in self._places:
            self._places[word] = tuple(self.sources.search([word], near))
        return self._places[word]

    def outline(self, path: str) -> Outline:
        """Return the outline of a file that was fetched; an empty one for any other."""
        if path not in self._outlines:
            text = self.texts.get(path, "")
            self._outlined += len(text)
            self._outlines[path] = outline_of(path, text) if self._outlined <= MAX_OUTLINED else _NOTHING
        return self._outlines[path]

    def outline_from(self, path: str, text: str) -> Outline:
        """Return the outline of a text; that of the file at head is made once."""
        return self.outline(path) if text == self.texts.get(path) else outline_of(path, text)

    def is_tested(self, hit: Hit) -> bool:
        """Whether a place belongs to tests: its file does, or the module of tests that Rust writes below the code."""
        if is_test(hit.path) or family_of(hit.path) != "rust" or hit.path not in self.texts:
            return is_test(hit.path)
        if hit.path not in self._tests_from:
            begin = _RUST_TESTS.search(self.texts[hit.path])
            self._tests_from[hit.path] = self.texts[hit.path].count("\n", 0, begin.start()) if begin else sys.maxsize
        return hit.line > self._tests_from[hit.path]

    def remarks(self, path: str) -> frozenset[int]:
        """Return the lines of a file that was fetched which are nothing but a comment."""
        if path not in self._remarks and path in self.texts:
            self._remarks[path] = remarks_of(path, self.texts[path].split("\n"))
        return self._remarks.get(path, frozenset())

    def may_define(self, path: str, name: str) -> bool:
        """Whether a line of a file that was fetched looks like a definition of the name: cheaper than an outline."""
        text = self.texts.get(path, "")
        start = text.find(name)
        while start >= 0:
            begin = text.rfind("\n", 0, start) + 1
            end = text.find("\n", start)
            if _looks_defined(text[begin : end if end >= 0 else len(text)][:MAX_LINE], name):
                return True
            start = text.find(name, end) if end >= 0 else -1
        return False

    def defines(self, path: str, name: str) -> bool:
        """Whether a file that was fetched defines the name."""
        return self.may_define(path, name) and bool(self.outline(path).named(name))

    def imports(self, path: str) -> Sequence[str]:
        """Return the files that a file imports; nothing for one that was not fetched."""
        if path not in self.texts:
            return ()
        if path not in self._imports:
            self._imports[path] = imported(path, self.texts.get(path, ""), self.index)
        return self._imports[path]

    def search(self, words: Sequence[str], near: Iterable[str]) -> Mapping[str, tuple[Hit, ...]]:
        """Return where each word occurs at head, by word; for a common word, only where it seems defined."""
        searched = set(words)
        found: defaultdict[str, list[Hit]] = defaultdict(list)
        # Sources know letters, digits and `_` only: of `$Shape` they are asked for `Shape`.
        asked = list(dict.fromkeys(max(_PLAIN.findall(word), key=len, default=word) for word in words))
        for hit in self.sources.search(asked, near) if asked else ():
            for word in searched.intersection(_WORD.findall(hit.text)):
                found[word].append(hit)
        return {word: tuple(_telling(word, hits)) for word, hits in found.items()}


def _looks_defined(line: str, name: str) -> bool:
    """Whether the line may define the name: by its first words, or as the left side or key of something."""
    rest = line.partition(name)[2].lstrip()
    return defined_on(line) == name or rest[:1] in ("=", ":", "(", "<", "{", "?")


def _telling(word: str, hits: Sequence[Hit]) -> Iterable[Hit]:
    return hits if len(hits) <= COMMON_FROM else (hit for hit in hits if defined_on(hit.text) == word)
