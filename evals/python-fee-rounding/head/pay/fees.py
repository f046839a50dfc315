"""Fees of payments."""


def fee(cents, percent=1):
    """Return the fee of an amount, in cents, rounded half up."""
    return cents * percent // 100
