"""Add a demonstrated fix and its tests to the repository, in the same ways and with the same guards as suggested tests.

Promises: only the files that were run, only onto the head they were run on, never on a fork; no file that tools obey.
"""

from __future__ import annotations

from collections.abc import Sequence

from reviewer.domain.demonstrations import FixDemonstration, FixedFile
from reviewer.languages.allowed_tests import refused_name, refused_path
from reviewer.languages.paths import is_code
from reviewer.safety.code_blocks import code_span, postable
from reviewer.safety.markdown import neutralise
from reviewer.safety.placeholders import new_placeholder
from webhooks.github.branches import Branches
from webhooks.github.repository import Repository
from webhooks.github.types import Pull
from webhooks.publishing.markers.replies import marker_of_tests_pull
from webhooks.publishing.suggested_tests.addition_words import FIXES_WORDS
from webhooks.publishing.suggested_tests.commit_tests import (
    AddedTests,
    Addition,
    NotAdded,
    add_files,
    find_commit,
    trailer_of,
    unfit,
)


def added_before(repository: Repository, pull: Pull, *, stacked: bool, job: str) -> AddedTests | NotAdded | None:
    """Return what an earlier run of the same job added, or why nothing can be added; None if a fix is to be added."""
    if (reason := unfit(repository, pull, FIXES_WORDS)) is not None:
        return NotAdded(reason)
    branches, trailer = repository.branches(pull.repository), trailer_of(job)
    if not stacked:
        commit = find_commit(branches, pull.head_ref, trailer)
        return AddedTests(commit.url, commit.sha) if commit else None
    branch = _branch(pull, trailer)
    opened = branches.pull_from(branch)
    if opened and opened.state != "open":
        return NotAdded(FIXES_WORDS.closed(opened.number))
    return AddedTests(opened.url, branches.head(branch) or "", opened.number) if opened else None


def add_fix(
    repository: Repository,
    pull: Pull,
    fix: FixDemonstration,
    titles: Sequence[str],
    *,
    stacked: bool,
    job: str,
    co_author: str,
) -> AddedTests | NotAdded:
    """Commit the fix with its tests; `titles` are the findings that it fixes, `co_author` is the trailer of who asked.

    `job` is as in `add_tests`.
    """
    for file in (*fix.files, *fix.proofs):
        if (reason := _unsafe(file, is_proof=file in fix.proofs)) is not None:
            return NotAdded(f"{code_span(file.path[:300])} {reason}, so nothing was committed.")

    def addition(branches: Branches, onto: str, trailer: str) -> Addition:
        files = {file.path: file.after for file in (*fix.files, *fix.proofs)}
        listed = "\n".join(f"- {' '.join(title.split())[:200]}" for title in titles[:20])
        text = f"{listed}\n\nRun on {onto[:7]}: {fix.line}.\n\n{trailer}"
        head = "Fix what the review found" if len(titles) != 1 else f"Fix: {' '.join(titles[0].split())[:60]}"
        digest = _digest(trailer)
        body = f"Fixes for #{pull.number}, run on {onto}: {fix.line}.\n\n{neutralise(listed, limit=6_000)}\n\n"
        return Addition(
            branches, pull, files, (), trailer, (head, f"{text}\n{co_author}".rstrip()),
            _branch(pull, trailer), f"Fixes for #{pull.number}", body + marker_of_tests_pull(pull.number, digest),
            FIXES_WORDS,
        )  # fmt: skip

    return add_files(repository, pull, addition, stacked=stacked, job=job, words=FIXES_WORDS)


def _digest(trailer: str) -> str:
    return trailer.rpartition(" ")[2]


def _branch(pull: Pull, trailer: str) -> str:
    """Return the branch of a stacked pull request with fixes."""
    return f"reviewer/fix-{pull.number}-{pull.head_sha[:7]}-{_digest(trailer)[:6]}"


def _unsafe(file: FixedFile, *, is_proof: bool) -> str | None:
    """Return why this file must not be written, or None."""
    if refused_path(file.path) or not is_code(file.path):
        return "is not a file that the reviewer writes to"
    if is_proof and (reason := refused_name(file.path)):
        return reason
    if not postable(file.after) and (file.before is None or postable(file.before)):
        return "contains invisible characters"
    return "contains a mark that stands for hidden text" if new_placeholder(file.after, file.before or "") else None
