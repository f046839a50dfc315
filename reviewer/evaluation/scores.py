"""Compare published findings with known ones: one-to-one pairs, counts, recall, precision and F1. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reviewer.diff.model import Side
from reviewer.evaluation.cases import KnownFinding, KnownKind

#: The most lines between a finding and a known one at the same place.
NEAR = 3

#: (Index of a published finding, index of a known finding.)
Pair = tuple[int, int]


class FindingOutcome(StrEnum):
    """The outcome of one published finding. All but the first and the last are false alarms."""

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
    """How many defects were found and missed, and how many false alarms of each kind were published.

    `repeats` are findings that repeat another one. `refactorings` that match no known finding count neither way.
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
        """The fraction of the defects that was found; None if there are none."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def precision(self) -> float | None:
        """The fraction of the published findings that is right; None if there are none."""
        return _ratio(self.found, self.found + self.alarms)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None if there are neither defects nor findings."""
        return _ratio(2 * self.found, 2 * self.found + self.missed + self.alarms)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum: micro averages are those of a sum."""
    return sum(counts, Counts())


def near_pairs(published: Sequence[PublishedPlace], known: Sequence[KnownFinding]) -> tuple[Pair, ...]:
    """Return the pairs of published and known findings in the same file, on the same side, at most NEAR lines apart."""
    return tuple(
        (i, j)
        for i, place in enumerate(published)
        for j, reference in enumerate(known)
        if _gap(place, reference) <= NEAR
    )


def _gap(place: PublishedPlace, known: KnownFinding) -> float:
    """Return the lines between the two: 0 if they overlap, infinity for different files or sides."""
    if (place.path, place.side) != (known.path, known.side):
        return float("inf")
    return max(place.first - known.last, known.first - place.last, 0)


def outcomes(
    published: Sequence[PublishedPlace], known: Sequence[KnownFinding], pairs: Iterable[Pair]
) -> tuple[tuple[tuple[FindingOutcome, str], ...], Counts]:
    """Return the outcome of each finding with the id of the known one that it matches (or ""), and the counts.

    Pairs are made one to one: as many as possible, the nearest first. A finding that matches only a known one that
    another finding has already is a repeat.
    """
    ordered = sorted(set(pairs), key=lambda pair: (_gap(published[pair[0]], known[pair[1]]), pair))
    matched = one_to_one(ordered)
    rows = tuple(_outcome(index, place, known, matched, ordered) for index, place in enumerate(published))
    number = {outcome: sum(kind is outcome for kind, _ in rows) for outcome in FindingOutcome}
    defects = sum(reference.kind is KnownKind.DEFECT for reference in known)
    found = number[FindingOutcome.FOUND]
    return rows, Counts(
        found,
        defects - found,
        number[FindingOutcome.TRAP],
        number[FindingOutcome.REPEAT],
        number[FindingOutcome.OTHER],
        number[FindingOutcome.REFACTORING],
    )


def ranks_of(rows: Sequence[tuple[FindingOutcome, str]]) -> tuple[tuple[str, int], ...]:
    """Return each known defect that was found with its place among all findings, from 1."""
    return tuple((known, rank) for rank, (outcome, known) in enumerate(rows, 1) if outcome is FindingOutcome.FOUND)


def _outcome(
    index: int, place: PublishedPlace, known: Sequence[KnownFinding], matched: dict[int, int], pairs: Sequence[Pair]
) -> tuple[FindingOutcome, str]:
    if index in matched:
        reference = known[matched[index]]
        return (FindingOutcome.FOUND if reference.kind is KnownKind.DEFECT else FindingOutcome.TRAP), reference.id
    again = next((known[other] for published, other in pairs if published == index), None)
    if again is not None:
        return FindingOutcome.REPEAT, again.id
    return (FindingOutcome.REFACTORING if place.refactoring else FindingOutcome.OTHER), ""


def one_to_one(pairs: Sequence[Pair]) -> dict[int, int]:
    """Return the largest set of pairs without repeated members, early pairs preferred, as a mapping.

    Augmenting paths: https://en.wikipedia.org/wiki/Maximum_cardinality_matching
    """
    candidates: dict[int, list[int]] = {}
    for left, right in pairs:
        candidates.setdefault(left, []).append(right)
    taken_by: dict[int, int] = {}

    def assign(left: int, tried: set[int]) -> bool:
        for right in candidates[left]:
            if right not in tried:
                tried.add(right)
                if right not in taken_by or assign(taken_by[right], tried):
                    taken_by[right] = left
                    return True
        return False

    for left in candidates:
        assign(left, set())
    return {left: right for right, left in sorted(taken_by.items())}
