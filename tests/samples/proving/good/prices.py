# prices.discounted
import pytest
from shop.prices import discounted


@pytest.mark.parametrize(
    ("price", "percent", "expected"),
    [(1000, 0, 1000), (1000, 25, 750), (999, 10, 900), (101, 50, 100), (100, 50, 100), (80, 10, 80), (1000, 100, 100)],
)
def test_discount(price, percent, expected):
    assert discounted(price, percent) == expected


@pytest.mark.parametrize("percent", [-1, 101])
def test_percentage_out_of_range(percent):
    with pytest.raises(ValueError):
        discounted(1000, percent)
