# dates.quarter: static smells
import pytest
from shop.dates import quarter


@pytest.mark.skip
def test_quarter():
    assert quarter(3) == 1
