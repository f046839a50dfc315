"""The table of languages: one row says everything about a file."""

from __future__ import annotations

import pytest

from reviewer.languages.imports import modules_on
from reviewer.languages.outline import used_on
from reviewer.languages.paths import is_code, is_prose
from reviewer.languages.registry import BY_ENDING, LANGUAGES, family_of, language_of


def test_every_ending_has_one_row() -> None:
    """An ending in two rows would mean whichever comes last."""
    endings = [ending for language in LANGUAGES for ending in language.endings.split()]
    assert len(endings) == len(set(endings)) == len(BY_ENDING)


@pytest.mark.parametrize(
    ("path", "family", "code", "prose"),
    [
        ("src/a.py", "python", True, False),
        ("src/A.TSX", "web", True, False),
        ("lib/a.mts", "web", True, False),
        ("a.zig", "zig", True, False),
        ("main.tf", "terraform", True, False),
        ("a.yaml", "yaml", False, False),
        ("README.md", "markdown", False, True),
        ("Makefile", "makefile", False, False),
        ("src/go", "go", False, False),
        ("a.unknown", "unknown", False, False),
    ],
)
def test_a_name_tells_what_a_file_is(path: str, family: str, code: bool, prose: bool) -> None:  # noqa: FBT001
    """By its ending, in small or capital letters; a name without a dot has none."""
    assert (family_of(path), is_code(path), is_prose(path)) == (family, code, prose)


def test_a_name_without_an_ending_has_no_language() -> None:
    """A program that is called `go` is not a text in Go."""
    assert language_of("bin/go") is None
    assert language_of("bin.d/py") is None


@pytest.mark.parametrize(
    ("path", "line", "modules"),
    [
        ("a.py", "from .b import c, d", ["./b", "./b/c", "./b/d"]),
        ("a.py", "import a.b, c", ["a/b", "c"]),
        ("a.ts", 'import { x } from "../y"', ["../y"]),
        ("a.go", '\t"example.org/x/y"', ["example.org/x/y"]),
        ("A.java", "import static a.b.C;", ["a/b/C"]),
        ("A.kts", "import a.b.C", ["a/b/C"]),
        ("a.rb", 'require_relative "b/c"', ["./b/c"]),
        ("a.rs", "use crate::b::C;", ["b/C"]),
        ("a.cc", '#include "b/c.h"', ["b/c"]),
        ("a.php", "use A\\B\\C;", ["A/B/C"]),
        ("a.lua", 'require("b")', []),
        ("a.unknown", "import b", []),
    ],
)
def test_imports_are_read_in_each_language(path: str, line: str, modules: list[str]) -> None:
    """A language without a reader imports nothing that we can follow."""
    assert modules_on(path, line) == modules


@pytest.mark.parametrize("path", ["a.py", "a.rb", "a.sh", "a.zsh", "a.tf", "a.yml", "a.exs"])
def test_hash_comments_are_no_code(path: str) -> None:
    """Names in them are not used."""
    assert set(used_on(path, ["alpha # beta"])) == {"alpha"}


@pytest.mark.parametrize("path", ["a.js", "a.rs", "a.unknown"])
def test_slash_comments_are_no_code(path: str) -> None:
    """Also where the language is not known."""
    assert set(used_on(path, ["alpha // beta"])) == {"alpha"}
