# text.slug: static smells
from shop.text import slug


def test_slug():
    result = slug("Red Shoes and more of them")
    assert isinstance(result, str)
    assert result is not None
