"""The paths that a command names: patterns as in the settings."""

from __future__ import annotations

from collections.abc import Sequence

from reviewer.domain.path_patterns import PathPatterns, checked_pattern
from reviewer.safety.code_blocks import code_span
from reviewer.safety.shortening import shorten
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull
from webhooks.handling.job_outcome import JobEnding, JobOutcome

#: Paths of one command, and those that its answer repeats.
_MOST_PATHS, _MOST_SHOWN = 50, 10


def no_such_paths(pull: Pull, fetched: FetchedPull, paths: Sequence[str]) -> JobOutcome | None:
    """Return an outcome that says so where no changed file matches one of the paths, else None."""
    if not paths:
        return None
    names = ", ".join(code_span(shorten(path, 100)) for path in paths[:_MOST_SHOWN])
    try:
        patterns = PathPatterns(tuple(checked_pattern(path) for path in paths[:_MOST_PATHS]))
    except ValueError as error:
        return _answer(pull, f"{names} cannot be read as a pattern: {error}.")
    if any(patterns(file.path) for file in fetched.diff.files):
        return None
    changed = ", ".join(code_span(shorten(file.path, 100)) for file in fetched.diff.files[:_MOST_SHOWN])
    more = " and others" if len(fetched.diff.files) > _MOST_SHOWN else ""
    return _answer(pull, f"No changed file matches {names}. Changed here: {changed or 'nothing'}{more}.")


def _answer(pull: Pull, text: str) -> JobOutcome:
    return JobOutcome(JobEnding.IGNORED, "no such path", pull.head_sha, reply=text)
