"""Quantities as people write them."""


def ratio(text):
    """Return "a/b" as a number: `ratio("1/4")` is 0.25. A text without a slash is the number itself.

    Raises ValueError for a ratio to zero.
    """
    top, slash, bottom = text.partition("/")
    if not slash:
        return float(top)
    if float(bottom) == 0:
        raise ValueError("a ratio to zero")
    return float(bottom) / float(top)
