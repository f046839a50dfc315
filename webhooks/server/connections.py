"""Count the connections whose request has not arrived yet, and choose which of them is closed when there are too many.

Promises: somebody who opens many connections closes their own; whoever sends a request at once is never closed for it.
"""

from __future__ import annotations

import ipaddress
import resource
import select
import time
from collections import defaultdict
from typing import Any

from webhooks.server.request_buffer import MAX_BODY, RequestBuffer

#: Seconds for the headers, and for the body after them. GitHub gives a delivery up after ten.
HEAD_SECONDS, BODY_SECONDS = 10.0, 20.0

#: Unfinished requests of one address; more are allowed for the first second, for a burst of deliveries.
PER_ADDRESS, BURST_SECONDS = 128, 1.0

#: Bytes of all requests together.
MAX_BYTES = 256 * 1024 * 1024

#: Seconds for a client to take its answer, and then to close the connection; bytes that are read of it altogether.
#: Many a client reads only after it has sent everything: one whose body is a little too large still gets its answer.
ANSWER_SECONDS, LINGER_SECONDS, LINGER_BYTES = 2.0, 2.0, MAX_BODY * 3 // 2

#: Connections that are accepted in a turn of the loop, seconds between two looks for those that are too slow, and
#: between two lines in the log about them.
ACCEPT_AT_ONCE, SWEEP_SECONDS, REPORT_SECONDS = 32, 0.25, 60.0

#: Bytes that are received at once, and for how many of a body the loop is woken.
RECEIVE = 256 * 1024
LOW_WATER = 32 * 1024

_SLOW = b'{"error": "The request did not arrive in time."}\n'
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_SLOW), _SLOW)
)


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
        sizes = {
            address: sum(len(connection.request) for connection in those) for address, those in self._by_address.items()
        }
        if not sizes:
            return None
        largest = max(sizes, key=lambda address: sizes[address])
        those = self._by_address[largest]
        return next(
            (connection for connection in those if len(connection.request) * len(those) >= sizes[largest]), None
        )


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


def takes_answers(sock: Any) -> bool:
    """Whether there is room for an answer: its client reads."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(0))


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files to that many, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
        )
