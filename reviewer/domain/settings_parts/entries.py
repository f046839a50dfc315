"""Read the lists of a settings file entry by entry: a bad entry is left out, the rest of its list counts. Pure.

Patterns narrow what is reviewed, so what cannot be read must not let more files in: an entry of `exclude` is widened
where its folders can be read. Where that is not possible and no other entry is left, nothing may be reviewed. For the
same reason, what would match nothing in `.gitignore` is read as other tools read it: several patterns in one text,
`{a,b}`, `./` at the beginning, and the slashes of Windows. A regular expression is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reviewer.domain.path_patterns import BadPattern, checked_pattern

#: Patterns of one list, and rules with a pattern.
MAX_PATTERNS = 200

#: Characters of a pattern: a path longer than this is a mistake.
MAX_PATTERN = 300

#: Characters of an entry that a message shows.
_LONGEST_WORD = 60

#: Patterns that `{a,b}` may stand for in one entry.
_MOST_CHOICES = 64

_CHOICE = re.compile(r"(?<!\\)\{([^{}]{0,300},[^{}]{0,300})\}")
#: A comma that is in no braces.
_COMMA = re.compile(r",(?![^{}]{0,300}\})")
_WINDOWS = re.compile(r"\\(?:\w|\*\*)")


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """What is wrong with an entry. `where` leads to it from the key: its number from 0, a key in it.

    `stops`: without this entry, more would be reviewed than the file allows.
    """

    where: tuple[str, ...]
    message: str
    stops: bool = False


@dataclass(slots=True)
class KeptEntries:
    """The entries that can be used, and what is wrong with the others."""

    entries: list[Any] = field(default_factory=list)
    problems: list[EntryProblem] = field(default_factory=list)


def separate_texts(value: str) -> list[str]:
    """Return the texts that stand in one, in lines of their own or between commas, as people write a list."""
    return [text for line in value.split("\n") for part in _COMMA.split(line) if (text := part.strip())] or [value]


def _separate_patterns(text: str) -> list[str]:
    """Return the patterns that stand in one text; a comma may also be a part of a name, as in `*,v`."""
    if len(text) > MAX_PATTERN * MAX_PATTERNS:
        return [text]
    found = []
    for line in text.split("\n"):
        parts = [part.strip() for part in _COMMA.split(line)]
        apart = all(part.strip("*") for part in parts) and (
            ", " in line or all(re.search(r"[./*]", part) for part in parts)
        )
        if not (len(parts) > 1 and apart):
            words = line.split()
            # A name may hold a blank, but none begins like a pattern behind it.
            apart = len(words) > 1 and all(word.startswith(("*", "/", "./", "!")) for word in words)
            parts = words if apart else [line.strip() if "\n" in text else line]
        found += parts
    return [part for part in found if part] or [text]


def _plain_patterns(pattern: str) -> list[str]:
    """Return the patterns of `.gitignore` that a pattern means: one for each choice in braces."""
    sign = "!" if pattern.startswith("!") else ""
    bare = pattern.removeprefix("!")
    bare = bare.replace("\\", "/") if _WINDOWS.search(bare) else bare
    bare = bare.removeprefix(".") if bare.startswith("./") else bare
    plain = [f"{sign}{bare}"]
    while len(plain) <= _MOST_CHOICES and (choice := _CHOICE.search(plain[0])):
        parts = choice[1].split(",")
        plain = [each.replace(choice[0], part, 1) for each in plain for part in parts]
    return plain if len(plain) <= _MOST_CHOICES else [pattern]


def usable_patterns(value: Any, *, excludes: bool) -> KeptEntries | None:
    """Return the usable entries of `exclude` or `include`; None where the value is neither text nor a list."""
    if not isinstance(value, str | list):
        return None
    entries = [value] if isinstance(value, str) else value
    kept = KeptEntries()
    for number, entry in enumerate(entries[:MAX_PATTERNS]):
        where = () if isinstance(value, str) else (str(number),)
        for text in _separate_patterns(entry) if isinstance(entry, str) else [entry]:
            _take_pattern(kept, where, text, excludes=excludes)
    if len(entries) > MAX_PATTERNS:
        kept.problems.append(EntryProblem((), f"more than {MAX_PATTERNS} entries", stops=True))
    none_is_left = not kept.entries and any(entry is not None for entry in entries)
    kept.problems = [
        EntryProblem(problem.where, problem.message, stops=True)
        if problem.stops or none_is_left
        else EntryProblem(problem.where, f"{problem.message}; the other entries hold")
        for problem in kept.problems
    ]
    return kept


def _take_pattern(kept: KeptEntries, where: tuple[str, ...], entry: Any, *, excludes: bool) -> None:
    """Add the entry, or what stands in for it, and say what is wrong with it."""
    name = _name(where, entry)
    if not isinstance(entry, str):
        kind = "is empty" if entry is None else "is not a pattern"
        kept.problems.append(EntryProblem(where, f"{name}{kind}"))
        return
    reason = _bad_pattern(entry)
    if not reason:
        kept.entries += _plain_patterns(entry)
        return
    takes_back = entry.startswith("!")
    if takes_back is excludes:  # without it, fewer files are reviewed
        kept.problems.append(EntryProblem(where, f"{name}{reason}"))
    elif wider := _wider(entry):
        kept.entries.append(wider)
        kept.problems.append(EntryProblem(where, f"{name}{reason}; it counts as `{wider}`"))
    else:
        kept.problems.append(EntryProblem(where, f"{name}{reason}", stops=takes_back))


def _name(where: Sequence[str], entry: Any) -> str:
    """Name an entry for a message: its number from 1, and its beginning."""
    if not where:
        return ""
    shown = "" if entry is None else f" (`{str(entry)[:_LONGEST_WORD]}`)"
    return f"entry {int(where[0]) + 1}{shown}: "


def _bad_pattern(entry: str) -> str:
    """Return what is wrong with a pattern, or an empty text."""
    if len(entry) > MAX_PATTERN:
        return f"a pattern has at most {MAX_PATTERN} characters"
    if _is_expression(entry):
        return "it reads as a regular expression; patterns are written as in .gitignore, such as `*.min.js` or `gen/**`"
    plain = _plain_patterns(entry)
    if any(_CHOICE.search(pattern) for pattern in plain):
        return f"more than {_MOST_CHOICES} choices in braces"
    try:
        for pattern in plain:
            checked_pattern(pattern)
    except BadPattern as error:
        return str(error)
    return ""


def _is_expression(entry: str) -> bool:
    """Whether an entry reads as a regular expression."""
    text = entry.removeprefix("!")
    return text.startswith("^") or text.endswith("$") or ".+" in text or "\\." in text.partition(".*")[2]


def _wider(entry: str) -> str:
    """Return a pattern for everything in the last folder before what cannot be read; empty where there is none."""
    if _is_expression(entry):
        return ""
    sign = "!" if entry.startswith("!") else ""
    segments = entry.removeprefix("!").removeprefix("/").split("/")[:-1]
    for end in range(len(segments), 0, -1):
        wider = f"{sign}/{'/'.join(segments[:end])}/**"
        named = [segment for segment in segments[:end] if segment.strip("*")]
        if named and not _bad_pattern(wider):
            return wider
    return ""


def usable_rules(value: Any, rule: type, fields: Sequence[str]) -> KeptEntries | None:
    """Return the usable entries of a list of rules, or of a mapping from pattern to text; None for anything else."""
    kept = KeptEntries()
    if isinstance(value, Mapping):
        for pattern, text in value.items():
            entry = {"path": str(pattern), "instructions": text}
            _take_rule(kept, (str(pattern),), f"`{str(pattern)[:_LONGEST_WORD]}`: ", entry, rule, fields)
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _take_rule(kept, (str(number),), f"entry {number + 1}: ", entry, rule, fields)
    else:
        return None
    if len(kept.entries) > MAX_PATTERNS:
        del kept.entries[MAX_PATTERNS:]
        kept.problems.append(EntryProblem((), f"more than {MAX_PATTERNS} entries; the first {MAX_PATTERNS} hold"))
    return kept


def _take_rule(
    kept: KeptEntries, where: tuple[str, ...], name: str, entry: Any, rule: type, fields: Sequence[str]
) -> None:
    """Add the rule without keys that are unknown; leave it out where anything else is wrong with it."""
    if isinstance(entry, Mapping):
        for unknown in (word for word in map(str, entry) if word not in fields):
            message = f"{name}unknown key `{unknown[:_LONGEST_WORD]}`; known here are {', '.join(fields)}"
            kept.problems.append(EntryProblem((*where, unknown), message))
        entry = {str(key): inner for key, inner in entry.items() if str(key) in fields}
    try:
        TypeAdapter(rule).validate_python(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = tuple(str(part) for part in first["loc"][:1])
        reason = str(first["msg"]).removeprefix("Value error, ")
        text = f"`{key[0]}`: {reason[:1].lower()}{reason[1:]}" if key else f"must be {' and '.join(fields)}"
        inside = key if isinstance(entry, Mapping) and key and key[0] in entry else ()
        kept.problems.append(EntryProblem((*where, *inside), f"{name}{text}; this entry is left out"))
        return
    path = entry.get("path") if isinstance(entry, Mapping) else None
    texts = _separate_patterns(path) if isinstance(path, str) else []
    paths = [plain for text in texts for plain in _plain_patterns(text)]
    kept.entries += [{**entry, "path": plain} for plain in paths] or [entry]
