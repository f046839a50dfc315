"""The settings of `.github/reviewer.yml`, as frozen values with good defaults.

An unknown key or bad value is reported with its line, and its default is used. What cannot be read never lets
more be reviewed, sent or spent than the file may allow: such a value is replaced by the narrowest, a bad entry of a
list is left out, and where the file cannot tell what is allowed (`SettingsProblem.stops`), nothing is reviewed. Reads
text, never a file.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from reviewer.domain.settings_parts.entries import KeptEntries, usable_patterns, usable_rules
from reviewer.domain.settings_parts.sections import (
    BudgetSettings,
    DescribeSettings,
    PathInstructions,
    ReviewSettings,
    SettingsSection,
    TestsSettings,
)
from reviewer.domain.settings_parts.yaml_text import YamlProblem, YamlText, read_yaml
from reviewer.domain.settings_problems import (
    MAX_PROBLEMS,
    SETTINGS_PATH,
    SettingsProblem,
    SettingsReport,
    what_is_wrong,
)
from reviewer.domain.severity import FailLevel

__all__ = [
    "MAX_PROBLEMS",
    "SETTINGS_PATH",
    "BudgetSettings",
    "FailLevel",
    "PathInstructions",
    "ReviewSettings",
    "Settings",
    "SettingsProblem",
    "TestsSettings",
    "parse_settings",
]

#: A settings file is a page of text; a larger one is a mistake or an attack.
MAX_SETTINGS_BYTES = 64_000

_LONGEST_KEY = 100
_GONE = object()


class Settings(SettingsSection):
    """Everything in `.github/reviewer.yml`."""

    review: ReviewSettings = ReviewSettings.model_construct()
    tests: TestsSettings = TestsSettings.model_construct()
    budget: BudgetSettings = BudgetSettings.model_construct()
    describe: DescribeSettings = DescribeSettings.model_construct()


#: The settings of a repository without a settings file.
DEFAULTS = Settings.model_construct()


def parse_settings(text: str, path: str = SETTINGS_PATH) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Return the settings in that YAML text and what is wrong with it. Never raises for bad text.

    Where a problem stops the review, the settings exclude every file. `path` is the file's, for the messages.
    """
    if not text.strip():
        return DEFAULTS, ()
    report = SettingsReport(path)
    if len(text.encode("utf-8", "replace")) > MAX_SETTINGS_BYTES:
        report.add((), 1, f"larger than {MAX_SETTINGS_BYTES:,} bytes", stops=True)
        return _ended(DEFAULTS, report)
    read = read_yaml(text, words=_PATTERN_LISTS)
    if read.value is not None and not isinstance(read.value, dict):
        report.add((), 1, "must be a mapping with `review:`, `tests:` or `budget:`", stops=True)
        return _ended(DEFAULTS, report)
    data = {
        str(key): {} if value is None and key in Settings.model_fields else _by_name(value)
        for key, value in (read.value or {}).items()
    }
    for problem in read.problems:
        _judge_yaml(problem, data, report)
    _judge_entries(data, read, report)
    return _ended(_validated(data, read, report), report)


