"""How many errors of syntax a text has: by the language's own parser where there is one here, else by tree-sitter.

Promises: None where it cannot be told (no parser, a text too large or too slow to parse), never an error and never a
long wait. A grammar is loaded when the first text of its language comes.
"""

from __future__ import annotations

import ast
import importlib
import json
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

#: A larger text is generated: bytes. Seconds for one text: error recovery may take minutes on what is no code.
MAX_BYTES, MAX_SECONDS = 400_000, 0.5

#: Errors from which on they are not counted.
MOST_ERRORS = 200


def parses(path: str, text: str) -> bool | None:
    """Whether the text is free of errors of syntax; None where it cannot be told."""
    errors = errors_in(path, text)
    return None if errors is None else not errors


def errors_in(path: str, text: str) -> int | None:
    """Return how many errors of syntax the text of that file has, None where it cannot be told.

    Python and data files count one error at most; of what tree-sitter reads, each place that makes no sense counts.
    """
    ending = _ending(path)
    parse = _PARSERS.get(ending)
    if parse is not None:
        return 0 if _succeeds(parse, text) else 1
    return _unparsed(*_GRAMMARS[ending], text) if ending in _GRAMMARS else None


def is_lenient(path: str) -> bool:
    """Whether errors of that file are counted by a grammar, which may find some in a file that is sound."""
    return _ending(path) in _GRAMMARS


def _ending(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def _succeeds(parse: Callable[[str], object], text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _toml(text: str) -> object:
    import tomllib  # noqa: PLC0415 - few changes touch such a file, and the command line should start fast

    return tomllib.loads(text)


def _yaml(text: str) -> object:
    import yaml  # noqa: PLC0415 - as above

    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


_PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {"py": ast.parse, "pyi": ast.parse, "json": json.loads, "toml": _toml, "yml": _yaml, "yaml": _yaml}
)

_WHEELS = {
    "js jsx mjs cjs": ("tree_sitter_javascript", "language"),
    "ts mts cts": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "rb rake": ("tree_sitter_ruby", "language"),
    "rs": ("tree_sitter_rust", "language"),
    "c": ("tree_sitter_c", "language"),
    "h hh hpp cc cpp cxx": ("tree_sitter_cpp", "language"),
    "cs": ("tree_sitter_c_sharp", "language"),
    "php": ("tree_sitter_php", "language_php"),
}

#: Module and function of the grammar's wheel, by the ending of a file's name.
_GRAMMARS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {ending: wheel for endings, wheel in _WHEELS.items() for ending in endings.split()}
)


def _unparsed(module: str, function: str, text: str) -> int | None:
    """Count the places that the grammar makes no sense of; None where it cannot be told."""
    data = text.encode("utf-8", "replace")
    grammar = _grammar(module, function) if len(data) <= MAX_BYTES else None
    if grammar is None:
        return None
    from tree_sitter import Parser  # noqa: PLC0415 - see the module's docstring

    try:
        with warnings.catch_warnings():
            # Recommended instead is a callback that crashes the process in tree-sitter 0.25 and 0.26.
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = Parser(grammar, timeout_micros=int(MAX_SECONDS * 1e6)).parse(data)
    except (ValueError, TypeError):  # out of time; a version without this limit
        return None
    return _errors_below(tree.root_node)


def _errors_below(root: Any) -> int:
    """Count the nodes that are errors or were made up, without recursion: trees may be deep."""
    stack, errors = [root], 0
    while stack and errors < MOST_ERRORS:
        node = stack.pop()
        errors += node.is_error or node.is_missing
        if node.has_error:
            stack += node.children
    return errors


@cache
def _grammar(module: str, function: str) -> Any | None:
    """Load a grammar once for a process; None where it is not installed."""
    try:
        from tree_sitter import Language  # noqa: PLC0415 - see the module's docstring

        return Language(getattr(importlib.import_module(module), function)())
    except (ImportError, AttributeError, TypeError, ValueError):
        return None
