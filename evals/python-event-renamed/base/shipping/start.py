"""Begin to ship."""

from orders.bus import listen


@listen("order.paid")
def begin(data):
    """Ask the warehouse to pack an order."""
    print("pack", data["id"])
