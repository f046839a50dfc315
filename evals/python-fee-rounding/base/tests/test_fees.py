"""Fees."""

from pay.fees import fee


def test_fee():
    assert fee(1000) == 10
