"""Fetch what a review needs from GitHub: the diff, settings and guidance of the base, files of the head.

Promises: settings and guidance come from the base branch only, in as few requests as GitHub allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff.model import Diff, FileStatus
from reviewer.domain.change import GUIDANCE_PATHS, Change, Guidance, LinkedIssue
from reviewer.domain.settings import SETTINGS_PATH, Settings, SettingsProblem, parse_settings
from reviewer.tasks.planning.file_filter import select
from webhooks.github.linked_issues import closed_by
from webhooks.github.repository import Pull, Repository
from webhooks.github.sources import RemoteSources

#: Files whose whole text is fetched to prove suggestions, in the one request that also fetches the settings.
MAX_HEAD_FILES = 40

#: Files fetched one by one for the same purpose, where that request did not hold them.
MAX_SINGLE_FILES = 10

Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class FetchedPull:
    """What was fetched for a review. `texts` are files by (revision, path)."""

    diff: Diff
    texts: Texts
    settings: Settings
    problems: tuple[SettingsProblem, ...]


def fetch(repository: Repository, pull: Pull) -> FetchedPull:
    """Fetch the diff, and in one request the settings and guidance of the base and the changed files of the head.

    Settings and guidance are those of the base branch as it is now: GitHub's `base.sha` stays where the branch stood
    when the pull request was opened or pushed to, and corrected settings should apply at once.
    """
    diff = repository.diff(pull.number) if pull.changed_files != 0 else Diff()
    files, _ = select(diff, Settings().review)
    paths = (SETTINGS_PATH, *GUIDANCE_PATHS)
    keys = [(revision, path) for revision in _bases(pull) for path in paths]
    changed = [file.path for file in files if file.status not in (FileStatus.ADDED, FileStatus.REMOVED)]
    keys += [(pull.head_sha, path) for path in changed[:MAX_HEAD_FILES]]
    texts = repository.texts(keys)
    if texts is None:
        texts = _base_texts(repository, _bases(pull)[0])
    return FetchedPull(diff, texts, *parse_settings(_of_base(texts, pull, SETTINGS_PATH)))


def _bases(pull: Pull) -> list[str]:
    """Return the names of the base, the better one first."""
    return list(dict.fromkeys(filter(None, (pull.base_ref, pull.base_sha))))


def _of_base(texts: Texts, pull: Pull, path: str) -> str:
    """Return the text on the base branch: a file that was deleted there counts as deleted."""
    known = {revision for revision, _ in texts}
    base = next((name for name in _bases(pull) if name in known), "")
    return texts.get((base, path), "")


def _base_texts(repository: Repository, branch: str) -> dict[tuple[str, str], str]:
    """Fetch settings and guidance file by file, only those that exist."""
    names = repository.names(branch)
    paths = (SETTINGS_PATH, *GUIDANCE_PATHS)
    existing = [path for path in paths if names is None or path.split("/", 1)[0] in names]
    texts = {(branch, path): repository.text(branch, path) for path in existing}
    return {key: text for key, text in texts.items() if text is not None}


def change_of(repository: Repository, pull: Pull, fetched: FetchedPull) -> Change:
    """Return the change to review; other files of the head are fetched when they are needed."""
    texts = fetched.texts
    guidance = [(path, _of_base(texts, pull, path)) for path in GUIDANCE_PATHS]

    head = {path: text for (revision, path), text in texts.items() if revision == pull.head_sha}

    def read_head(paths: Sequence[str]) -> Mapping[str, str]:
        found = {path: repository.text(pull.head_sha, path) for path in paths[:MAX_SINGLE_FILES]}
        return {path: text for path, text in found.items() if text is not None}

    return Change(
        diff=fetched.diff,
        title=pull.title,
        description=pull.body,
        guidance=tuple(Guidance(path, text) for path, text in guidance if text.strip()),
        head=head,
        read_head=read_head,
        issues=_issues(repository, pull),
        sources=RemoteSources(repository, pull.head_sha, pull.base_sha, texts),
    )


def _issues(repository: Repository, pull: Pull) -> tuple[LinkedIssue, ...]:
    """Read the issues that the description closes: they say what the change is meant to do."""
    read = ((number, repository.issue(number)) for number in closed_by(pull.body, repository.name))
    return tuple(LinkedIssue(number, *issue) for number, issue in read if issue is not None)
