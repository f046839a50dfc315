# parse.ratio
import pytest
from shop.parse import ratio


def test_plain_numbers():
    assert ratio("3") == 3.0
    assert ratio("2/2") == 1.0


def test_ratio_to_zero():
    with pytest.raises(ValueError, match="zero"):
        ratio("1/0")
