"""What the model was shown beside the diff, and what it asked to see: for people who measure reviews. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ShownCode:
    """Code of the repository that prompts show with a part of the change; `lines` are first and last, `kind` why."""

    path: str
    lines: tuple[int, int]
    kind: str
    tokens: int


@dataclass(frozen=True, slots=True)
class LookupCounts:
    """What the model asked to see. `rounds` are replies that asked, `asked` the single lookups in them.

    `empty` of these showed nothing, `repeated` were answered in the same conversation before. `refused` are replies
    that asked when the budget was used up. `tokens` are those of all answers.
    """

    rounds: int = 0
    asked: int = 0
    empty: int = 0
    repeated: int = 0
    refused: int = 0
    tokens: int = 0

    @property
    def wasted(self) -> int:
        """The lookups that gave the model nothing new."""
        return self.empty + self.repeated

    def __add__(self, other: LookupCounts) -> LookupCounts:
        """Add two counts, part by part."""
        return LookupCounts(
            self.rounds + other.rounds,
            self.asked + other.asked,
            self.empty + other.empty,
            self.repeated + other.repeated,
            self.refused + other.refused,
            self.tokens + other.tokens,
        )


@dataclass(frozen=True, slots=True)
class ContextReport:
    """The context of a review: tokens by kind, once for each part that shows them, what was shown, what was asked."""

    tokens: tuple[tuple[str, int], ...] = ()
    shown: tuple[ShownCode, ...] = ()
    lookups: LookupCounts = field(default_factory=LookupCounts)
