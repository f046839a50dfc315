"""Days of business."""

from functools import lru_cache


@lru_cache(maxsize=None)
def quarter(month):
    """Return the quarter, 1 to 4, of a month, 1 to 12. Raises ValueError for any other number."""
    if not 1 <= month <= 12:
        raise ValueError(f"no month {month}")
    return (month - 1) // 3 + 1
