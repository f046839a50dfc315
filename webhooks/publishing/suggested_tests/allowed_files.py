"""Choose the suggested tests that may become new files of a repository, and say why the others may not. Pure.

Promises: a chosen test was run, overwrites no file, is not in a place from which tools read instructions, and has no
invisible characters. Never checks what a test does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reviewer.domain.findings import TestSuggestion
from reviewer.safety.code_blocks import code_span, postable
from reviewer.safety.invisible import show_invisible

_MAX_PATH = 400


@dataclass(frozen=True, slots=True)
class AllowedTests:
    """The tests that may be added; for each other test the reason, as Markdown that is safe to post."""

    tests: tuple[TestSuggestion, ...]
    left_out: tuple[str, ...]


def places(tests: Iterable[TestSuggestion]) -> list[str]:
    """Return the paths that `choose_allowed` needs: those of the files, and the folders above them."""
    return sorted({place for test in tests if _unsafe(test) is None for place in _upwards(test.path)})


def choose_allowed(tests: Iterable[TestSuggestion], kinds: Mapping[str, str]) -> AllowedTests:
    """Return the tests that may be added; `kinds` says what exists at each of `places`: `Blob`, `Tree` or no entry."""
    left_out: list[str] = []
    kept: dict[str, TestSuggestion] = {}
    for test in tests:
        reason = _unsafe(test) or _occupied(test.path, kinds)
        # Two names that differ in case only are one file on other people's machines.
        if reason is None and test.path.casefold() in kept:
            reason = "is suggested twice"
        if reason is None:
            kept[test.path.casefold()] = test
        else:
            left_out.append(f"{code_span(test.path)} {reason}")
    return AllowedTests(tuple(kept.values()), tuple(left_out))


def _unsafe(test: TestSuggestion) -> str | None:
    """Return why this file must not be written, or None.

    No part of a path may begin with a dot: that is `..`, `.git`, `.github/workflows` (which needs the permission
    `workflows`) and the settings of other tools.
    """
    path = test.path
    bad = any(not part or part[0] in ".~" or part[-1] in ". " or part.lower()[:4] == "git~" for part in path.split("/"))
    if bad or "\\" in path or ":" in path or len(path) > _MAX_PATH or show_invisible(path) != path or "\n" in path:
        return "is not a path that the reviewer writes to"
    if not postable(test.code):
        return "contains invisible characters"
    if not test.evidence:
        return "was not run"
    return None


def _upwards(path: str) -> list[str]:
    """Return a path and the folders above it: `a/b.py` gives `a` and `a/b.py`."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _occupied(path: str, kinds: Mapping[str, str]) -> str | None:
    """Return what is in the way of a new file: the file itself, or a file (or link) where a folder should be."""
    if path in kinds:
        return "exists already"
    blocked = next((place for place in _upwards(path)[:-1] if kinds.get(place, "Tree") != "Tree"), None)
    return f"cannot be created: {code_span(blocked)} is a file" if blocked else None
