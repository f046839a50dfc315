"""Make diffs with real git, and from hunks alone."""

from __future__ import annotations

from reviewer.diff.model import Diff, FileDiff
from reviewer.diff.parser import parse_diff
from tests.fixtures.git_repo import Repo


def between(repo: Repo, old: dict[str, bytes], new: dict[str, bytes], *options: str, **settings: str) -> Diff:
    """Return what real git says about two trees, parsed."""
    first, second = repo.import_trees(old, new)
    dotted = {name.replace("_", "."): value for name, value in settings.items()}
    return parse_diff(repo.git("diff", *options, first, second, settings=dotted))


def only(diff: Diff) -> FileDiff:
    (file,) = diff.files
    return file


def lines(text: str) -> str:
    """Return a diff of one file `x` from hunks alone."""
    return f"--- a/x\n+++ b/x\n{text}"
