"""`reviewer config`: check the settings of the working tree, and show what holds and where it comes from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewer.cli.console import print_line
from reviewer.domain.settings import DEFAULTS, SETTINGS_PATH, Settings, SettingsProblem
from reviewer.domain.settings_files import SETTINGS_FOLDER, find_settings, look_alike_problem, no_text
from reviewer.domain.settings_layers import DEFAULT, SettingsLayer, layered_settings, settings_in_force
from reviewer.errors import SettingsError, UsageError, WorktreeError
from reviewer.git.worktree import open_worktree

#: A settings file is a page of text; of a larger one so much is read that it is seen to be too large.
_MOST_READ = 100_000


@dataclass(frozen=True, slots=True)
class CheckedSettings:
    """Settings as they stand in a working tree. `layers` is empty where there is no file."""

    settings: Settings
    layers: tuple[SettingsLayer, ...]
    problems: tuple[SettingsProblem, ...]


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code: 2 where something is wrong. Raises UsageError."""
    checked = settings_in_file(Path(options.file)) if options.file else settings_of_tree(Path.cwd())
    if not checked.layers and not checked.problems:
        print_line(f"There is no {SETTINGS_PATH} here: the defaults hold.")
    for problem in checked.problems:
        print_line(str(problem))
    for line in lines_of(checked):
        print_line(line)
    if any(problem.stops for problem in checked.problems):
        print_line("Nothing would be reviewed until this is corrected.")
    elif not options.file and checked.layers:
        print_line("A review reads the settings of its base: this file counts once it is merged there.")
    return SettingsError.exit_code if checked.problems else 0


def lines_of(checked: CheckedSettings) -> list[str]:
    """Return a line for each setting as it holds, with its file and line; defaults are named as such."""
    if any(problem.stops for problem in checked.problems):
        return []
    rows = settings_in_force(checked.settings, checked.layers)
    shown = {section: getattr(checked.settings, section).model_dump(mode="json") for section in Settings.model_fields}
    lines = []
    for row in rows:
        section, _, key = row.key.partition(".")
        value = json.dumps(shown[section][key], ensure_ascii=False)
        lines.append(f"{row.key}: {value}" if row.origin == DEFAULT else f"{row.key}: {value}  # {row.origin}")
    return lines


def settings_in_file(path: Path) -> CheckedSettings:
    """Check one file, whatever its name. Raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_READ)
    except OSError as error:
        raise UsageError(f"Cannot read the settings {path}: {error.strerror}.") from error
    return _checked({str(path): data}, str(path), ())


def settings_of_tree(folder: Path) -> CheckedSettings:
    """Check the settings of the working tree around a folder, committed or not; outside of a clone, of that folder."""
    try:
        root = open_worktree(folder).root
    except WorktreeError:
        root = folder
    listed = _listed(root)
    place = find_settings(listed)
    paths = [path for path in (place.path, *place.look_alikes) if path is not None]
    data = {path: text for path in paths if (text := _read(root / path)) is not None}
    return _checked(data, place.path, place.problems, place.look_alikes)


def _listed(root: Path) -> Mapping[str, bool]:
    """Return what stands at the top and in .github, and whether it is an ordinary file."""
    listed: dict[str, bool] = {}
    for entry in _entries(root):
        listed[entry.name] = entry.is_file() and not entry.is_symlink()
        if entry.name.casefold() == SETTINGS_FOLDER and entry.is_dir() and not entry.is_symlink():
            for inner in _entries(entry):
                listed[f"{entry.name}/{inner.name}"] = inner.is_file() and not inner.is_symlink()
    return listed


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"Cannot read the folder {folder}: {error.strerror}.") from error


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_READ)
    except OSError:
        return None


def _checked(
    data: Mapping[str, bytes],
    path: str | None,
    problems: Sequence[SettingsProblem],
    look_alikes: Sequence[str] = (),
) -> CheckedSettings:
    texts = {name: text for name, raw in data.items() if (text := _text(raw)) is not None}
    found = tuple(problems)
    settings = DEFAULTS
    layers: tuple[SettingsLayer, ...] = ()
    if path is not None and path in texts:
        layers = (SettingsLayer(path, texts[path]),)
        settings, more = layered_settings(layers)
        found += more
    elif path is not None:
        found += (no_text(path),)
    alike = (look_alike_problem(name, texts.get(name)) for name in look_alikes)
    return CheckedSettings(settings, layers, (*found, *(problem for problem in alike if problem is not None)))


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
