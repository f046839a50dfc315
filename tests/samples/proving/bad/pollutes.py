# stock.Shelf.take: coexists
import pytest
import shop.stock
from shop.stock import Shelf


def test_take():
    shop.stock.LIMIT = 9
    shelf = Shelf(5)
    assert shelf.take(3) == 0
    assert shelf.take(4) == 2
    assert shelf.count == 0
    assert shelf.log == [3, 2]
    with pytest.raises(ValueError):
        shelf.take(0)
    assert Shelf(2).take(1) == 0
