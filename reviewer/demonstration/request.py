"""What is to be demonstrated, and within which limits. Values only: nothing here runs anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from reviewer.domain.severity import DemonstrateLevel


@dataclass(frozen=True, slots=True)
class DemonstrationLimits:
    """Limits of one demonstration. Seconds are wall time; after `seconds` nothing new is begun.

    At most `findings` findings are demonstrated, the worst first. A fix has `fix_rounds` rounds with the model. When
    `usd` is spent, nothing more is asked; None: no limit.
    """

    seconds: float = 900.0
    suite_seconds: float = 300.0
    run_seconds: float = 60.0
    findings: int = 5
    fix_rounds: int = 2
    mutants: int = 12
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DemonstrationRequest:
    """What is to be demonstrated: findings of that level, or just those with these fingerprints.

    `asked`: a person asked for it, so it is said where nothing can be run.
    """

    level: DemonstrateLevel = DemonstrateLevel.ERROR
    only: Collection[str] = ()
    asked: bool = False
    limits: DemonstrationLimits = field(default_factory=DemonstrationLimits)
