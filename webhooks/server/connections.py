"""Count the connections whose request has not arrived yet, and choose which of them is closed when there are too many.

Promises: somebody who opens many connections closes their own; whoever sends a request at once is never closed for it.
"""

from __future__ import annotations

import ipaddress
import time
from collections import defaultdict
from typing import Any

from webhooks.server.request_buffer import RequestBuffer


class Connection:
    """A client's connection. `deadline` is when it is closed unless what it waits for has happened (monotonic)."""

    __slots__ = (
        "address",
        "began",
        "client",
        "deadline",
        "drained",
        "is_watched",
        "request",
        "server",
        "sock",
        "told_to_continue",
    )

    def __init__(self, sock: Any, client: Any, server: Any, request: RequestBuffer) -> None:
        """Store a connection that was just accepted."""
        self.sock = sock
        self.client = client
        self.server = server
        self.address = network_of(client)
        self.request = request
        self.began = self.deadline = time.monotonic()
        self.drained = 0
        self.is_watched = False
        self.told_to_continue = False


class UnfinishedConnections:
    """Those whose request is still arriving, the oldest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._by_address: dict[str, dict[Connection, None]] = defaultdict(dict)
        self._count = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def add(self, connection: Connection) -> None:
        """Count a connection that waits for a request from now on."""
        self._by_address[connection.address][connection] = None
        self._count += 1

    def remove(self, connection: Connection) -> None:
        """Count it no more."""
        of_address = self._by_address[connection.address]
        del of_address[connection]
        self._count -= 1
        if not of_address:
            del self._by_address[connection.address]

    def all(self) -> list[Connection]:
        """Return all of them."""
        return [connection for of_address in self._by_address.values() for connection in of_address]

    def too_many_of(self, address: str, bound: int, *, begun_before: float) -> Connection | None:
        """Return the oldest of an address that has more than `bound`, if it was begun before that time."""
        of_address = self._by_address.get(address, {})
        if len(of_address) <= bound:
            return None
        oldest = next(iter(of_address))
        return oldest if oldest.began < begun_before else None

    def oldest_of_busiest(self) -> Connection | None:
        """Return the oldest connection of the address that has most of them."""
        busiest = max(self._by_address.values(), key=len, default=None)
        return next(iter(busiest)) if busiest else None

    def oldest_of_largest(self) -> Connection | None:
        """Return the oldest large request of the address whose requests hold most bytes."""
        sizes = {address: sum(len(one.request) for one in those) for address, those in self._by_address.items()}
        if not sizes:
            return None
        largest = max(sizes, key=lambda address: sizes[address])
        those = self._by_address[largest]
        return next((one for one in those if len(one.request) * len(those) >= sizes[largest]), None)


def network_of(client: Any) -> str:
    """Return what counts as one address: an IPv4 address, or the 64 bits of IPv6 that one customer is given."""
    host = str(client[0]) if isinstance(client, tuple) and client else ""
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
