"""How many errors of syntax a text has: by the language's own parser where there is one here, else by its grammar.

Promises: None where it cannot be told (no parser, a text too large or too slow to parse), never an error and never a
long wait.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

from reviewer.languages.registry import language_of
from reviewer.languages.treesitter import errors


def parses(path: str, text: str) -> bool | None:
    """Whether the text is free of errors of syntax; None where it cannot be told."""
    count = errors_in(path, text)
    return None if count is None else not count


def errors_in(path: str, text: str) -> int | None:
    """Return how many errors of syntax the text of that file has, None where it cannot be told.

    Python and data files count one error at most; of what a grammar reads, each place that makes no sense counts.
    """
    parse = _PARSERS.get(_ending(path))
    if parse is not None:
        return 0 if _succeeds(parse, text) else 1
    language = language_of(path)
    return None if language is None else errors(language, text)


def is_exact(path: str) -> bool:
    """Whether errors of that file are what the language itself calls so; a grammar may find some in a sound file."""
    return _ending(path) in _PARSERS


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
