# prices.discounted: collects
from shop.prices import no_such_name


def test_discount():
    assert no_such_name(1000, 25) == 750
