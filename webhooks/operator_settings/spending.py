"""The parts of all spending that can have a ceiling. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SpendingPart:
    """A part of all that was spent: since a time (seconds since 1970), in a repository, on a pull request, by a person.

    What is empty or None does not narrow it. `person` is a login.
    """

    since: float = 0.0
    repository: str = ""
    number: int | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class SpendingLimit:
    """The most, in US dollars, that may be spent on a part."""

    part: SpendingPart
    usd: Decimal
