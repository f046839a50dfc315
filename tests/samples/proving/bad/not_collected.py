# prices.discounted: collects
from shop.prices import discounted


class Prices:
    def test_discount(self):
        assert discounted(1000, 25) == 750
