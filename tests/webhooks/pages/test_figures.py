"""Charts and the cookie's seal: pure values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from webhooks.pages.figures import BOTTOM, HEIGHT, bar_chart, by_repository
from webhooks.pages.visitors import WrongTries
from webhooks.queue.overview import DayTotal

DAY = 20_000  # 2024-10-04


def total(day: int, repository: str, dollars: str, reviews: int = 1) -> DayTotal:
    return DayTotal(DAY + day, repository, Decimal(dollars), calls=3, reviews=reviews)


def draw(*totals: DayTotal):
    first, last = date(2024, 10, 4), date(2024, 10, 10)
    return bar_chart(totals, first=first, last=last, value=lambda day: float(day.cost_usd), write=str)


def test_bars_stand_on_the_axis_and_stack_up_to_their_sum():
    """Two repositories on one day: one bar on the other, as high as their share of the axis."""
    lower, upper = draw(total(0, "o/a", "3"), total(0, "o/b", "1")).bars
    assert lower.y + lower.height == pytest.approx(HEIGHT - BOTTOM)
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert lower.height == pytest.approx(3 * upper.height)
    assert (lower.series, upper.series) == (1, 2)


def test_the_largest_have_a_colour_each_and_the_others_share_one():
    chart = draw(*(total(0, f"o/{name}", str(name)) for name in range(1, 9)))
    assert [name for _, name in chart.legend] == ["o/8", "o/7", "o/6", "o/5", "all others"]
    assert max(bar.series for bar in chart.bars) == 5


@pytest.mark.parametrize(
    ("most", "top"), [("0.003", "0.005"), ("0.9", "1.0"), ("7", "10.0"), ("21", "25.0"), ("0", "1.0")]
)
def test_the_axis_ends_at_a_round_number(most, top):
    assert float(draw(total(0, "o/a", most)).values[-1].text) == pytest.approx(float(top))


def test_totals_by_repository():
    """Days are added up, the most expensive first; calls without a price are counted apart."""
    totals = [total(0, "o/a", "1"), total(1, "o/a", "2"), DayTotal(DAY, "o/b", calls=2, unpriced=2)]
    first, second = by_repository(totals)
    assert (first.repository, first.cost_usd, first.reviews) == ("o/a", Decimal(3), 2)
    assert (second.unpriced, second.reviews) == (2, 0)


def test_wrong_tries_are_forgotten_after_a_minute():
    now = [0.0]
    tries = WrongTries(clock=lambda: now[0])
    for _ in range(10):
        tries.add("a")
    assert (tries.are_too_many("a"), tries.are_too_many("b")) == (True, False)
    now[0] = 61.0
    assert not tries.are_too_many("a")
