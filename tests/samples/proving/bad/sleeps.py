# ids.order_id: static smells
import time

from shop.ids import order_id


def test_id():
    time.sleep(1)
    assert order_id(123456) == "DE-1234561"
