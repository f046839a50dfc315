# dates.quarter: static smells
from shop.dates import quarter


def test_quarter():
    quarter(3)
