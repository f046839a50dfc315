# dates.quarter: static smells
from shop.dates import quarter


def test_quarter():
    try:
        assert quarter(3) == 7
    except AssertionError:
        pass
