r"""Read file names from diff headers, as git and `diff -u` write them.

C-quoted names are decoded, and prefixes (`a/` and `b/`, mnemonic ones, none) are distinguished from directories. Never
touches the file system: a name is only text, and bytes that are not UTF-8 are kept as surrogate escapes.

The rules are git's own: https://git-scm.com/docs/diff-format#generate_patch_text_with_p
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

DEV_NULL = "/dev/null"

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"((?:\\[0-3][0-7]{2})+)|\\(.)")
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

#: What git puts before the two names: a/ b/, with diff.mnemonicPrefix i/ w/ c/ o/, and 1/ 2/ for --no-index.
_PREFIX = re.compile(r"[abciow12]/(?=.)")

#: Longer than two names on any system (PATH_MAX is 4096 bytes); limits the search for the second name.
_LONGEST = 10_000

#: Places at which two names are split on trial: no name has so many spaces.
_MOST_SPLITS = 1_000

#: GNU diff -N gives an absent file the time of the epoch, in local time.
_EPOCH = ("1970-01-01 ", "1969-12-31 ")


def unquote(name: str) -> str:
    r"""Decode a C-quoted name (`"\303\274.txt"` is `ü.txt`); a name without quotes is returned as it is."""
    quoted = _QUOTED.fullmatch(name)
    return _ESCAPE.sub(_unescape, quoted[1]) if quoted else name


def absent(file_line: str | None) -> bool:
    """Whether the text after `--- ` or `+++ ` says that there is no file on that side. False without such a line."""
    if file_line is None:
        return False
    name, stamp = _name_and_stamp(file_line)
    return name == DEV_NULL or stamp.startswith(_EPOCH)


def old_and_new(fields: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the old and the new name of a section from its header fields, or None if they cannot be determined.

    First come the names of a rename or copy, which never have a prefix; then the `diff --git` line, whose two names are
    equal except for the prefixes; then the `---` and `+++` lines. An absent side gets the other side's name.
    """
    for verb in ("rename", "copy"):
        if f"{verb} from" in fields and f"{verb} to" in fields:
            return unquote(fields[f"{verb} from"]), unquote(fields[f"{verb} to"])
    pair = _git_pair(fields["diff --git"]) if "diff --git" in fields else None
    if pair and (name := _same_file(*pair)):
        return name, name
    if "---" in fields and "+++" in fields:
        return _file_line_names(_name_and_stamp(fields["---"])[0], _name_and_stamp(fields["+++"])[0])
    if pair:
        return _file_line_names(*pair)
    if "Submodule" in fields:
        return fields["Submodule"], fields["Submodule"]
    return _binary_names(fields.get("Binary files", ""))


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return bytes(int(octal, 8) for octal in match[1][1:].split("\\")).decode("utf-8", "surrogateescape")
    return _LETTERS.get(match[2], match[2])


def _name_and_stamp(file_line: str) -> tuple[str, str]:
    """Split a name from the TAB and timestamp after it. Git ends a name with spaces with a bare TAB."""
    if quoted := _QUOTED.match(file_line):
        return unquote(quoted[0]), file_line[quoted.end() :].lstrip("\t")
    name, _, stamp = file_line.partition("\t")
    return name, stamp


def _git_pair(rest: str) -> tuple[str, str] | None:
    """Split what follows `diff --git `. Names without quotes may contain spaces, so both halves must be plausible."""
    if quoted := _QUOTED.match(rest):
        return unquote(quoted[0]), unquote(rest[quoted.end() + 1 :])
    if rest.endswith('"'):  # a name that contains a quote is itself quoted, so this one begins the second name
        old, _, new = rest.partition(' "')
        return old, unquote('"' + new)
    same = (pair for pair in _splits(rest, " ") if _same_file(*pair))
    prefixed = (pair for pair in _splits(rest, " ") if all(map(_PREFIX.match, pair)))
    return next(same, None) or next(prefixed, None)


def _splits(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Yield every way to split the text at the separator."""
    if len(text) <= _LONGEST:
        for place in itertools.islice(re.finditer(re.escape(separator), text), _MOST_SPLITS):
            yield text[: place.start()], text[place.end() :]


def _same_file(old: str, new: str) -> str | None:
    """Return the common name: equal names have no prefix; otherwise all but the first directory must be equal."""
    if old == new:
        return new
    old_rest, new_rest = old.partition("/")[2], new.partition("/")[2]
    return new_rest if new_rest and old_rest == new_rest else None


def _file_line_names(old: str, new: str) -> tuple[str, str]:
    if DEV_NULL in (old, new):
        there = _PREFIX.sub("", old if new == DEV_NULL else new, count=1)
        return there, there
    if name := _same_file(old, new):
        return name, name
    if _PREFIX.match(old) and _PREFIX.match(new):
        return old[2:], new[2:]
    return old, new


def _binary_names(rest: str) -> tuple[str, str] | None:
    """Read `OLD and NEW differ`, the only header that `diff -r` writes for a binary file."""
    splits = list(_splits(rest.removesuffix(" differ"), " and "))
    for old, new in splits:
        if name := _same_file(old, new):
            return name, name
    return _file_line_names(*splits[0]) if splits else None
