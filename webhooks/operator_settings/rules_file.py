"""Read the operator's rules from `operator.yml` and from environment variables, which win where both give a value.

Promises: a value that cannot be read never counts as absent; everything that is wrong is reported at once, each with
its place and what to write. Reads the mapping and that one file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reviewer.domain.settings_parts.yaml_text import read_yaml
from reviewer.errors import SettingsError
from webhooks.operator_settings.rules import NameRules, OperatorCeilings, OperatorRules

#: The file in the data directory that is read where REVIEWER_OPERATOR_FILE does not name another.
OPERATOR_FILE = "operator.yml"

#: A page of text; a larger one is a mistake.
_MOST_BYTES, _MOST_NAMES, _MOST_USD = 64_000, 2_000, Decimal(1_000_000)

#: An amount in dollars. Bounded, so that writing it out fills no memory.
_AMOUNT = re.compile(r"\$?(\d{1,7}(?:\.\d{1,9})?)")
_NAMES: Mapping[str, re.Pattern[str]] = {
    "owners": re.compile(r"[a-z0-9*](?:[a-z0-9*_-]{0,99})"),
    "repositories": re.compile(r"[a-z0-9*_-]{1,100}/[a-z0-9*._-]{1,100}"),
    "models": re.compile(r"[a-z0-9*._:/-]{1,200}"),
}
_EXAMPLES = {"owners": "octo", "repositories": "octo/shop or octo/*", "models": "MiniMax-M2.1"}
_CEILINGS = ("per_month_usd", "per_repository_usd", "per_person_usd", "per_pull_usd")
_SECTIONS: Mapping[str, tuple[str, ...]] = {"ceilings": _CEILINGS, "allow": tuple(_NAMES), "deny": tuple(_NAMES)}

#: Key -> the variable that sets it too.
VARIABLES: Mapping[str, str] = {
    "ceilings.per_month_usd": "REVIEWER_MAX_USD_PER_MONTH",
    "ceilings.per_repository_usd": "REVIEWER_MAX_USD_PER_REPOSITORY",
    "ceilings.per_person_usd": "REVIEWER_MAX_USD_PER_PERSON",
    "ceilings.per_pull_usd": "REVIEWER_MAX_USD_PER_PULL",
    **{f"{rule}.{kind}": f"REVIEWER_{rule.upper()}_{kind.upper()}" for rule in ("allow", "deny") for kind in _NAMES},
}


class RulesUnreadable(SettingsError):
    """The operator's rules cannot be read: then nothing may be reviewed."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A value as it is written, and where."""

    value: Any
    origin: str


def read_rules(values: Mapping[str, str], data_dir: Path) -> OperatorRules:
    """Return the operator's rules. Raises RulesUnreadable with one line for each thing that is wrong."""
    problems: list[str] = []
    written = {**_from_file(values, data_dir, problems), **_from_variables(values)}
    amounts: dict[str, Decimal] = {}
    names: dict[str, tuple[str, ...]] = {}
    for key, entry in written.items():
        section, _, name = key.partition(".")
        try:
            if section == "ceilings":
                amounts[name] = _amount(entry.value)
            else:
                names[key] = _name_list(entry.value, name)
        except ValueError as error:
            problems.append(f"{entry.origin}: {error}")
    if problems:
        raise RulesUnreadable("\n".join(problems))
    rules = {kind: NameRules(names.get(f"allow.{kind}", ()), names.get(f"deny.{kind}", ())) for kind in _NAMES}
    origins = MappingProxyType({key: entry.origin for key, entry in written.items()})
    return replace(OperatorRules(OperatorCeilings(**amounts), origins=origins), **rules)  # type: ignore[arg-type]


def rules_reader(values: Mapping[str, str], data_dir: Path) -> Callable[[], OperatorRules]:
    """Return a function that reads the rules as they are now: a change of the file holds from the next job."""
    return lambda: read_rules(values, data_dir)


def serves_now(values: Mapping[str, str], data_dir: Path) -> Callable[[str], bool]:
    """Return a function that tells whether a repository is let in; none is while the rules cannot be read."""

    def serves(repository: str) -> bool:
        try:
            return read_rules(values, data_dir).serves(repository)
        except RulesUnreadable:
            return False

    return serves


