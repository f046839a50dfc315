"""Fees of payments."""


def fee(cents):
    """Return one percent of an amount, in cents, rounded half up."""
    return (cents + 50) // 100
