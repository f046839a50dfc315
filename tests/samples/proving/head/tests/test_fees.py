from shop.fees import fee


def test_fee():
    assert fee(10000) == 0
    assert fee(100) == 390
