"""Count the syntax errors of a text, with the language's own parser if we have it, else with its grammar.

The count is None where there is no parser, or the text is too large or too slow to parse. Never raises or waits long.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from reviewer.languages.parsers import CannotTell
from reviewer.languages.registry import language_of
from reviewer.languages.treesitter import awaits_in_vain, errors


def errors_in(path: str, text: str) -> int | None:
    """Return the number of syntax errors in the text of that file, None if unknown.

    A parser stops at the first error and counts one; a grammar counts each place that it cannot read.
    """
    language = language_of(path)
    if language is None:
        return None
    if language.parse is not None:
        return _errors(language.parse, text)
    return None if language.grammar is None else errors(language.grammar, text)


def is_exact(path: str) -> bool:
    """Whether errors in that file are certain: a grammar may also find some in a correct file."""
    language = language_of(path)
    return language is not None and language.parse is not None


def awaits_in_vain_in(path: str, text: str) -> int | None:
    """Return how often a text of JavaScript, Python or C# awaits in a function that is not async, None if unknown."""
    language = language_of(path)
    if language is None or language.grammar is None or language.family not in ("web", "python", "c_sharp"):
        return None
    return awaits_in_vain(language.grammar, text)


def refuses_sentences(path: str) -> bool:
    """Whether an English sentence is an error in that file: not where calls or texts need no marks around them."""
    language = language_of(path)
    if language is None or language.bare_calls or language.family == "yaml":
        return False
    return language.parse is not None or language.grammar is not None


def _errors(parse: Callable[[str], object], text: str) -> int | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(text)
    except CannotTell:
        return None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    return 0
