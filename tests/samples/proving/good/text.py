# text.slug
from shop.text import slug


def test_words_are_joined():
    assert slug("Red  Shoes, new!") == "red-shoes-new"


def test_marks_alone_are_left_out():
    assert slug("A - B") == "a-b"


def test_cut_without_hyphen_at_the_end():
    assert slug("abc def", limit=4) == "abc"
    assert slug("abc def", limit=7) == "abc-def"
