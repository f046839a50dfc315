"""Send a request repeatedly: `python -m bench.deliveries.sender PORT SECONDS CONNECTIONS`, the request on stdin.

Runs in its own process with little work for each request, so that it measures the server and not itself. Prints how
many were answered with a 2xx; another answer ends it.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)


def _answered(connection: socket.socket) -> bytes:
    """Read one whole answer and return its first line."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length, head
    while len(body) < int(length[1]):
        body += _more(connection)
    return head.partition(b"\r\n")[0]


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    assert part, "the server hung up"
    return part


def send(port: int, seconds: float, connections: int, request: bytes) -> int:
    """Return how many were answered."""
    counts = [0] * connections
    end = time.perf_counter() + seconds

    def one(place: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.perf_counter() < end:
                connection.sendall(request)
                line = _answered(connection)
                assert b" 20" in line, line
                counts[place] += 1

    threads = [threading.Thread(target=one, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


if __name__ == "__main__":
    print(send(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read()))
