"""Give money back."""

from shop.store import insert


def refund(order_id, cents, code):
    """Store a refund with the code of its reason."""
    return insert("refunds", order_id=order_id, cents=cents, reason=code)
