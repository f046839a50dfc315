"""Tell from a file's path whether it is code, documentation or a test."""

from __future__ import annotations

import re

from reviewer.languages.registry import language_of

_TEST_WORDS = re.compile(r"(?i:(?:^|[._-])(?:tests?|specs?)(?=[._-]|$))|(?<=[a-z0-9])(?:Tests?|Spec)(?=\.|$)")


def is_code(path: str) -> bool:
    """Whether the path is program text, by its ending."""
    language = language_of(path)
    return language is not None and language.is_code


def is_prose(path: str) -> bool:
    """Whether the path is documentation, by its ending."""
    language = language_of(path)
    return language is not None and language.is_prose


def is_test(path: str) -> bool:
    """Whether the path looks like a test, by the names of its folders and its own."""
    directory, _, name = path.rpartition("/")
    return bool(re.search(r"(?:^|/)(?:tests?|specs?|__tests__)(?:/|$)", directory) or _TEST_WORDS.search(name))


def unit_stem(path: str) -> str:
    """Return the name of a file without its ending, and without the part that marks it as a test."""
    return _TEST_WORDS.sub("", path.rpartition("/")[2].rsplit(".", 1)[0]).strip("._-").lower()
