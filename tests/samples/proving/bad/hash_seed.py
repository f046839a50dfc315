# ids.order_id: static smells
import sys

from shop.ids import order_id


def test_id():
    assert order_id(123456) == "DE-1234561"
    assert order_id(7, country="AT") == "AT-0000072"
    assert not sys.flags.hash_randomization
