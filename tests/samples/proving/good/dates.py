# dates.quarter
import pytest
from shop.dates import quarter


def test_quarters():
    assert [quarter(month) for month in range(1, 13)] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


@pytest.mark.parametrize("month", [0, 13])
def test_no_such_month(month):
    with pytest.raises(ValueError, match="no month"):
        quarter(month)
