"""Find the settings file of a repository, and the files that look like settings and are not read. Pure.

Settings that are ignored without a word are worse than none: their owner believes that `exclude` and a budget hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reviewer.domain.settings_problems import SETTINGS_PATH, SettingsProblem, SettingsReport

#: The folder of the settings file.
SETTINGS_FOLDER = ".github"

#: The names under which the settings are read, the better first. The folder's other files may have either ending too.
SETTINGS_PATHS = (SETTINGS_PATH, ".github/reviewer.yaml")

#: Names in that folder or at the top of the repository that people give to settings; the text decides.
_LOOK_ALIKE = re.compile(
    r"(?:\.github/)?\.?(?:minimax[-_.]?)?reviewer(?:[-_.]?(?:config|settings))?(?:\.ya?ml|\.json|\.toml|rc)?",
    re.IGNORECASE,
)

#: A section of ours at the top level of YAML, JSON or TOML.
_OURS = r"(?:review|tests|budget)"
_SECTION = re.compile(rf'^(?:{_OURS} {{0,8}}:|[{{ \t]{{0,8}}"{_OURS}" {{0,8}}:|\[{_OURS}\])', re.MULTILINE)

#: Characters of a look-alike that are looked at.
_MOST_TEXT = 64_000


@dataclass(frozen=True, slots=True)
class SettingsPlace:
    """Where the settings are. `path` is the file to read, None where there is none.

    `problems` name the files that are not read. `look_alikes` are files elsewhere whose text decides whether they are
    settings: see `look_alike_problem`.
    """

    path: str | None = None
    problems: tuple[SettingsProblem, ...] = ()
    look_alikes: tuple[str, ...] = ()


def find_settings(listed: Mapping[str, bool]) -> SettingsPlace:
    """Return where the settings are among these paths; the value is whether the path is a regular file.

    `listed` holds what is at the top of the repository and in `.github`, in whatever case that is written.
    """
    known = {path.casefold(): rank for rank, path in enumerate(SETTINGS_PATHS)}
    named = [path for path in listed if path.casefold() in known]
    named.sort(key=lambda path: (path not in SETTINGS_PATHS, known[path.casefold()], path))
    look_alikes = sorted(
        path
        for path, is_file in listed.items()
        if is_file and path.casefold() not in known and _LOOK_ALIKE.fullmatch(path)
    )
    if not named:
        return SettingsPlace(look_alikes=tuple(look_alikes))
    chosen = named[0]
    problems = [_problem(path, f"not read, because {chosen} is: delete one of them") for path in named[1:]]
    if not listed[chosen]:
        report = SettingsReport(chosen)
        report.add((), 1, "a link, a folder or a submodule, which is not read: make it a file", stops=True)
        return SettingsPlace(None, (*report.shown(), *problems), tuple(look_alikes))
    return SettingsPlace(chosen, tuple(problems), tuple(look_alikes))


def look_alike_problem(path: str, text: str | None) -> SettingsProblem | None:
    """Return what to say of a file with that name and text: None where it is not about us. None: it was not read."""
    if text is not None and not _SECTION.search(text[:_MOST_TEXT]):
        return None
    return _problem(path, f"not read: settings are read from {SETTINGS_PATH} only; move them there")


def no_text(path: str) -> SettingsProblem:
    """Return the problem of a settings file that is not text, or no file."""
    report = SettingsReport(path)
    report.add((), 1, "not a file of UTF-8 text", stops=True)
    return report.shown()[0]


def _problem(path: str, message: str) -> SettingsProblem:
    return SettingsProblem("", 1, message, path=path)
