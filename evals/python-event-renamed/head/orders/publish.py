"""Tell the other parts of the shop what happened."""

from orders.bus import send


def paid(order):
    """Announce that an order is paid."""
    send("order.settled", {"id": order.id, "cents": order.cents, "currency": order.currency})
