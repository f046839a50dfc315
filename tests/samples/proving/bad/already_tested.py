# fees.fee: kills mutants
from shop.fees import fee


def test_fee():
    assert fee(9000) == 0
    assert fee(20) == 390
