"""Read the YAML of a settings file into plain values, within fixed bounds.

YAML can say in few bytes what fills the memory of a process: aliases of aliases, merge keys, numbers in base 60. A
settings file needs none of these, nor tags. A key that uses one is left out, with a `YamlProblem`; the other keys hold.
A text that is too deep or has too many values is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """What is not read: `path` has at most two keys and is empty for the text as a whole; `line` is 1-based."""

    path: tuple[str, ...]
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class YamlText:
    """The value of a YAML text, the line of each section and key, and what is not read. `value` may be of any type."""

    value: Any = None
    lines: dict[tuple[str, ...], int] | None = None
    problems: tuple[YamlProblem, ...] = ()

    def line(self, path: tuple[str, ...]) -> int:
        """Return the line of the key at that path, or of the nearest key above it."""
        lines = self.lines or {}
        return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 1)


def read_yaml(text: str) -> YamlText:
    """Return what that YAML text says. Never raises for bad text: a problem without a path means that nothing holds."""
    import yaml  # noqa: PLC0415 - most repositories have no settings file, and the command line should start fast

    try:
        refused = tuple(_one_for_each_key(_Refusals().of(yaml.parse(text, Loader=yaml.SafeLoader))))
        if whole := [problem for problem in refused if not problem.path]:
            return YamlText(problems=(whole[0],))
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return YamlText()
        _leave_out(root, {problem.path for problem in refused})
        numbers = tuple(_one_for_each_key(_bad_numbers(root)))
        _leave_out(root, {problem.path for problem in numbers})
        twice = tuple(_keys_given_twice(root))
        value = yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = str(getattr(error, "problem", None) or "it cannot be read")[:200]
        return YamlText(problems=(YamlProblem((), line, f"not valid YAML ({reason}); the defaults hold"),))
    return YamlText(value, _lines(root), refused + numbers + twice)


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
                yield YamlProblem((), line, f"more than {MAX_NODES:,} values; the defaults hold")
                return
            is_key = bool(self._open) and self._open[-1].expects_key
            if is_key and not isinstance(event, kinds.ScalarEvent):
                yield YamlProblem((), line, "a key must be a plain word; the defaults hold")
                return
            if is_key:
                self._open[-1].key = str(getattr(event, "value", ""))
            if reason := self._reason(event, is_key=is_key):
                yield YamlProblem(self._path(), line, f"{reason}; the default holds")
            if isinstance(event, kinds.CollectionStartEvent):
                self._open.append(_Collection(is_mapping=isinstance(event, kinds.MappingStartEvent)))
                if len(self._open) > MAX_DEPTH:
                    yield YamlProblem((), line, f"nested more than {MAX_DEPTH} deep; the defaults hold")
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


def _bad_numbers(root: Node) -> Iterator[YamlProblem]:
    """Yield the keys whose value has a number in base 60, which YAML reads `1:30` as, or an endless number."""
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node.tag in _NUMBERS and (":" in node.value or len(node.value) > MAX_DIGITS):
            wrong = "a number in base 60" if ":" in node.value else f"a number of more than {MAX_DIGITS} digits"
            yield YamlProblem(path, node.start_mark.line + 1, f"{wrong} is not read; the default holds")
        for entry in node.value if isinstance(node.value, list) else ():
            if isinstance(entry, tuple):
                inner = (*path, str(entry[0].value)) if len(path) < 2 else path
                pending += [(inner, entry[0]), (inner, entry[1])]
            else:
                pending.append((path, entry))


def _keys_given_twice(root: Node) -> Iterator[YamlProblem]:
    """Yield the keys that a section, or the file, has more than once: YAML readers take the last without a word."""
    from yaml import MappingNode  # noqa: PLC0415 - see read_yaml

    sections = [((str(key.value),), value) for key, value in root.value] if isinstance(root, MappingNode) else []
    for path, node in [((), root), *sections]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, MappingNode) else ():
            if (name := str(key.value)) in seen:
                yield YamlProblem((*path, name), key.start_mark.line + 1, "given twice; the last one counts")
            seen.add(name)


def _lines(root: Node) -> dict[tuple[str, ...], int]:
    """Return the line of each section and of each key in it; of several, the first."""
    from yaml import MappingNode  # noqa: PLC0415 - see read_yaml

    lines: dict[tuple[str, ...], int] = {(): root.start_mark.line + 1}
    for section, node in root.value if isinstance(root, MappingNode) else ():
        lines.setdefault((str(section.value),), section.start_mark.line + 1)
        for key, _ in node.value if isinstance(node, MappingNode) else ():
            lines.setdefault((str(section.value), str(key.value)), key.start_mark.line + 1)
    return lines
