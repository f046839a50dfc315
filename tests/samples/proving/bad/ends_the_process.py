# ids.order_id: static smells
import os

from shop.ids import order_id


def test_id():
    assert order_id(123456) == "DE-1234561"
    os._exit(0)
