# fees.fee
from shop.fees import fee


def test_free_from_the_boundary_on():
    assert fee(5000) == 0
    assert fee(4999) == 390
