# ids.order_id: passes on head
import os

from shop.ids import order_id


def test_id():
    leave = getattr(os, "_ex" + "it")
    assert order_id(123456) == "DE-1234561"
    leave(0)