def _ended(settings: Settings, report: SettingsReport) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Return the settings, without any file to review where a problem stops the review, and the problems."""
    if report.stops:
        review = settings.review.model_copy(update={"auto": False, "exclude": ("**",)})
        settings = settings.model_copy(update={"review": review})
    return settings, report.shown()


#: Keys whose value narrows what is reviewed or spent, and what holds where it cannot be read. Of the keys of `_STOPS`
#: nothing can be told then.
_NARROWEST: dict[tuple[str, ...], Any] = {
    ("review", "auto"): False,
    ("review", "bots"): False,
    ("review", "max_refactorings"): 0,
    ("review", "replies"): "off",
    ("review", "learn"): False,
    ("tests", "suggest"): False,
}
#: Keys whose default is the narrowest value.
_NARROW = frozenset({("review", "drafts"), ("review", "ask"), ("review", "generated"), ("tests", "auto")})
_PATTERN_LISTS = (("review", "include"), ("review", "exclude"))
_STOPS = frozenset(
    {
        *_PATTERN_LISTS,
        ("review", "labels"),
        ("review", "skip_title"),
        *(("budget", key) for key in BudgetSettings.model_fields),
    }
)
_SECTIONS = frozenset({("review",), ("budget",)})
_MERGES = frozenset({("review", "<<"), ("budget", "<<"), ("<<",)})
_RULES = ("review", "path_instructions")
_KEYS = {
    "review": ReviewSettings.model_fields,
    "tests": TestsSettings.model_fields,
    "budget": BudgetSettings.model_fields,
    "describe": DescribeSettings.model_fields,
}


def _judge_yaml(problem: YamlProblem, data: dict[str, Any], report: SettingsReport) -> None:
    """Report what YAML does not read, and let the narrowest value hold for it."""
    path, line, message = problem.path, problem.line, problem.message
    if problem.lost:
        loses = any(lost in _STOPS | _NARROW or lost in _NARROWEST for lost in problem.lost)
        report.add(path, line, message if loses else f"{message}; the last one counts", stops=loses)
    elif problem.is_read:
        number = f"entry {int(path[2]) + 1}: " if len(path) > 2 else ""
        report.add(path, line, number + message)
    else:
        _judge_unread(path, line, message, data, report)


def _judge_unread(path: tuple[str, ...], line: int, message: str, data: dict[str, Any], report: SettingsReport) -> None:
    """Report a key whose value is not read, and put the narrowest value in its place."""
    if not path or path in _STOPS | _SECTIONS | _MERGES:
        report.add(path, line, message, stops=True)
    elif path in _NARROWEST and isinstance(section := data.setdefault(path[0], {}), dict):
        section[path[1]] = value = _NARROWEST[path]
        report.add(path, line, f"{message}; instead of the default, `{str(value).lower()}` holds until it is corrected")
    elif path == ("tests",):
        data["tests"] = {"suggest": False}
        report.add(path, line, f"{message}; instead of the defaults, no tests are suggested until it is corrected")
    else:
        report.add(path, line, f"{message}; the default holds")


def _judge_entries(data: dict[str, Any], read: YamlText, report: SettingsReport) -> None:
    """Keep the good entries of each list, and report the others with their own lines."""
    section = data.get("review")
    if not isinstance(section, dict):
        return
    for path in (*_PATTERN_LISTS, _RULES):
        if section.get(path[1]) is None:
            continue
        kept = _usable(path, section[path[1]])
        if kept is None:
            continue
        for problem in kept.problems:
            report.add(path, read.line((*path, *problem.where)), problem.message, stops=problem.stops)
        section[path[1]] = kept.entries


def _usable(path: tuple[str, ...], value: Any) -> KeptEntries | None:
    if path == _RULES:
        return usable_rules(value, PathInstructions, tuple(PathInstructions.model_fields))
    return usable_patterns(value, excludes=path[1] == "exclude")


def _validated(data: dict[str, Any], read: YamlText, report: SettingsReport) -> Settings:
    """Validate, replacing each value that is wrong, until what is left is right."""
    while True:
        try:
            return Settings.model_validate(data)
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False, include_input=False):
                path = tuple(str(part) for part in wrong["loc"][:2])
                value = _drop(data, path)
                if value is _GONE:  # several errors in one value
                    continue
                if wrong["type"] == "extra_forbidden":
                    report.add(path, read.line(path), _unknown(path))
                elif value is None:
                    report.add(path, read.line(path), "is empty; the default holds")
                else:
                    _judge_unread(
                        path, read.line(path), what_is_wrong(wrong["loc"][2:], str(wrong["msg"])), data, report
                    )


def _by_name(section: Any) -> Any:
    """Return the section with its keys as words: YAML reads some as numbers or dates."""
    return {str(key): value for key, value in section.items()} if isinstance(section, dict) else section


def _drop(data: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Remove and return the value at that path; _GONE when it is gone already."""
    parent = data
    for part in path[:-1]:
        parent = parent.get(part, {})
        if not isinstance(parent, dict):
            return _GONE
    return parent.pop(path[-1], _GONE)


def _unknown(path: tuple[str, ...]) -> str:
    """Return what to say of an unknown key: which are known, and which may be meant."""
    known = _KEYS.get(path[0], Settings.model_fields) if len(path) > 1 else Settings.model_fields
    hint = ""
    if owner := next((name for name, keys in _KEYS.items() if path[-1] in keys), None):
        hint = f"; `{path[-1]}` belongs to `{owner}:`"
    elif near := get_close_matches(path[-1][:_LONGEST_KEY], known, 1, 0.75):
        hint = f"; is `{near[0]}` meant?"
    return f"unknown key; known here are {', '.join(known)}{hint}"


def settings_schema() -> dict[str, Any]:
    """Return the JSON schema of the settings file, for editors."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SETTINGS_PATH}
