"""Read settings and guidance of the base branch: in one GraphQL query, or over REST where that says too little.

Promises: settings that cannot be read are not taken for absent. They are absent only where the folder in which they
would stand was listed without them; otherwise `SettingsUnreadable` says why, and nothing may be reviewed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.domain.change import GUIDANCE_PATHS
from reviewer.domain.formatting import FORMAT_PATHS
from reviewer.domain.settings import SETTINGS_PATH, Settings, SettingsProblem
from reviewer.domain.settings_files import (
    SETTINGS_FOLDER,
    SETTINGS_PATHS,
    find_settings,
    look_alike_problem,
    no_text,
)
from reviewer.domain.settings_layers import SettingsLayer, layered_settings
from webhooks.github.contents import MOST_LISTED, Contents, NoText, Place, ReadAtOnce
from webhooks.github.errors import Forbidden, GitHubError, NotFound
from webhooks.github.repository import Pull, Repository
from webhooks.handling.organisation import OrganisationDefaults, read_organisation

log = logging.getLogger(__name__)

#: Files that look like settings, of which the text is fetched to find out.
_MOST_LOOK_ALIKES = 3

_NEEDED = " Let the App or the token read the repository's contents (`contents: read`)."


class SettingsUnreadable(GitHubError):
    """GitHub did not say what the settings are. It is tried again where its cause is."""

    def __init__(self, cause: GitHubError) -> None:
        """Say what could not be read, and why."""
        refused = isinstance(cause, Forbidden | NotFound) and "too_large" not in str(cause)
        super().__init__(
            f"The settings ({SETTINGS_PATH} of the base branch) could not be read, so nothing was reviewed. {cause}"
            f"{_NEEDED if refused else ''}",
            status=cause.status,
            retry_after=cause.retry_after,
        )
        self.retryable = cause.retryable


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """The settings, what is wrong with them, and the texts that were read, by (revision, path).

    `revision` is the name of the base at which settings and guidance were read; `layers` are the settings files that
    hold, the owner's defaults before the repository's own.
    """

    revision: str
    settings: Settings
    problems: tuple[SettingsProblem, ...]
    texts: Mapping[Place, str]
    layers: tuple[SettingsLayer, ...] = ()


def read_base(repository: Repository, pull: Pull, head: Sequence[str]) -> BaseFiles:
    """Return settings and guidance of the base branch as it is now, and in the same query these files of the head.

    GitHub's `base.sha` stays where the branch stood when the pull request was opened or pushed to, and corrected
    settings should apply at once; it is used where the branch is gone. Raises SettingsUnreadable.
    """
    contents = repository.contents()
    bases = list(dict.fromkeys(filter(None, (pull.base_ref, pull.base_sha))))
    files = [(revision, path) for revision in bases for path in (*SETTINGS_PATHS, *GUIDANCE_PATHS, *FORMAT_PATHS)]
    files += [(pull.head_sha, path) for path in head]
    folders = [(revision, path) for revision in bases for path in ("", SETTINGS_FOLDER)]
    try:
        found = contents.at_once(files, folders)
    except GitHubError as error:
        log.info("GraphQL cannot be used", extra={"repository": repository.name, "why": str(error)})
        found = ReadAtOnce(is_whole=False)
    try:
        return _BaseReader(contents, found, bases, read_organisation(repository)).read()
    except GitHubError as error:
        log.warning("settings not read", extra={"repository": repository.name, "why": str(error)})
        raise SettingsUnreadable(error) from error


def readers_may_ask(repository: Repository, pull: Pull) -> bool:
    """Whether `review.ask` lets everybody ask; where GitHub does not show the settings, its default holds.

    Raises SettingsUnreadable where it may show them later.
    """
    try:
        return read_base(repository, pull, ()).settings.review.ask == "read"
    except SettingsUnreadable as error:
        if error.retryable:
            raise
        return False


@dataclass(frozen=True, slots=True)
class _BaseReader:
    """Reads the base from the answer of the query, and over REST what that does not hold."""

    contents: Contents
    found: ReadAtOnce
    bases: Sequence[str]
    defaults: OrganisationDefaults

    def read(self) -> BaseFiles:
        """Return settings and guidance. Raises GitHubError where GitHub does not say what the settings are."""
        base, top = self._base()
        listed = {**top, **self._settings_folder(base, top)}
        place = find_settings(listed)
        problems = place.problems + self.defaults.problems
        layers = [self.defaults.layer] if self.defaults.layer else []
        if place.path is not None:
            if (text := self._settings(base, place.path)) is None:
                problems += (no_text(place.path),)
            else:
                layers.append(SettingsLayer(place.path, text))
        settings, more = layered_settings(layers)
        problems += more + self._look_alikes(base, place.look_alikes)
        texts = {key: text for key, text in self.found.texts.items() if text}
        return BaseFiles(base, settings, problems, {**texts, **self._guidance(base, listed)}, tuple(layers))

    def _base(self) -> tuple[str, Mapping[str, bool]]:
        """Return the first name of the base that exists, and what is at its top: that proves that it can be read."""
        for base in self.bases:
            if (top := self.found.folders.get((base, ""))) is not None:
                return base, top
            if not self.found.is_whole:
                break
        missing: NotFound | None = None
        for base in self.bases:
            try:
                return base, self.contents.folder(base, "")
            except NotFound as error:
                missing = missing or error
        raise missing or NotFound("GitHub: the pull request has no base")

    def _settings_folder(self, base: str, top: Mapping[str, bool]) -> dict[str, bool]:
        """Return what is in `.github`, by path."""
        names = [name for name, is_file in top.items() if name.casefold() == SETTINGS_FOLDER and not is_file]
        if not names and len(top) >= MOST_LISTED:
            names = [SETTINGS_FOLDER]
        listed: dict[str, bool] = {}
        for folder in names:
            inside = self.found.folders.get((base, folder))
            if inside is None:
                inside = self._folder(base, folder, is_listed=folder in top)
            listed |= {f"{folder}/{name}": is_file for name, is_file in inside.items()}
        return listed

    def _folder(self, base: str, folder: str, *, is_listed: bool) -> Mapping[str, bool]:
        try:
            inside = self.contents.folder(base, folder)
        except NotFound as error:
            if is_listed and error.status:  # it was there a moment ago; without a status it is a link or a submodule
                raise
            return {}
        if len(inside) >= MOST_LISTED:
            inside |= {path.rpartition("/")[2]: True for path in SETTINGS_PATHS if self._exists(base, path)}
        return inside

    def _exists(self, base: str, path: str) -> bool:
        try:
            self.contents.file(base, path)
        except NoText:
            return True
        except NotFound:
            return False
        return True

    def _settings(self, base: str, path: str) -> str | None:
        """Return the text of the settings file; None where it is none."""
        try:
            return self._text(base, path)
        except NoText:
            return None
        except NotFound as error:
            if error.status:  # it was listed a moment ago; without a status it is a submodule
                raise
            return None

    def _text(self, base: str, path: str) -> str:
        text = self.found.texts.get((base, path))
        return self.contents.file(base, path) if text is None else text

    def _look_alikes(self, base: str, paths: Sequence[str]) -> tuple[SettingsProblem, ...]:
        """Return the problems of the files that look like settings; one that cannot be read is named."""
        texts: dict[str, str | None] = {}
        for path in paths[:_MOST_LOOK_ALIKES]:
            try:
                texts[path] = self.contents.file(base, path)
            except GitHubError as error:
                log.info("look-alike of the settings not read", extra={"path": path, "why": str(error)})
                texts[path] = None
        found = (look_alike_problem(path, text) for path, text in texts.items())
        return tuple(problem for problem in found if problem is not None)

    def _guidance(self, base: str, listed: Mapping[str, bool]) -> dict[Place, str]:
        """Return the guidance that is there. It does not narrow a review, so one that cannot be read is left out."""
        texts: dict[Place, str] = {}
        for path in _existing(GUIDANCE_PATHS, listed):
            try:
                texts[base, path] = self._text(base, path)
            except GitHubError as error:
                if error.retryable:
                    raise
                log.info("guidance not read", extra={"path": path, "why": str(error)})
        return {key: text for key, text in texts.items() if text}


def _existing(paths: Iterable[str], listed: Mapping[str, bool]) -> list[str]:
    return [path for path in paths if listed.get(path)]
