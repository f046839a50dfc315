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

#: Where a program reads what has no name of its own: standard input, a pipe of the shell (`<(...)`).
_NAMELESS = re.compile(r"-?|/?dev/std(?:in|out)|/?(?:dev/fd|proc/(?:self|[0-9]{1,9})/fd)/.{1,40}|.*/")

#: A time or a revision after spaces: a TAB that an editor, a mail or a terminal changed. `svn diff` writes both.
_SPACED_STAMP = re.compile(
    r" +(?:\((?:revision [0-9]{1,12}|working copy|nonexistent)\)"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}[0-9:.+\- ]{0,30})$"
)

_LONGEST_STAMP = 80

#: Paths from the top of the disk, or of a folder beside: what two of them share is the path in the project.
_ELSEWHERE = ("/", "../")

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
    equal except for the prefixes; then the `---` and `+++` lines. An absent side, and one that is only a pipe, gets the
    other side's name.
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
    name, tab, stamp = file_line.partition("\t")
    if not tab and (spaced := _SPACED_STAMP.search(file_line[-_LONGEST_STAMP:])):
        cut = len(file_line) - len(spaced[0])
        return file_line[:cut], spaced[0].lstrip()
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


def _file_line_names(old: str, new: str) -> tuple[str, str] | None:
    """Return the names of two file lines, without prefixes; None if neither side has a name."""
    if old != new and (name := _same_file(old, new)):
        return name.removeprefix("./"), name.removeprefix("./")
    old_name, new_name = _name(old), _name(new)
    if old_name is None or new_name is None:
        name = new_name if old_name is None else old_name
        return None if name is None else (name, name)
    old, new = old.removeprefix("./"), new.removeprefix("./")
    if name := _same_file(old, new):
        return name, name
    if _PREFIX.match(old) and _PREFIX.match(new):
        return old_name, new_name
    if old.startswith(_ELSEWHERE) and new.startswith(_ELSEWHERE) and (name := _common_end(old, new)):
        return name, name
    return old, new


def _name(text: str) -> str | None:
    """Return the name without prefix; None where there is no file, or only a pipe."""
    name = text.removeprefix("./")
    name = name[2:] if _PREFIX.match(name) else name
    return None if text == DEV_NULL or _NAMELESS.fullmatch(name) else name


def _common_end(old: str, new: str) -> str:
    """Return the folders and the name with which both paths end."""
    pairs = zip(reversed(old.split("/")), reversed(new.split("/")), strict=False)
    return "/".join(reversed([ours for ours, theirs in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)]))


def _binary_names(rest: str) -> tuple[str, str] | None:
    """Read `OLD and NEW differ`, the only header that `diff -r` writes for a binary file."""
    splits = list(_splits(rest.removesuffix(" differ"), " and "))
    for old, new in splits:
        if name := _same_file(old, new):
            return name, name
    return _file_line_names(*splits[0]) if splits else None
