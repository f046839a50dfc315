"""Choose the suggested tests that may be written to a repository, and say why the others may not. Pure.

Promises: a chosen test was run, overwrites no file unless updates of existing tests were asked for, is named and
placed as tests of its language are (see `reviewer.languages.allowed_tests`), is complete, and has neither invisible
characters nor marks that stand for hidden text. Never checks what a test does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reviewer.domain.findings import TestSuggestion
from reviewer.languages.allowed_tests import (
    MAX_PATH,
    PathKind,
    folders_above,
    refused_name,
    refused_path,
    refused_place,
    refused_update,
)
from reviewer.languages.elisions import is_cut_short
from reviewer.safety.code_blocks import code_span, postable
from reviewer.safety.markdown import neutralise
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.shortening import shorten


@dataclass(frozen=True, slots=True)
class AllowedTests:
    """The tests that may be added; for each other test the reason, as Markdown that is safe to post."""

    tests: tuple[TestSuggestion, ...]
    left_out: tuple[str, ...]


def places(tests: Iterable[TestSuggestion], *, updates: bool = False) -> list[str]:
    """Return the folders whose contents `choose_allowed` needs: those above the files, the top as ""."""
    safe = (test for test in tests if _unsafe(test, updates=updates) is None)
    return sorted({folder for test in safe for folder in folders_above(test.path)})


def choose_allowed(
    tests: Iterable[TestSuggestion], folders: Mapping[str, Mapping[str, PathKind]], *, updates: bool = False
) -> AllowedTests:
    """Return the tests that may be added; `folders` says what each of `places` holds, where it is a folder.

    `updates`: also those that change an existing test.
    """
    left_out: list[str] = []
    kept: dict[str, TestSuggestion] = {}
    spelled: dict[str, str] = {}
    for test in tests:
        refused = refused_update if test.patch else refused_place
        reason = _unsafe(test, updates=updates) or refused(test.path, folders.get)
        # Two names that differ in case only are one file, or one folder, on other people's machines.
        if reason is None and test.path.casefold() in kept:
            reason = "is suggested twice"
        if reason is None and not all(spelled.setdefault(it.casefold(), it) == it for it in folders_above(test.path)):
            reason = "is in a folder that another suggested test spells otherwise"
        if reason is None:
            kept[test.path.casefold()] = test
        else:
            left_out.append(f"{code_span(shorten(test.path, MAX_PATH))} {neutralise(reason)}")
    return AllowedTests(tuple(kept.values()), tuple(left_out))


def _unsafe(test: TestSuggestion, *, updates: bool) -> str | None:
    """Return why this file must not be written to any repository, or None."""
    if test.patch and not updates:
        return "changes an existing test, which is left to you: `/tests pull` proposes it, or apply the patch"
    if unsafe := refused_path(test.path):
        return unsafe
    if not postable(test.code):
        return "contains invisible characters"
    if has_placeholder(test.code):
        return "contains a mark that stands for hidden text"
    if is_cut_short(test.path, _written(test)):
        return "leaves code out"
    if test.status not in ("proven", "update"):
        return "fails on the code as it is" if test.reproduces else "was not run"
    return refused_name(test.path)


def _written(test: TestSuggestion) -> str:
    """Return the lines that the model wrote: of an update those that it adds."""
    rows = test.patch.split("\n")
    added = [row[1:] for row in rows if row.startswith("+") and not row.startswith("+++ ")]
    return "\n".join(added) if test.patch else test.code
