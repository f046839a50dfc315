# ids.order_id: static smells
import urllib.request

from shop.ids import order_id


def test_id():
    urllib.request.urlopen("http://127.0.0.1:9/")
    assert order_id(123456) == "DE-1234561"
