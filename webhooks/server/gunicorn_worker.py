"""gunicorn's threaded worker, with requests received in its event loop: a thread gets a request that is complete.

Promises: a slow sender costs memory and no thread; headers and body have deadlines; nobody holds more than a bounded
number of unfinished requests and bytes; a client that does not read its answer is closed. TLS, where gunicorn is told
to speak it, goes gunicorn's own way. gunicorn's first process imports this module: it imports nothing of the App's.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import ThreadWorker

from webhooks.server.connections import (
    ACCEPT_AT_ONCE,
    ANSWER_SECONDS,
    BODY_SECONDS,
    BURST_SECONDS,
    HEAD_SECONDS,
    LINGER_BYTES,
    LINGER_SECONDS,
    LOW_WATER,
    MAX_BYTES,
    PER_ADDRESS,
    RECEIVE,
    REPORT_SECONDS,
    SWEEP_SECONDS,
    TOO_SLOW,
    Connection,
    UnfinishedConnections,
    allow_open_files,
    takes_answers,
)  # fmt: skip
from webhooks.server.request_buffer import MAX_BODY, RequestBuffer


class BufferingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Receives requests in the event loop, and answers them in threads."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin without connections."""
        super().__init__(*arguments, **named)
        self.part: str | None = None  # `gunicorn.conf.py` says what the process is for
        self._unfinished = UnfinishedConnections()
        self._leaving: dict[Connection, None] = {}
        self._bytes = 0
        self._next_sweep = self._next_report = 0.0
        self._closed = 0

    def init_process(self) -> None:
        """Allow as many open files as connections need, then begin."""
        allow_open_files(self.worker_connections + 512)
        super().init_process()

    def run(self) -> None:
        """Serve; or, in a process that only carries jobs out, let its threads do so."""
        if self.part == "worker":
            for listener in self.sockets:
                listener.close()
            while self.alive and self.is_parent_alive():
                self.notify()
                if select.select([self.PIPE[0]], (), (), 1.0)[0]:
                    os.read(self.PIPE[0], 4096)
        else:
            super().run()

    def accept(self, listener: socket.socket) -> None:
        """Accept what waits, and read the requests as they arrive."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        for _ in range(ACCEPT_AT_ONCE):
            self._make_room()
            if self.nr_conns >= self.worker_connections:
                return
            try:
                sock, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._close_oldest(self._unfinished.oldest_of_busiest())
                elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EPROTO):
                    raise
                return
            sock.setblocking(False)
            self.nr_conns += 1
            connection = Connection(sock, client, listener.getsockname(), RequestBuffer(MAX_BODY))
            self._await(connection, HEAD_SECONDS)
            burst = time.monotonic() - BURST_SECONDS
            self._close_oldest(self._unfinished.too_many_of(connection.address, PER_ADDRESS, begun_before=burst))

    def handle(self, conn: Any) -> Any:
        """Answer a request that has arrived; runs in a thread. Returns whether the connection is kept."""
        if not isinstance(conn, Connection):
            return super().handle(conn)
        request = None
        try:
            conn.sock.settimeout(ANSWER_SECONDS)
            request = next(http.get_parser(self.cfg, conn.request.pieces(), conn.client))
            if conn.request.ends_connection:
                request.force_close()
            return self.handle_request(request, conn)
        except (StopIteration, OSError) as error:  # it ended early, or does not take its answer
            self.log.debug("Closing connection. %s", error)
        except Exception as error:  # noqa: BLE001 - gunicorn answers it
            self.handle_error(request, conn.sock, conn.client, error)
        return False

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Wait for the next request, or close; runs in the event loop."""
        if not isinstance(conn, Connection):
            super().finish_request(conn, fs)
            return
        self._bytes -= len(conn.request)
        try:
            is_kept = not fs.cancelled() and fs.exception() is None and bool(fs.result())
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        if not is_kept or conn.request.ends_connection:
            self._leave(conn)
            return
        conn.request = RequestBuffer(MAX_BODY, conn.request.behind())
        conn.told_to_continue, conn.began = False, time.monotonic()
        self._bytes += len(conn.request)
        self._await(conn, self.cfg.keepalive if not len(conn.request) else HEAD_SECONDS)
        if conn.request.is_whole:
            self._hand_over(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - as gunicorn calls it
        """Close what is past its deadline, or everything."""
        super().murder_keepalived(force)
        now = time.monotonic()
        if now < self._next_sweep and not force:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for connection in self._unfinished.all():
            if force or connection.deadline <= now:
                self._close_slow(connection, force=force)
        for connection in list(self._leaving):
            if force or connection.deadline <= now:
                self._close_leaving(connection)
        if self._closed and now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self.log.warning("Closed %d connections whose request did not arrive in time.", self._closed)
            self._closed = 0

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self._unfinished.all():
            connection.deadline = min(connection.deadline, deadline)

    def _await(self, connection: Connection, seconds: float) -> None:
        """Wait for the bytes of a request."""
        connection.deadline = connection.began + seconds
        self._unfinished.add(connection)
        self._watch(connection, self._receive)

    def _watch(self, connection: Connection, act: Callable[[Connection], None]) -> None:
        def ready(_sock: object) -> None:
            if connection.is_watched:  # it may have been closed since the loop was told of it
                act(connection)

        connection.is_watched = True
        self.poller.register(connection.sock, EVENT_READ, ready)

    def _unwatch(self, connection: Connection) -> None:
        connection.is_watched = False
        self.poller.unregister(connection.sock)

    def _receive(self, connection: Connection) -> None:
        """Take in bytes; hand the request to a thread when it is complete."""
        try:
            data = connection.sock.recv(RECEIVE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return self._drop(connection)
        request = connection.request
        had_head, was_empty = request.has_head, not len(request)
        if data:
            request.add(data)
            self._bytes += len(data)
        elif request.has_head:
            request.end()
        else:
            return self._drop(connection)
        if request.is_whole:
            return self._hand_over(connection)
        if was_empty:
            connection.deadline = max(connection.deadline, time.monotonic() + HEAD_SECONDS)
        if request.has_head and not had_head:
            self._expect_body(connection)
        elif had_head:
            self._wake_when_much_is_there(connection)
        while self._bytes > MAX_BYTES and (largest := self._unfinished.oldest_of_largest()):
            self._close_oldest(largest)
        return None

    def _expect_body(self, connection: Connection) -> None:
        connection.deadline = time.monotonic() + BODY_SECONDS
        if connection.request.waits_for_continue and not connection.told_to_continue:
            connection.told_to_continue = True
            self._send(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
        self._wake_when_much_is_there(connection)

    def _wake_when_much_is_there(self, connection: Connection) -> None:
        """Have the system keep the single bytes of a slow sender, so that they cost no turn of the loop."""
        if missing := connection.request.missing:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(missing, LOW_WATER))

    def _hand_over(self, connection: Connection) -> None:
        """Let a thread answer; a client that does not take its earlier answers is closed instead."""
        self._forget(connection)
        try:
            if not takes_answers(connection.sock):
                raise BlockingIOError
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError:
            self._bytes -= len(connection.request)
            self._close(connection)
            return
        future = self.tpool.submit(self.handle, connection)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, connection, done))

    def _send(self, connection: Connection, data: bytes) -> None:
        with suppress(OSError):
            connection.sock.send(data)

    def _forget(self, connection: Connection) -> None:
        """Stop waiting for bytes of an unfinished request."""
        self._unfinished.remove(connection)
        self._unwatch(connection)

    def _drop(self, connection: Connection) -> None:
        """Close a connection with its unfinished request."""
        self._forget(connection)
        self._bytes -= len(connection.request)
        self._close(connection)

    def _make_room(self) -> None:
        while self.nr_conns >= self.worker_connections - 1 and self._leaving:
            self._close_leaving(next(iter(self._leaving)))
        while self.nr_conns >= self.worker_connections - 1 and len(self._unfinished):
            self._close_oldest(self._unfinished.oldest_of_busiest())

    def _close_oldest(self, connection: Connection | None) -> None:
        if connection is not None:
            self._closed += 1
            self._drop(connection)

    def _close_slow(self, connection: Connection, *, force: bool) -> None:
        """Close a connection whose request did not arrive in time, with an answer where it had begun."""
        if force or not len(connection.request):
            return self._drop(connection)
        self._closed += 1
        self._bytes -= len(connection.request)
        self._forget(connection)
        self._send(connection, TOO_SLOW)
        return self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        """Close when the client has read the answer: a reset could overtake it (RFC 9112, section 9.6)."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.deadline, connection.drained = time.monotonic() + LINGER_SECONDS, len(connection.request)
        self._leaving[connection] = None
        self._watch(connection, self._drain)

    def _drain(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(RECEIVE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        connection.drained += len(data)
        if not data or connection.drained > LINGER_BYTES:
            self._close_leaving(connection)

    def _close_leaving(self, connection: Connection) -> None:
        del self._leaving[connection]
        self._unwatch(connection)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self.nr_conns -= 1
        connection.sock.close()
