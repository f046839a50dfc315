"""Read the YAML of a settings file into plain values, within fixed bounds.

YAML can say in few bytes what fills the memory of a process: aliases of aliases, merge keys, numbers in base 60. A
settings file needs none of these, nor tags. A key that uses one is left out, with a `YamlProblem`; the other keys hold.
A text that is too deep or has too many values is refused as a whole. What a problem means for the settings is decided
in `reviewer.domain.settings`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import Node

#: Collections inside one another. The deepest setting needs four.
MAX_DEPTH = 12

#: Values and keys together.
MAX_NODES = 4_000

#: Characters of a number.
MAX_DIGITS = 30

_STR, _NULL, _BOOL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

#: A value that begins with a character that means something else in YAML.
_BARE = re.compile(r"(?:- |: |\[ ?|, ?)[*&!@%`{\[?]")
_LONGEST_HINT = 500

#: Characters of an entry that a message shows.
_LONGEST_WORD = 60


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """What is not read as it stands there: `path` is empty for the text as a whole; `line` is 1-based.

    `is_read`: it is read nevertheless, as the message says. `lost` are the keys of an earlier place that do not count,
    since the same key stands there again.
    """

    path: tuple[str, ...]
    line: int
    message: str
    is_read: bool = False
    lost: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class YamlText:
    """The value of a YAML text, the lines of its keys and list entries, and what is not read. `value` may be anything.

    A line is found by the keys that lead to it: section, key, number of the entry (from 0), key in the entry.
    """

    value: Any = None
    lines: dict[tuple[str, ...], int] | None = None
    problems: tuple[YamlProblem, ...] = ()

    def line(self, path: tuple[str, ...]) -> int:
        """Return the line of the key at that path, or of the nearest key above it."""
        lines = self.lines or {}
        return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 1)


def read_yaml(text: str, words: Collection[tuple[str, str]] = ()) -> YamlText:
    """Return what that YAML text says. Never raises for bad text: a problem without a path means that nothing holds.

    `words` are the keys whose entries are text: what YAML takes for a number, a date or a yes is read as it is written.
    """
    import yaml  # noqa: PLC0415 - most repositories have no settings file, and the command line should start fast

    try:
        refused = tuple(_one_for_each_key(_Refusals().of(yaml.parse(text, Loader=yaml.SafeLoader))))
        if whole := [problem for problem in refused if not problem.path]:
            return YamlText(problems=(whole[0],))
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return YamlText()
        _leave_out(root, {problem.path for problem in refused})
        _name_keys(root)
        as_text = tuple(_read_as_text(root, words))
        numbers = tuple(_one_for_each_key(_bad_numbers(root)))
        _leave_out(root, {problem.path for problem in numbers})
        twice = tuple(_keys_given_twice(root))
        lines = _lines(root)
        value = yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = str(getattr(error, "problem", None) or "it cannot be read")[:200]
        return YamlText(problems=(YamlProblem((), line, f"not valid YAML ({reason}){_hint(text, line)}"),))
    return YamlText(value, lines, refused + as_text + numbers + twice)


def _hint(text: str, line: int) -> str:
    """Say what to do where the line holds a value that must be in quotes, such as a pattern that begins with `*`."""
    lines = text.split("\n")
    shown = lines[line - 1][:_LONGEST_HINT] if line <= len(lines) else ""
    return "; put a value that begins with a special character in quotes: '*.md'" if _BARE.search(shown) else ""


def _one_for_each_key(problems: Iterable[YamlProblem]) -> Iterator[YamlProblem]:
    seen: set[tuple[str, ...]] = set()
    for problem in problems:
        if problem.path not in seen:
            yield problem
        seen.add(problem.path)


class _Collection:
    """A mapping or list that is being read; `key` is the last key of a mapping, `expects_key` what comes next."""

    __slots__ = ("expects_key", "is_mapping", "key")

    def __init__(self, *, is_mapping: bool) -> None:
        self.is_mapping = self.expects_key = is_mapping
        self.key = ""


class _Refusals:
    """Goes through the events of a text, and finds what is not read: before a value is made of it."""

    def __init__(self) -> None:
        self._open: list[_Collection] = []

    def of(self, events: Iterable[Any]) -> Iterator[YamlProblem]:
        """Yield a problem for each anchor, alias, tag and merge key. Stops at the first that concerns all."""
        from yaml import events as kinds  # noqa: PLC0415 - see read_yaml

        for count, event in enumerate(events):
            line = event.start_mark.line + 1
            if isinstance(event, kinds.CollectionEndEvent):
                self._open.pop()
                self._ends()
                continue
            if not isinstance(event, kinds.NodeEvent):
                continue
            if count > MAX_NODES:
                yield YamlProblem((), line, f"more than {MAX_NODES:,} values")
                return
            is_key = bool(self._open) and self._open[-1].expects_key
            if is_key and not isinstance(event, kinds.ScalarEvent):
                yield YamlProblem((), line, "a key must be a plain word")
                return
            if is_key:
                self._open[-1].key = str(getattr(event, "value", ""))
            if reason := self._reason(event, is_key=is_key):
                yield YamlProblem(self._path(), line, reason)
            if isinstance(event, kinds.CollectionStartEvent):
                self._open.append(_Collection(is_mapping=isinstance(event, kinds.MappingStartEvent)))
                if len(self._open) > MAX_DEPTH:
                    yield YamlProblem((), line, f"nested more than {MAX_DEPTH} deep")
                    return
            else:
                self._ends()

    def _path(self) -> tuple[str, ...]:
        """Return the section and the key that are being read."""
        path: list[str] = []
        for collection in self._open[:2]:
            # What stands directly in a mapping has a key; a list is all one value.
            if not collection.is_mapping:
                break
            path.append(collection.key)
        return tuple(path)

    def _ends(self) -> None:
        """Note that a key or a value is complete."""
        if self._open and self._open[-1].is_mapping:
            self._open[-1].expects_key = not self._open[-1].expects_key

    @staticmethod
    def _reason(event: Any, *, is_key: bool) -> str:
        """Say why the key or value that begins with this event is not read; empty if nothing is against it."""
        from yaml import events as kinds  # noqa: PLC0415 - see read_yaml

        if isinstance(event, kinds.AliasEvent):
            return f"an alias (`*{str(event.anchor)[:40]}`) is not read: write the value out"
        if event.anchor is not None:
            return f"an anchor (`&{event.anchor[:40]}`) is not read: write the value where it is needed"
        if event.tag is not None:
            return f"a tag (`{event.tag[:40]}`) is not read: write the plain value"
        if is_key and event.value == "<<":
            return "a merge key (`<<`) is not read: write the keys out"
        return ""


def _leave_out(root: Node, paths: set[tuple[str, ...]]) -> None:
    """Remove the sections and keys at those paths from the tree."""
    from yaml import MappingNode  # noqa: PLC0415 - see read_yaml

    if not isinstance(root, MappingNode):
        return
    root.value = [(key, value) for key, value in root.value if (str(key.value),) not in paths]
    for section, node in root.value:
        if isinstance(node, MappingNode):
            name = str(section.value)
            node.value = [(key, value) for key, value in node.value if (name, str(key.value)) not in paths]


def _name_keys(root: Node) -> None:
    """Make text of every key: YAML takes `on` for a yes, and `2` for a number."""
    pending = [root]
    while pending:
        for entry in inner if isinstance(inner := pending.pop().value, list) else ():
            if isinstance(entry, tuple):
                entry[0].tag = _STR
            pending.append(entry[1] if isinstance(entry, tuple) else entry)


def _bad_numbers(root: Node) -> Iterator[YamlProblem]:
    """Yield the keys whose value has a number in base 60, which YAML reads `1:30` as, or an endless number."""
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node.tag in _NUMBERS and (":" in node.value or len(node.value) > MAX_DIGITS):
            wrong = "a number in base 60" if ":" in node.value else f"a number of more than {MAX_DIGITS} digits"
            yield YamlProblem(path, node.start_mark.line + 1, f"{wrong} is not read")
        for entry in node.value if isinstance(node.value, list) else ():
            if isinstance(entry, tuple):
                inner = (*path, str(entry[0].value)) if len(path) < 2 else path
                pending += [(inner, entry[0]), (inner, entry[1])]
            else:
                pending.append((path, entry))


def _read_as_text(root: Node, words: Collection[tuple[str, str]]) -> Iterator[YamlProblem]:
    """Make text of the entries under those keys, and yield a problem for each that YAML takes for something else."""
    for path, value in _keys(root):
        if path not in words:
            continue
        is_list = isinstance(value.value, list) and not any(isinstance(entry, tuple) for entry in value.value)
        entries = list(enumerate(value.value)) if is_list else [(-1, value)]
        for number, node in entries:
            # A list's entry may be `on`, the name of a folder; alone, it is no pattern.
            kept = (_STR, _NULL) if is_list else (_STR, _NULL, _BOOL)
            if not isinstance(node.value, str) or node.tag in kept:
                continue
            node.tag = _STR
            where = path if number < 0 else (*path, str(number))
            shown = node.value[:_LONGEST_WORD]
            message = f"`{shown}` is not text in YAML; it is read as the pattern `{shown}`: put it in quotes"
            yield YamlProblem(where, node.start_mark.line + 1, message, is_read=True)


def _keys(root: Node) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and value of each key of each section."""
    from yaml import MappingNode  # noqa: PLC0415 - see read_yaml

    for section, node in root.value if isinstance(root, MappingNode) else ():
        for key, value in node.value if isinstance(node, MappingNode) else ():
            yield (str(section.value), str(key.value)), value


