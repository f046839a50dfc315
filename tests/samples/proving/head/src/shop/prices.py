"""Prices, in cents."""


def total(items):
    """Return the sum of the prices."""
    return sum(items)


def discounted(price, percent, floor=100):
    """Return the price less `percent` per cent, rounded down; never under `floor`, unless the price itself is.

    Raises ValueError for a percentage under 0 or over 100.
    """
    if percent < 0 or percent > 100:
        raise ValueError("percent must be between 0 and 100")
    if price <= floor:
        return price
    lower = price - price * percent // 100
    if lower < floor:
        lower = floor
    return lower
