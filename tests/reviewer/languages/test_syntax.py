"""Errors of syntax: counted where a parser can, None where none can, never a crash."""

from __future__ import annotations

import pytest

from reviewer.languages.syntax import errors_in


@pytest.mark.parametrize(
    ("path", "sound", "broken"),
    [
        ("a.py", "x = 1\n", "x = = 1\n"),
        ("a.json", "{}", "{,}"),
        ("a.toml", "a = 1\n", "a = \n"),
        ("a.yml", "a: [1]\n", "a: [1\n"),
        ("a.yml", "a: {b: 1, c: b}\nb: [{b: 1}, {b: 1}]\n", "a: 1\nb: 2\na: 3\n"),
        ("a.yml", "a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", "a:\n  ? [b, c]\n  : 1\n  d: 2\n  d: 1\n"),
        ("src/a.ts", "const a: number = 1;\n", "const a: = 1;\n"),
        ("a.tsx", "const a = <b/>;\n", "const a = <b;\n"),
        ("A.java", "class A {}\n", "class {}\n"),
        ("a.go", "package a\n", "package\n"),
        ("a.rb", "def a\nend\n", "def a\n"),
    ],
)
def test_sound_and_broken_texts_are_told_apart(path: str, sound: str, broken: str) -> None:
    """By the language's own parser, or by its grammar."""
    assert errors_in(path, sound) == 0
    assert errors_in(path, broken)


@pytest.mark.parametrize("path", ["README.md", "Makefile", "a.py.txt", ".py/a", "a.zig"])
def test_what_no_parser_reads_cannot_be_told(path: str) -> None:
    """None, whatever the text is."""
    assert errors_in(path, "(((") is None
    assert errors_in(path, "") is None


def test_a_text_beyond_all_measure_is_not_parsed() -> None:
    """Neither size nor depth makes it wait or fail."""
    assert errors_in("a.js", "(" * 100_000) is None
    assert errors_in("a.js", "x;" * 400_000) is None
    assert errors_in("a.py", "(" * 100_000)
