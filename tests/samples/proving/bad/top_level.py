# prices.discounted: policy
import shop.prices

shop.prices.total([1])


def test_discount():
    assert shop.prices.discounted(1000, 25) == 750
