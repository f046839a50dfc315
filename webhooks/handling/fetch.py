"""Fetch what a review needs from GitHub: the diff, settings and guidance of the base, files of the head.

Promises: settings and guidance come from the base branch only, in as few requests as GitHub allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewer.diff.model import Diff, FileStatus
from reviewer.domain.change import GUIDANCE_PATHS, Change, CheckReport, Guidance, LinkedIssue
from reviewer.domain.findings import Preference
from reviewer.domain.formatting import FORMAT_PATHS, read_formatting
from reviewer.domain.settings import Settings, SettingsProblem
from reviewer.domain.settings_layers import SettingsLayer
from reviewer.tasks.planning.file_filter import select
from webhooks.events.linked_issues import closed_by
from webhooks.github.repository import Pull, Repository
from webhooks.github.sources import RemoteSources
from webhooks.handling.base_files import read_base
from webhooks.telemetry.spans import step

#: Files whose whole text is fetched to prove suggestions, in the one request that also fetches the settings.
MAX_HEAD_FILES = 40

#: Files fetched one by one for the same purpose, where that request did not hold them.
MAX_SINGLE_FILES = 10

Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class FetchedPull:
    """What was fetched for a review. `texts` are files by (revision, path); `base` is the revision of the guidance.

    `layers` are the settings files that hold: `reviewer.domain.settings_layers.settings_in_force` tells from them where
    each setting comes from. `reports` are what failed checks say about the change, `preferences` what the repository's
    people do not want to hear; a review reads both later.
    """

    diff: Diff
    texts: Texts
    settings: Settings
    problems: tuple[SettingsProblem, ...]
    base: str = ""
    layers: tuple[SettingsLayer, ...] = ()
    reports: tuple[CheckReport, ...] = ()
    preferences: tuple[Preference, ...] = ()


def fetch(repository: Repository, pull: Pull) -> FetchedPull:
    """Fetch the diff, and in one request the settings and guidance of the base and the changed files of the head.

    Raises SettingsUnreadable where GitHub does not say what the settings are, and other GitHubErrors.
    """
    with step("fetch"):
        return _fetch(repository, pull)


def _fetch(repository: Repository, pull: Pull) -> FetchedPull:
    diff = repository.diff(pull.number) if pull.changed_files != 0 else Diff()
    files, _ = select(diff, Settings().review)
    changed = [file.path for file in files if file.status not in (FileStatus.ADDED, FileStatus.REMOVED)]
    base = read_base(repository, pull, changed[:MAX_HEAD_FILES])
    return FetchedPull(diff, base.texts, base.settings, base.problems, base.revision, base.layers)


def change_of(repository: Repository, pull: Pull, fetched: FetchedPull) -> Change:
    """Return the change to review; other files of the head are fetched when they are needed."""
    texts = fetched.texts
    guidance = [(path, texts.get((fetched.base, path), "")) for path in GUIDANCE_PATHS]
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
        formatting=read_formatting({path: texts.get((fetched.base, path), "") for path in FORMAT_PATHS}),
        reports=fetched.reports,
        preferences=fetched.preferences,
    )


def _issues(repository: Repository, pull: Pull) -> tuple[LinkedIssue, ...]:
    """Read the issues that the description closes: they say what the change is meant to do."""
    read = ((number, repository.issue(number)) for number in closed_by(pull.body, repository.name))
    return tuple(LinkedIssue(number, *issue) for number, issue in read if issue is not None)
