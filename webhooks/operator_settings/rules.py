"""What the operator allows: how much may be spent, for which repositories, with which models. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class OperatorCeilings:
    """The most that may be spent, in US dollars; None: no ceiling. A month is a calendar month in UTC.

    `per_month_usd` is for everything that the App does, `per_repository_usd` and `per_person_usd` are a month each,
    `per_pull_usd` is for a pull request over its whole life.
    """

    per_month_usd: Decimal | None = None
    per_repository_usd: Decimal | None = None
    per_person_usd: Decimal | None = None
    per_pull_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NameRules:
    """Names that are allowed and refused, in lower case; `*` stands for any characters. No allowed names: all are."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def allows(self, name: str) -> bool:
        """Whether a name is among those that are allowed explicitly."""
        return _is_among(name, self.allow)

    def denies(self, name: str) -> bool:
        """Whether a name is refused explicitly."""
        return _is_among(name, self.deny)


@dataclass(frozen=True, slots=True)
class OperatorRules:
    """The ceilings, and the rules for owners, repositories (`owner/name`) and models.

    `origins` tells for each key, such as `ceilings.per_month_usd`, where its value stands.
    """

    ceilings: OperatorCeilings = OperatorCeilings()
    owners: NameRules = NameRules()
    repositories: NameRules = NameRules()
    models: NameRules = NameRules()
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def serves(self, repository: str) -> bool:
        """Whether the App works for that repository. What is refused stays refused, even if it is also allowed."""
        owner = repository.partition("/")[0]
        if self.owners.denies(owner) or self.repositories.denies(repository):
            return False
        is_open = not (self.owners.allow or self.repositories.allow)
        return is_open or self.owners.allows(owner) or self.repositories.allows(repository)

    def refused_models(self, models: Iterable[str]) -> list[str]:
        """Return those of the models that may not be used."""
        rules = self.models
        return [name for name in models if rules.denies(name) or (rules.allow and not rules.allows(name))]

    @property
    def has_ceiling(self) -> bool:
        """Whether the operator set any ceiling."""
        ceilings = self.ceilings
        amounts = (
            ceilings.per_month_usd,
            ceilings.per_repository_usd,
            ceilings.per_person_usd,
            ceilings.per_pull_usd,
        )
        return any(amount is not None for amount in amounts)


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    lowered = name.lower()
    return any(_matches(pattern, lowered) for pattern in patterns)


def _matches(pattern: str, name: str) -> bool:
    """Whether the name is as the pattern, in which each `*` stands for any characters."""
    first, *middle = pattern.split("*")
    if not middle:
        return pattern == name
    *middle, last = middle
    if not (name.startswith(first) and name.endswith(last) and len(name) >= len(first) + len(last)):
        return False
    rest, position = name[: len(name) - len(last)], len(first)
    for part in middle:
        found = rest.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return True
