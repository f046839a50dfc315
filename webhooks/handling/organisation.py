"""Read the defaults that an owner sets for all of its repositories: `reviewer.yml` in its repository `.github`.

Promises: defaults that cannot be read are not taken for absent. They are absent only where the repository `.github` is
not there for us, or its top folder was listed without them. That they are absent is remembered for a short time.
"""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.domain.settings import SettingsProblem
from reviewer.domain.settings_files import no_text
from reviewer.domain.settings_layers import SettingsLayer
from webhooks.github.contents import NoText
from webhooks.github.errors import NotFound, Unprocessable
from webhooks.github.repository import Repository

#: The repository of an owner whose files hold for all of its repositories.
ORGANISATION_REPOSITORY = ".github"

#: The names of the file at its top, the better first.
ORGANISATION_FILES = ("reviewer.yml", "reviewer.yaml")


@dataclass(frozen=True, slots=True)
class OrganisationDefaults:
    """The owner's settings file, None where there is none, and what is wrong with it as a file."""

    layer: SettingsLayer | None = None
    problems: tuple[SettingsProblem, ...] = ()


def read_organisation(repository: Repository) -> OrganisationDefaults:
    """Return the owner's defaults. Raises GitHubError where GitHub does not say whether there are any."""
    files = repository.owner_files(ORGANISATION_REPOSITORY)
    if files.is_absent:
        return OrganisationDefaults()
    for contents in files.ways():
        try:
            listed = contents.folder("", "")
        except (NotFound, Unprocessable):  # 422: the App is not installed on that repository
            continue
        name = next((name for name in ORGANISATION_FILES if name in listed), None)
        if name is None:
            break
        path = f"{files.name}/{name}"
        if not listed[name]:
            return OrganisationDefaults(problems=(no_text(path),))
        try:
            return OrganisationDefaults(SettingsLayer(path, contents.file("", name)))
        except NoText:
            return OrganisationDefaults(problems=(no_text(path),))
    files.note_absent()
    return OrganisationDefaults()
