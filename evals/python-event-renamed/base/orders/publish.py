"""Tell the other parts of the shop what happened."""

from orders.bus import send


def paid(order):
    """Announce that an order is paid."""
    send("order.paid", {"id": order.id, "cents": order.cents})
