# stock.Shelf.take: deterministic
import pytest
from shop.stock import Shelf

SHELF = Shelf(5)


def test_first():
    assert SHELF.take(3) == 0
    assert SHELF.log == [3]


def test_second():
    assert SHELF.take(4) == 2
    assert SHELF.log == [3, 2]
    with pytest.raises(ValueError):
        SHELF.take(0)
    assert Shelf(2).take(1) == 0
