"""The severity and the confidence of a finding."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: SARIF note, warning, error; annotation notice, warning, failure."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for error."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure the review is of a finding after the falsifying pass."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return list(Confidence).index(self)


class FailLevel(StrEnum):
    """The lowest severity that makes a run fail; `never` only reports."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of that severity fails the run."""
        return self is not FailLevel.NEVER and severity.rank >= Severity(self.value).rank


class DemonstrateLevel(StrEnum):
    """The lowest severity of findings that are demonstrated by running a test; `off` runs nothing."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"

    @classmethod
    def _missing_(cls, value: object) -> DemonstrateLevel | None:
        """Read the `off` of a YAML file, which is a truth value there."""
        return cls.OFF if value is False else None

    def includes(self, severity: Severity) -> bool:
        """Whether findings of that severity are demonstrated."""
        return self is not DemonstrateLevel.OFF and severity.rank >= Severity(self.value).rank
