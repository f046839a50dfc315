"""Give money back."""

from shop.store import insert

#: Characters of an explanation that are kept.
MAX_REASON = 500


def refund(order_id, cents, explanation):
    """Store a refund with what the customer wrote."""
    reason = explanation.strip()[:MAX_REASON]
    return insert("refunds", order_id=order_id, cents=cents, reason=reason)
