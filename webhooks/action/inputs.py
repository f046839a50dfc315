"""Read the Action's inputs. A value that an input does not take is an error, whatever the event is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from reviewer.domain.settings import BudgetSettings, FailLevel
from reviewer.errors import SettingsError
from reviewer.llm.client_settings import ClientSettings, read_client_settings, unquoted
from webhooks.environment import read_api_url

_Choice = TypeVar("_Choice", bound=StrEnum)
_AMOUNT = re.compile(r"\$?(\d{1,7}(?:\.\d{1,9})?)")


class Forks(StrEnum):
    """Which pull requests of forks are reviewed with the rights of the base (`pull_request_target`)."""

    LABEL = "label"
    ALL = "all"


class TestRuns(StrEnum):
    """Whether suggested tests may be run."""

    __test__ = False

    ON = "on"
    OFF = "off"
    SELF_HOSTED = "self-hosted"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs. `level` is None where the repository's settings decide; `commands` is empty where all are meant.

    `ceilings` are those of the workflow, None where it sets none.
    """

    level: FailLevel | None = None
    commands: frozenset[str] = frozenset()
    forks: Forks = Forks.LABEL
    tests: TestRuns = TestRuns.ON
    tests_python: str = ""
    ceilings: BudgetSettings | None = None
    client: ClientSettings = field(default_factory=ClientSettings)
    api_url: str = ""
    token: str = field(default="", repr=False)


def read_inputs(environ: Mapping[str, str], commands: Iterable[str]) -> Inputs:
    """Return the inputs from the variables in which `action.yml` puts them. Raises SettingsError with all problems."""
    problems: list[str] = []
    known = set(commands)
    names = {name.lstrip("/") for name in _text(environ, "REVIEWER_COMMANDS").replace(",", " ").lower().split()}
    if unknown := sorted(names - known):
        problems.append(f"The input `commands` is {unknown[0]!r}; it takes some of {', '.join(sorted(known))}.")
    level = _choice(environ, "fail-level", FailLevel, problems)
    forks = _choice(environ, "forks", Forks, problems) or Forks.LABEL
    tests = _choice(environ, "tests", TestRuns, problems) or TestRuns.ON
    amounts = {name: _amount(environ, f"max-usd-per-{name}", problems) for name in ("pull", "month")}
    client, api_url = ClientSettings(), ""
    try:
        client, api_url = read_client_settings(environ), read_api_url(environ)
    except SettingsError as error:
        problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    ceilings = BudgetSettings.model_construct(
        per_review_usd=None, per_pull_usd=amounts["pull"], per_month_usd=amounts["month"]
    )
    has_ceiling = any(amount is not None for amount in amounts.values())
    return Inputs(
        level=level,
        commands=frozenset(names),
        forks=forks,
        tests=tests,
        tests_python=_text(environ, "REVIEWER_TESTS_PYTHON"),
        ceilings=ceilings if has_ceiling else None,
        client=client,
        api_url=api_url,
        token=unquoted(environ.get("GITHUB_TOKEN", "")),
    )


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _choice(environ: Mapping[str, str], name: str, kind: type[_Choice], problems: list[str]) -> _Choice | None:
    text = _text(environ, f"REVIEWER_{name.replace('-', '_').upper()}")
    if not text:
        return None
    if text in {choice.value for choice in kind}:
        return kind(text)
    problems.append(f"The input `{name}` is {text[:60]!r}; it takes one of {', '.join(kind)}.")
    return None


def _amount(environ: Mapping[str, str], name: str, problems: list[str]) -> Decimal | None:
    text = _text(environ, f"REVIEWER_{name.replace('-', '_').upper()}")
    if not text:
        return None
    if match := _AMOUNT.fullmatch(text):
        return Decimal(match[1])
    problems.append(f"The input `{name}` is {text[:60]!r}; it takes dollars, such as 5 or 0.50.")
    return None
