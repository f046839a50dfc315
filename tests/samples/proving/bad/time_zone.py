# dates.quarter: deterministic
import time

import pytest
from shop.dates import quarter


def test_quarter():
    assert [quarter(month) for month in range(1, 13)] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert time.localtime(0).tm_hour == 0


def test_range():
    for month in (0, 13):
        with pytest.raises(ValueError):
            quarter(month)
