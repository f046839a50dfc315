"""Turn totals by day into charts: bars with their places, ready to be drawn. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from webhooks.queue.overview import DayTotal

#: Repositories with a colour of their own; the others share the last.
_OWN_COLOURS = 4
_OTHERS = "all others"

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 200, 52, 24


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's bar. `series` is the number of its colour, from 1."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """A chart, with its legend: series and name."""

    bars: tuple[Bar, ...]
    days: tuple[Label, ...]
    values: tuple[Label, ...]
    legend: tuple[tuple[int, str], ...]


def bar_chart(
    totals: Sequence[DayTotal],
    *,
    first: date,
    last: date,
    value: Callable[[DayTotal], float],
    write: Callable[[float], str],
) -> BarChart:
    """Return the chart of a value by day, stacked by repository: the largest ones have a colour each."""
    sums: dict[str, float] = {}
    for total in totals:
        sums[total.repository] = sums.get(total.repository, 0.0) + value(total)
    ranked = [name for name in sorted(sums, key=lambda name: (-sums[name], name)) if sums[name] > 0]
    own = {name: number for number, name in enumerate(ranked[:_OWN_COLOURS], start=1)}
    stacks = _stacks(totals, own, value)
    most = max((sum(parts.values()) for parts in stacks.values()), default=0.0)
    scale = _round_up(most)
    count = (last - first).days + 1
    step = (WIDTH - LEFT) / count
    bars = []
    for place in range(count):
        day = first + timedelta(days=place)
        top = float(HEIGHT - BOTTOM)
        for series, amount in sorted(stacks.get(day, {}).items()):
            height = amount / scale * (HEIGHT - BOTTOM - 8)
            top -= height
            name = _name(own, series)
            bars.append(
                Bar(
                    LEFT + place * step + step * 0.1, top, step * 0.8, height, series, f"{day}: {name}: {write(amount)}"
                )
            )
    days, values = _labels(first, count, scale, write)
    legend = [(series, name) for name, series in own.items()]
    legend += [(_OWN_COLOURS + 1, _OTHERS)] if len(ranked) > _OWN_COLOURS else []
    return BarChart(tuple(bars), days, values, tuple(legend))


def _labels(
    first: date, count: int, scale: float, write: Callable[[float], str]
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Return the words at both axes: some of the days, and the bottom, middle and top of the values."""
    step, every = (WIDTH - LEFT) / count, max(1, count // 6)
    days = tuple(
        Label(LEFT + (place + 0.5) * step, HEIGHT - 7, f"{first + timedelta(days=place):%d %b}")
        for place in range(every // 2, count, every)
    )
    height = HEIGHT - BOTTOM - 8
    values = tuple(Label(LEFT - 6, HEIGHT - BOTTOM - part * height + 4, write(scale * part)) for part in (0, 0.5, 1))
    return days, values


def day_of(number: int) -> date:
    """Return the date of a day since 1970."""
    return datetime.fromtimestamp(number * 86_400, UTC).date()


def _stacks(
    totals: Sequence[DayTotal], own: Mapping[str, int], value: Callable[[DayTotal], float]
) -> dict[date, dict[int, float]]:
    stacks: dict[date, dict[int, float]] = {}
    for total in totals:
        if amount := value(total):
            parts = stacks.setdefault(day_of(total.day), {})
            series = own.get(total.repository, _OWN_COLOURS + 1)
            parts[series] = parts.get(series, 0.0) + amount
    return stacks


def _name(own: Mapping[str, int], series: int) -> str:
    return next((name for name, number in own.items() if number == series), _OTHERS)


def _round_up(most: float) -> float:
    """Return the next of 1, 2, 5, 10, ... for the top of an axis."""
    if most <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 10.0 ** -(_zeros(most))
    return next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if size * factor >= most)


def _zeros(part: float) -> int:
    """Return how many digits after the point it takes to the first that is not zero."""
    count = 1
    while part * 10**count < 1 and count < 9:
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class RepositoryTotal:
    """What one repository had in the whole time."""

    repository: str
    reviews: int
    calls: int
    cost_usd: Decimal
    unpriced: int


def by_repository(totals: Sequence[DayTotal]) -> list[RepositoryTotal]:
    """Add the days up; the most expensive repository comes first."""
    sums: dict[str, RepositoryTotal] = {}
    for each in totals:
        before = sums.get(each.repository, RepositoryTotal(each.repository, 0, 0, Decimal(0), 0))
        sums[each.repository] = RepositoryTotal(
            each.repository,
            before.reviews + each.reviews,
            before.calls + each.calls,
            before.cost_usd + each.cost_usd,
            before.unpriced + each.unpriced,
        )
    return sorted(sums.values(), key=lambda total: (-total.cost_usd, -total.reviews, total.repository))
