"""What was said against what is known: pairs one to one, counts, recall, precision and F1. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reviewer.diff.model import Side
from reviewer.evaluation.cases import KnownFinding, KnownKind

#: Lines by which a finding may miss a known one and still be at its place.
NEAR = 3

#: (index of what was said, index of what is known).
Pair = tuple[int, int]


class FindingOutcome(StrEnum):
    """What became of one published finding. All but the first and the last are false alarms."""

    FOUND = "found"
    TRAP = "trap"
    REPEAT = "repeat"
    OTHER = "other"
    REFACTORING = "refactoring"


@dataclass(frozen=True, slots=True)
class PublishedPlace:
    """Where a finding was published: `first` to `last` are its lines on that side."""

    path: str
    side: Side
    first: int
    last: int
    refactoring: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many defects were found and missed, and how many false alarms of each sort were published.

    `repeats` say again what was said. `refactorings` that match nothing known are neither right nor wrong here.
    """

    found: int = 0
    missed: int = 0
    traps: int = 0
    repeats: int = 0
    others: int = 0
    refactorings: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add two counts, part by part."""
        return Counts(
            self.found + other.found,
            self.missed + other.missed,
            self.traps + other.traps,
            self.repeats + other.repeats,
            self.others + other.others,
            self.refactorings + other.refactorings,
        )

    @property
    def alarms(self) -> int:
        """The false alarms."""
        return self.traps + self.repeats + self.others

    @property
    def recall(self) -> float | None:
        """The part of the defects that was found; None where there are none."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def precision(self) -> float | None:
        """The part of what was said that was right; None where nothing was said."""
        return _ratio(self.found, self.found + self.alarms)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where there was nothing to find and nothing was said."""
        return _ratio(2 * self.found, 2 * self.found + self.missed + self.alarms)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum: micro averages are those of a sum."""
    return sum(counts, Counts())


def near_pairs(said: Sequence[PublishedPlace], known: Sequence[KnownFinding]) -> tuple[Pair, ...]:
    """Return which findings stand at the place of which known one: same file and side, lines that nearly touch."""
    return tuple(
        (i, j) for i, place in enumerate(said) for j, one in enumerate(known) if _gap(place, one) <= NEAR
    )  # fmt: skip


def _gap(place: PublishedPlace, known: KnownFinding) -> float:
    """Return the lines between the two, 0 where they overlap, infinity in different files or on different sides."""
    if (place.path, place.side) != (known.path, known.side):
        return float("inf")
    return max(place.first - known.last, known.first - place.last, 0)


def outcomes(
    said: Sequence[PublishedPlace], known: Sequence[KnownFinding], pairs: Iterable[Pair]
) -> tuple[tuple[tuple[FindingOutcome, str], ...], Counts]:
    """Return for each finding its outcome with the id of the known one it matches ("" for none), and the counts.

    Pairs become one to one: as many as possible, the nearest first. A finding that matches only what another one
    matched already says it again.
    """
    ordered = sorted(set(pairs), key=lambda pair: (_gap(said[pair[0]], known[pair[1]]), pair))
    matched = one_to_one(ordered)
    told = tuple(_outcome(index, place, known, matched, ordered) for index, place in enumerate(said))
    number = {outcome: sum(one is outcome for one, _ in told) for outcome in FindingOutcome}
    defects = sum(one.kind is KnownKind.DEFECT for one in known)
    found = number[FindingOutcome.FOUND]
    return told, Counts(
        found,
        defects - found,
        number[FindingOutcome.TRAP],
        number[FindingOutcome.REPEAT],
        number[FindingOutcome.OTHER],
        number[FindingOutcome.REFACTORING],
    )


def _outcome(
    index: int, place: PublishedPlace, known: Sequence[KnownFinding], matched: dict[int, int], pairs: Sequence[Pair]
) -> tuple[FindingOutcome, str]:
    if index in matched:
        one = known[matched[index]]
        return (FindingOutcome.FOUND if one.kind is KnownKind.DEFECT else FindingOutcome.TRAP), one.id
    again = next((known[other] for said, other in pairs if said == index), None)
    if again is not None:
        return FindingOutcome.REPEAT, again.id
    return (FindingOutcome.REFACTORING if place.refactoring else FindingOutcome.OTHER), ""


def one_to_one(pairs: Sequence[Pair]) -> dict[int, int]:
    """Return the largest set of pairs in which nothing stands twice, early pairs preferred, by their first half.

    Augmenting paths: https://en.wikipedia.org/wiki/Maximum_cardinality_matching
    """
    wishes: dict[int, list[int]] = {}
    for left, right in pairs:
        wishes.setdefault(left, []).append(right)
    holder: dict[int, int] = {}

    def seat(left: int, tried: set[int]) -> bool:
        for right in wishes[left]:
            if right not in tried:
                tried.add(right)
                if right not in holder or seat(holder[right], tried):
                    holder[right] = left
                    return True
        return False

    for left in wishes:
        seat(left, set())
    return {left: right for right, left in sorted(holder.items())}
