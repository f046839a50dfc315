"""Find the file of the diff that a model means by a path. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from unicodedata import normalize
from urllib.parse import unquote

from reviewer.diff.model import Diff
from reviewer.safety.prompt_text import printable_path

#: What stands behind the path in the header of our own prompts: `(modified)`, `(renamed from a.py, in part)`.
_HEADER = re.compile(r"[ \t]++\((?:added|removed|modified|renamed|copied|mode|deleted|new)\b[^\n]*\)$")
#: Where in the file: `:3`, `:3-5`, `:3:7`, `#L3`, `#L3-L5`, `, line 3`, `(line 3)`, `@12`.
_PLACE = re.compile(
    r"(?::L?\d{1,7}(?:[-:]L?\d{1,7})?:?|#L?\d{1,7}(?:-L?\d{1,7})?|@\d{1,7}"
    r"|,?[ \t]\(?(?:lines?|L)[ \t]?\d{1,7}[^\n]{0,20}\)?)$"
)
_NUMBER = re.compile(r"\d{1,7}")
#: What stands before a path: `File: `, `+++ `; a link to it; the name of what is meant in it behind it.
_LABEL = re.compile(r"(?:file(?:[ _]?(?:name|path))?|path|in)[ \t]*+:[ \t]*+|(?:\+\+\+|---)[ \t]++", re.IGNORECASE)
_LINK = re.compile(r"\[([^\[\]]{1,400}+)\]\([^()]{0,400}+\)")
_MEMBER = re.compile(r"::[\w.]{1,100}(?:\(\))?$")
#: Both names of a file that was renamed, as git and people write them.
_RENAMED = re.compile(r"\{[^{}]{0,400} => ([^{}]{0,400})\}")
_ARROW = re.compile(r"[ \t](?:->|=>|\u2192)[ \t]")
_QUOTES = "`'\"\u201c\u201d\u2018\u2019<>*"


def resolve_path(diff: Diff, path: str) -> str | None:
    """Return the diff's path that the model meant, None where there is none or several.

    It may be written with `a/` or `./` before it, with a line's number or the words of our header behind it, as a link,
    as both names of a renamed file, in other capitals, with letters put together otherwise, as a whole address, or be
    the end of one path only.
    """
    spellings = list(dict.fromkeys(_spellings(path)))
    for spelling in spellings:
        if diff.file(spelling) is not None:
            return spelling
    for spelling in spellings:
        # A path is shown without secrets and tokens.
        found = [file.path for file in diff.files if printable_path(file.path) == spelling]
        found = found or [file.path for file in diff.files if file.old_path == spelling]
        if len(found) == 1:
            return found[0]
    for spelling in spellings:
        found = [file.path for file in diff.files if spelling and f"/{file.path}".endswith(f"/{spelling}")]
        if found:
            return found[0] if len(found) == 1 else None
    for same in (_same_but_for_case, _whole_address):
        meant = {file.path for file in diff.files for spelling in spellings if spelling and same(spelling, file.path)}
        if meant:
            return meant.pop() if len(meant) == 1 else None
    return None


def _same_but_for_case(spelling: str, path: str) -> bool:
    return normalize("NFC", spelling).casefold() == normalize("NFC", path).casefold()


def _whole_address(spelling: str, path: str) -> bool:
    """Whether the spelling is the path behind the folder of a checkout, or the address of a page."""
    return "/" in path and spelling.endswith(f"/{path}")


def line_in_path(diff: Diff, path: str) -> int | None:
    """Return the line's number that stands behind the path, as in `src/a.py:3`; of a range, the last."""
    path = _bare(path)
    place = _PLACE.search(path[-60:])
    if place is None or diff.file(path) is not None:
        return None
    return int(_NUMBER.findall(place[0])[-1])


def _spellings(path: str) -> Iterator[str]:
    """Yield what the path may stand for, the most literal first."""
    yield path
    bare = _bare(path[:4_000])
    link = _LINK.fullmatch(bare)
    plain = _bare(_LABEL.sub("", link[1] if link else bare, count=1))
    named = [_without(_HEADER, bare), _without(_PLACE, bare), _without(_PLACE, _without(_HEADER, bare))]
    if plain != bare or "::" in bare:
        named += [plain, _without(_PLACE, plain), _without(_MEMBER, plain)]
    if len(apart := _ARROW.split(plain)) == 2 or "=>" in plain:
        named += [_RENAMED.sub(r"\1", plain), apart[-1]]
    if "%" in plain or "//" in plain or "/." in plain:
        named.append(posixpath.normpath(unquote(_without(_PLACE, plain))))
    for part in (bare, *named):
        text = part.strip().strip(_QUOTES)
        yield text
        unix = text.replace("\\", "/")
        yield unix
        for start in ("./", "a/", "b/", "/"):
            if unix.startswith(start):
                yield unix.removeprefix(start)
                yield re.sub(r"^[ab]/", "", unix.removeprefix(start))


def _bare(path: str) -> str:
    """Return the path without white space, quotation marks and the mark of a heading around it."""
    return re.sub(r"^#{1,6}[ \t]++", "", path.strip()).strip().strip(_QUOTES).strip()


def _without(ending: re.Pattern[str], path: str) -> str:
    """Return the path without such an ending; looked for in the last characters only."""
    found = ending.search(path[-400:])
    return path[: max(len(path) - 400, 0) + found.start()].rstrip() if found else path
