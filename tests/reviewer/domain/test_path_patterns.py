"""Patterns as in .gitignore mean what they mean to pathspec, and cannot take long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from reviewer.domain.path_patterns import BadPattern, PathPatterns, read_pattern

SEGMENTS = [
    *("**", "*", "a", "b", "ab", "*a", "a*", "*a*b", "a?", "?", "[ab]", "[!a]", "[^b]", "*b*", "a**b", "***", "a*a"),
    *("[a-b]*", "c", "\\a", "\\*", "[]a]", "[a.]", "a.b", "*.b", ".a"),
]
SEGMENT = st.sampled_from(SEGMENTS)
PATTERN = st.builds(
    lambda start, segments, end: start + "/".join(segments) + end,
    st.sampled_from(["", "", "", "!", "/", "!/"]),
    st.lists(SEGMENT, min_size=1, max_size=4),
    st.sampled_from(["", "", "", "/", " ", "\\ "]),
)
PATH = st.lists(st.text("abc*-", min_size=1, max_size=4), min_size=1, max_size=5).map("/".join)


@settings(deadline=None)
@given(st.lists(PATTERN, max_size=4), st.lists(PATH, min_size=1, max_size=8))
def test_like_pathspec(lines: list[str], paths: list[str]) -> None:
    """For every list of patterns and every path, the answer is pathspec's."""
    theirs, ours = GitIgnoreSpec.from_lines(lines), PathPatterns(lines)
    assert [ours(path) for path in paths] == [bool(theirs.match_file(path)) for path in paths]


@pytest.mark.parametrize(
    ("line", "path", "matches"),
    [
        ("docs/**", "docs/a/b.md", True),
        ("docs/**", "docs", False),
        ("*.md", "a/b/c.md", True),
        ("/a", "b/a", False),
        ("a/", "a", False),
        ("a/", "x/a/b", True),
        ("**/a", "a", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b/z", True),
        ("a/**/b", "ab", False),
        ("# a", "# a", False),
        ("\\#a", "#a", True),
        ("", "a", False),
        ("/", "a", False),
        ("!/", "a/b", False),
        ("*.py", "a\n.py", True),
    ],
)
def test_what_patterns_mean(line: str, path: str, *, matches: bool) -> None:
    """Examples, some of which the library does not decide as git does."""
    assert PathPatterns([line])(path) is matches


@pytest.mark.parametrize("line", ["a\\", "a[b", "[z-a]", "x/[/y"])
def test_no_patterns(line: str) -> None:
    """What is no pattern is said to be none; in a list it matches nothing."""
    with pytest.raises(BadPattern):
        read_pattern(line)
    assert PathPatterns([line])("a") is False
