# text.slug: static smells
from shop.text import slug


def test_slug():
    assert slug("Red Shoes") == slug("Red Shoes")
