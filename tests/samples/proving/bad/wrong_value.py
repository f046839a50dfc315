# prices.discounted: passes on head
from shop.prices import discounted


def test_discount():
    assert discounted(1000, 25) == 751