def _keys_given_twice(root: Node) -> Iterator[YamlProblem]:
    """Yield the keys that a section, or the file, has more than once: YAML readers take the last without a word."""
    from yaml import MappingNode  # noqa: PLC0415 - see read_yaml

    sections = [((str(key.value),), value) for key, value in root.value] if isinstance(root, MappingNode) else []
    for path, node in [((), root), *sections]:
        seen: dict[str, Any] = {}
        for key, value in node.value if isinstance(node, MappingNode) else ():
            name = str(key.value)
            if name in seen:
                earlier = seen[name].value if isinstance(seen[name], MappingNode) else ()
                lost = frozenset((*path, name, str(inner.value)) for inner, _ in earlier) | {(*path, name)}
                yield YamlProblem((*path, name), key.start_mark.line + 1, "given twice", is_read=True, lost=lost)
            seen[name] = value


def _lines(root: Node) -> dict[tuple[str, ...], int]:
    """Return the line of each key and list entry; of several with one path, the first."""
    lines: dict[tuple[str, ...], int] = {(): root.start_mark.line + 1}
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        for number, entry in enumerate(node.value if isinstance(node.value, list) else ()):
            key, value = entry if isinstance(entry, tuple) else (None, entry)
            inner = (*path, str(number) if key is None else str(key.value))
            if inner not in lines:
                lines[inner] = (value if key is None else key).start_mark.line + 1
                pending.append((inner, value))
    return lines
