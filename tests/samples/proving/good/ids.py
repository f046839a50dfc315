# ids.order_id
from shop.ids import order_id


def test_check_digit():
    assert order_id(123456) == "DE-1234561"
    assert order_id(7, country="AT") == "AT-0000072"
