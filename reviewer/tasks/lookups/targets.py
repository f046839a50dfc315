"""Work out what a lookup's text names: a file, lines of it, something defined in it, or a word in some files.

Pure. Names may be odd, so that a text is first taken for the whole name of a file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from reviewer.diff.model import Side
from reviewer.domain.sources import is_unsafe_path

_RANGE = re.compile(r"(?P<path>.+?)[:#]\s?(?:lines? ?)?L?(?P<first>\d{1,7})(?:\s?[-:,\u2013]\s?L?(?P<last>\d{1,7}))?")
_NAMED = re.compile(r"(?P<path>.+)#(?P<name>[^#/\s][^#/]{0,200})")
_BASE = re.compile(r"\s*(?:base|before|old)\s*:\s*|\s*(?:head|after|new)\s*:\s*", re.IGNORECASE)
_GLOB = re.compile(r"(?P<word>.+?)\s+(?:in|IN)\s+(?P<glob>\S.{0,300})")
_PARTS = re.compile(r"(?:\.|::|#|->|\\)")
_IDENTIFIER = re.compile(r"[A-Za-z_$@][\w$]*[?!=]?|[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file; `name` is something defined in it; `first` and `last` are lines from 1, 0 where none were named."""

    path: str
    side: Side
    first: int = 0
    last: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class SymbolTarget:
    """A name that something is defined under, and the names of what it belongs to: `Cart` in `Cart.total`."""

    name: str
    owners: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The whole word to search for: names may end with a mark, as `valid?`."""
        return str(max(re.findall(r"\w+", self.name), key=len))


@dataclass(frozen=True, slots=True)
class WordTarget:
    """Text to search for; `word` is its longest word. `glob` limits the files, in the form of .gitignore."""

    text: str
    word: str
    glob: str = ""


def file_target(text: str, paths: Collection[str]) -> FileTarget | None:
    """Return the file that the text names; None if it leads out of the repository. `paths` are the files at head."""
    text = _unquoted(text)
    side = Side.RIGHT
    if begin := _BASE.match(text):
        side = Side.LEFT if begin[0].strip().lower()[0] in "bo" else Side.RIGHT
        text = text[begin.end() :]
    found = FileTarget(_tidied(text), side)
    if found.path not in paths:
        ranged, named = _RANGE.fullmatch(text), _NAMED.fullmatch(text)
        if ranged:
            first = max(1, int(ranged["first"]))
            last = max(first, int(ranged["last"] or first))
            found = FileTarget(_tidied(ranged["path"]), side, first, last)
        elif named:
            found = FileTarget(_tidied(named["path"]), side, name=named["name"].strip(" ()`"))
    return None if is_unsafe_path(found.path) else found


def symbol_target(text: str) -> SymbolTarget | None:
    """Return the name that the text means; None if it holds no name. A path before `#` counts as its owner."""
    bare = _unquoted(text).partition("(")[0].strip()
    words = bare.split()
    parts = [part for part in _PARTS.split(words[-1] if words else "") if part]
    names = [part.rpartition("/")[2].strip("`*&") for part in parts]
    names = [name for name in names if _IDENTIFIER.fullmatch(name) and re.search(r"\w", name)]
    return SymbolTarget(names[-1], tuple(names[:-1])) if names else None


def word_target(text: str) -> WordTarget | None:
    """Return what to search for; None if the text holds no word."""
    bare = _unquoted(text)
    glob = ""
    if match := _GLOB.fullmatch(bare):
        bare, glob = match["word"].strip(), match["glob"].strip().strip("`'\"()")
    bare = _unquoted(bare).removesuffix("()")
    word = max(re.findall(r"\w+", bare, re.ASCII), key=len, default="")
    return WordTarget(bare, word, glob) if len(word) > 1 and len(word) <= 100 else None


def _unquoted(text: str) -> str:
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "`'\"":
        text = text[1:-1].strip()
    return text


def _tidied(path: str) -> str:
    path = path.strip().strip("`")
    while path.startswith("./"):
        path = path[2:]
    return path