def _from_variables(values: Mapping[str, str]) -> dict[str, _Written]:
    found = {key: (name, values.get(name, "").strip()) for key, name in VARIABLES.items()}
    return {
        key: _Written(text if key.startswith("ceilings.") else text.replace(",", " ").split(), name)
        for key, (name, text) in found.items()
        if text
    }


def _from_file(values: Mapping[str, str], data_dir: Path, problems: list[str]) -> dict[str, _Written]:
    named = values.get("REVIEWER_OPERATOR_FILE", "").strip()
    path = Path(named) if named else data_dir / OPERATOR_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if named:
            problems.append(f"REVIEWER_OPERATOR_FILE: there is no file {path}: create it, or unset the variable")
        return {}
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}): let the App's user read it")
        return {}
    if len(data) > _MOST_BYTES:
        problems.append(f"{path}: larger than {_MOST_BYTES:,} bytes")
        return {}
    try:
        return _from_yaml(data.decode("utf-8-sig"), path, problems)
    except UnicodeDecodeError:
        problems.append(f"{path}: not a file of UTF-8 text")
        return {}


def _from_yaml(text: str, path: Path, problems: list[str]) -> dict[str, _Written]:
    read = read_yaml(text)
    problems += [f"{path}:{it.line}: {_key(it.path)}{it.message}" for it in read.problems]
    if read.value is None:
        return {}
    if not isinstance(read.value, dict):
        problems.append(f"{path}:1: must be a mapping with {', '.join(f'`{name}:`' for name in _SECTIONS)}")
        return {}
    found: dict[str, _Written] = {}
    for section, entries in read.value.items():
        where = f"{path}:{read.line((str(section),))}"
        if section not in _SECTIONS:
            problems.append(f"{where}: {_unknown(str(section), tuple(_SECTIONS))}")
        elif entries is not None and not isinstance(entries, dict):
            problems.append(f"{where}: `{section}` must be a mapping with {', '.join(_SECTIONS[section])}")
        else:
            for name, value in (entries or {}).items():
                place = f"{path}:{read.line((section, str(name)))}"
                if name in _SECTIONS[section]:
                    found[f"{section}.{name}"] = _Written(value, place)
                else:
                    problems.append(f"{place}: {_unknown(str(name), _SECTIONS[section])}")
    return found


def _key(path: tuple[str, ...]) -> str:
    return f"`{'.'.join(path[:2])[:100]}`: " if path else ""


def _amount(value: Any) -> Decimal:
    """Return the dollars. Raises ValueError for anything else: an empty value is no ceiling only by mistake."""
    text = "" if isinstance(value, bool) or value is None else str(value).strip()
    match = _AMOUNT.fullmatch(text)
    try:
        amount = Decimal(match[1]) if match else None
    except InvalidOperation:  # pragma: no cover - the pattern lets only numbers in
        amount = None
    if amount is None or amount > _MOST_USD:
        raise ValueError(f"{text[:40]!r} is not an amount: write dollars from 0 to {_MOST_USD:,}, such as 50 or 2.50")
    return amount


def _name_list(value: Any, kind: str) -> tuple[str, ...]:
    """Return the names in lower case. Raises ValueError: a list that cannot be read must not let everybody in."""
    entries = value if isinstance(value, list | tuple) else [value]
    if not 0 < len(entries) <= _MOST_NAMES:
        raise ValueError(f"write from 1 to {_MOST_NAMES:,} {kind}, or leave the key out")
    names = []
    for entry in entries:
        name = "" if entry is None or isinstance(entry, bool | dict | list) else str(entry).strip().lower()
        if not _NAMES[kind].fullmatch(name):
            raise ValueError(f"{str(entry)[:60]!r} is not one of the {kind} that can be meant: write {_EXAMPLES[kind]}")
        names.append(name)
    return tuple(dict.fromkeys(names))


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name[:60], known, 1, 0.6)
    return f"unknown key `{name[:60]}`; known here are {', '.join(known)}{f'; is `{near[0]}` meant?' if near else ''}"
