"""Lay settings over one another: an organisation's under a repository's own, and tell where each comes from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reviewer.domain.settings import DEFAULTS, Settings, SettingsProblem, parse_settings
from reviewer.domain.settings_parts.yaml_text import read_yaml

#: The origin of a setting that no file sets.
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingsLayer:
    """The text of one settings file. `path` is how people know the file, for messages."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """One setting as it holds: its key, such as `review.auto`, its value, and its file and line, or `default`."""

    key: str
    value: Any
    origin: str


def layered_settings(layers: Sequence[SettingsLayer]) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Return the settings of all files together, and all problems; a key of a later file wins.

    A file that cannot be read stops the review, whichever it is: then the settings exclude every file.
    """
    settings, stopped = DEFAULTS, False
    problems: tuple[SettingsProblem, ...] = ()
    for layer in layers:
        own, wrong = parse_settings(layer.text, layer.path)
        settings, problems = laid_over(settings, own), (*problems, *wrong)
        stopped = stopped or any(problem.stops for problem in wrong)
    if stopped:
        review = settings.review.model_copy(update={"auto": False, "exclude": ("**",)})
        settings = settings.model_copy(update={"review": review})
    return settings, problems


def laid_over(under: Settings, own: Settings) -> Settings:
    """Return the settings with each key that the own ones set in the place of the others'."""
    sections = {}
    for name in Settings.model_fields:
        section = getattr(own, name)
        values = {key: getattr(section, key) for key in section.model_fields_set}
        sections[name] = getattr(under, name).model_copy(update=values)
    return under.model_copy(update=sections)


def settings_in_force(settings: Settings, layers: Sequence[SettingsLayer]) -> list[SettingInForce]:
    """Return every setting as it holds and where it comes from: the last file that sets it, or `default`."""
    origins: dict[tuple[str, str], str] = {}
    for layer in layers:
        read = read_yaml(layer.text)
        written = read.value if isinstance(read.value, dict) else {}
        for name, entries in written.items():
            for key in entries if isinstance(entries, dict) else ():
                place = (str(name), str(key))
                origins[place] = f"{layer.path}:{read.line(place)}"
    sections = {name: getattr(settings, name) for name in Settings.model_fields}
    return [
        SettingInForce(f"{name}.{key}", getattr(section, key), origins.get((name, key), DEFAULT))
        for name, section in sections.items()
        for key in type(section).model_fields
    ]
