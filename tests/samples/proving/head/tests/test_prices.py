from shop.prices import total


def test_total(basket):
    assert total(basket) == 750
