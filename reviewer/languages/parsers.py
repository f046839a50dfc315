"""Parsers that come with Python or with our packages: each raises SyntaxError or ValueError for a bad text.

A text that would take too long, or is nested too deep, raises CannotTell: it may be good or bad. PyYAML takes time in
proportion to the square of the depth, tomllib to the square of the parts of a dotted key.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from typing import Any

#: A larger text is data, in characters. Collections inside one another; dots on one line of TOML.
MAX_TEXT, MAX_DEPTH, MAX_DOTS = 400_000, 100, 200

#: Nodes of a syntax tree inside one another: more, and what visits the tree runs out of stack.
MAX_TREE_DEPTH = 200


class CannotTell(ValueError):
    """The text is too large or too deep to be parsed."""


def _check_size(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise CannotTell(f"more than {MAX_TEXT:,} characters")


def parse_python(text: str) -> object:
    """Parse Python; raises SyntaxError, ValueError or CannotTell."""
    return python_tree(text)


def python_tree(text: str) -> ast.Module:
    """Return the syntax tree of a Python text, for those who go through it. Raises SyntaxError, ValueError, CannotTell.

    Twenty thousand `elif` parse, but are a tree so deep that Python cannot visit it.
    """
    _check_size(text)
    try:
        tree = ast.parse(text)
    except (RecursionError, MemoryError) as error:
        raise CannotTell("nested too deep") from error
    level: list[ast.AST] = [tree]
    for _ in range(MAX_TREE_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise CannotTell("nested too deep")


def parse_json(text: str) -> object:
    """Parse JSON; raises ValueError or CannotTell."""
    _check_size(text)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise CannotTell("nested too deep") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; raises ValueError or CannotTell."""
    _check_size(text)
    if any(line.count(".") > MAX_DOTS for line in text.split("\n")):
        raise CannotTell(f"a line has more than {MAX_DOTS} dots")
    import tomllib  # noqa: PLC0415 - few changes touch such a file, and the command line should start fast

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise CannotTell("nested too deep") from error


@dataclass(slots=True)
class _Mapping:
    """The keys of a mapping so far: its nodes are keys and values in turn."""

    keys: set[tuple[str, bool]] = field(default_factory=set)
    is_key: bool = True

    def add(self, scalar: tuple[str, bool] | None) -> None:
        """Take the next node, None if it is no scalar. Raises ValueError for a key that is there already."""
        if self.is_key and scalar and scalar[0] != "<<":
            if scalar in self.keys:
                raise ValueError(f"the key {scalar[0]!r} is there twice")
            self.keys.add(scalar)
        self.is_key = not self.is_key


def parse_yaml(text: str) -> object:
    """Parse YAML; raises ValueError, also for a key that a mapping has twice, or CannotTell."""
    _check_size(text)
    import yaml  # noqa: PLC0415 - as above

    try:
        inside: list[_Mapping | None] = []
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.NodeEvent) and inside and inside[-1]:
                key = (event.value, event.implicit[0]) if isinstance(event, yaml.ScalarEvent) else None
                inside[-1].add(key)
            if isinstance(event, yaml.CollectionStartEvent):
                inside.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else None)
            elif isinstance(event, yaml.CollectionEndEvent):
                inside.pop()
            if len(inside) > MAX_DEPTH:
                raise CannotTell(f"nested more than {MAX_DEPTH} deep")
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    return None
