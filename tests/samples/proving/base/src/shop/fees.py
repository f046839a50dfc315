"""Fees of delivery, in cents."""


def fee(total):
    """Return the fee of delivery: free from 5000 on."""
    if total > 5000:
        return 0
    return 390
