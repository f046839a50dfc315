"""Fees."""

from pay.fees import fee


def test_fee():
    assert fee(1000) == 10


def test_fee_is_rounded_half_up():
    assert fee(150) == 1
