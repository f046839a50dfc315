"""Send one HTTP request to the model's service and stream the answer, with deadlines that the caller can rely on.

The only module that uses httpx. A separate thread reads the answer, because httpx's timeouts start again with each
byte: a server that sends a keep-alive comment every minute would keep the caller waiting for ever.

`events` ends by the deadlines, whatever the server does. The first bytes of an answer, not its content type, decide
whether it is a stream. Never retries and never interprets an answer.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn, Self

import httpx
import httpx_sse

from reviewer.errors import SettingsError
from reviewer.llm.base_url import environment_proxy
from reviewer.llm.error_mapping import CutOff
from reviewer.llm.errors import ModelUnavailable, retry_after, unreadable_answer

# Error bodies and plain answers are read up to this many bytes; real ones are never larger.
_LARGEST_BODY = 8 * 1024 * 1024
# One event, and a whole stream. A chunk of text is some hundred bytes; where each chunk repeats the thinking so far,
# the longest answer that a model may write comes to some 100 MB.
_LARGEST_EVENT = 4 * 1024 * 1024
_LARGEST_STREAM = 256 * 1024 * 1024
# Events that may wait to be read: beyond them, no more is read from the connection.
_WAITING_EVENTS = 32
# White space and the bytes of a byte order mark; the first byte after them shows the kind of answer.
_BLANK = b"\xef\xbb\xbf \t\r\n"
_REQUEST_IDS = ("x-request-id", "minimax-request-id", "x-mm-request-id", "trace-id")


@dataclass(frozen=True, slots=True)
class StreamTimeouts:
    """How long to wait, in seconds.

    `connect`: for a connection. `idle`: for the next event with data. `total`: for the whole request. `trailer`: for
    what follows the end of the model's text (usage and `[DONE]`), which some hosts leave out.
    """

    connect: float = 10.0
    idle: float = 300.0
    total: float = 900.0
    trailer: float = 10.0


@dataclass(frozen=True, slots=True)
class Head:
    """The start of an answer. `retry_after` is in seconds, `request_id` is for support."""

    status: int
    retry_after: float | None
    request_id: str

    @property
    def successful(self) -> bool:
        """Whether the status is 2xx; the body may still be an error."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Body:
    """An answer that is not an event stream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """The data of one event of the stream."""

    text: str


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the answer; `error` is the reason if it ended too early."""

    error: Exception | None = None


Event = Head | Body | Data
Connections = httpx.Client


def connect(base_url: str, limits: StreamTimeouts) -> httpx.Client:
    """Return a pool of connections to the service. Proxies and certificates come from the environment.

    Raises SettingsError where they cannot be used.
    """
    # Loading the certificates takes 0.1 s. Plain HTTP does not need them, so it gets an empty context.
    secure = base_url.lower().startswith("https:")
    try:
        context = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except OSError as error:  # also ssl.SSLError
        raise SettingsError(f"SSL_CERT_FILE or SSL_CERT_DIR names no certificates that can be read: {error}") from error
    # This read timeout only ends reader threads whose request was given up before an answer began.
    timeout = httpx.Timeout(connect=limits.connect, read=limits.idle + 5, write=60, pool=limits.total)
    try:
        return httpx.Client(verify=context, timeout=timeout, proxy=environment_proxy(base_url), trust_env=False)
    except ImportError as error:
        raise SettingsError(
            "The environment names a SOCKS proxy, which needs the package `socksio`. Name an HTTP proxy in HTTPS_PROXY"
            " (most programs with a SOCKS port have one), or put the service's host into NO_PROXY."
        ) from error
    except (ValueError, httpx.InvalidURL) as error:  # the address may hold a password: it is not shown
        raise SettingsError("HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not the address of an HTTP proxy") from error


class StreamingRequest:
    """One request and its answer. A context manager: leaving it ends the request, finished or not."""

    def __init__(self, http: httpx.Client, request: httpx.Request, limits: StreamTimeouts) -> None:
        """Store what to send; it is sent on entering the context."""
        self._http = http
        self._request = request
        self._limits = limits
        self._idle = limits.idle
        self._inbox: queue.SimpleQueue[Event | _End] = queue.SimpleQueue()
        self._room = threading.Semaphore(_WAITING_EVENTS)
        self._lock = threading.Lock()
        self._response: httpx.Response | None = None
        self._cancelled = False

    def __enter__(self) -> Self:
        """Send the request."""
        threading.Thread(target=self._read, name="model-answer", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the request."""
        self.cancel()

    def shorten_idle_timeout(self) -> None:
        """Note that the model has finished: wait for the rest no longer than `limits.trailer`."""
        self._idle = min(self._idle, self._limits.trailer)

    def events(self) -> Iterator[Event]:
        """Yield the answer as it arrives: its head, then the data of events, or one body.

        Raises CutOff at a deadline and ModelUnavailable when the connection fails or `cancel` was called.
        """
        start = last = time.monotonic()
        while True:
            deadline = min(start + self._limits.total, last + self._idle)
            try:
                event = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._cut_off(start) from None
            if isinstance(event, _End):
                if event.error is not None:
                    self._fail(event.error)
                return
            if time.monotonic() > start + self._limits.total:
                raise self._cut_off(start)
            if isinstance(event, Data):
                self._room.release()
                last = time.monotonic()
            yield event

    def cancel(self) -> None:
        """Stop waiting and hang up. Safe from any thread, and more than once."""
        self._inbox.put(_End(ModelUnavailable("The request to the model was cancelled.")))
        with self._lock:
            self._cancelled = True
            if self._response is not None:
                _shut_down(self._response)

    def _read(self) -> None:
        """Put the answer into the inbox. Runs in its own thread."""
        try:
            response = self._http.send(self._request, stream=True)
            try:
                with self._lock:
                    self._response = response
                if not self._cancelled:
                    self._read_response(response)
            finally:
                with self._lock:
                    self._response = None
                response.close()
        except Exception as error:  # noqa: BLE001  the caller gets the error from the inbox
            self._inbox.put(_End(error))
        else:
            self._inbox.put(_End())

    def _read_response(self, response: httpx.Response) -> None:
        headers = response.headers
        request_id = next((headers[name] for name in _REQUEST_IDS if name in headers), "")
        wait = retry_after(headers, datetime.now(UTC))
        self._inbox.put(Head(response.status_code, wait, request_id))
        chunks = response.iter_bytes()
        first = b""
        while not first and (chunk := next(chunks, None)) is not None:
            first = chunk.lstrip(_BLANK)
        if not response.is_success or first[:1] in {b"", b"{", b"[", b"<"}:
            self._inbox.put(Body(_at_most(itertools.chain([first], chunks), _LARGEST_BODY)))
            return
        # The two newlines complete a last event that lacks its blank line.
        stream = httpx.Response(
            200,
            headers={"content-type": "text/event-stream; charset=utf-8"},
            content=_bounded(itertools.chain([first], chunks, [b"\n\n"])),
        )
        for event in httpx_sse.EventSource(stream).iter_sse():
            if event.data and not self._put(Data(event.data)):
                return

    def _put(self, event: Data) -> bool:
        """Put the event into the inbox as soon as there is room; False when the request was cancelled."""
        while not self._room.acquire(timeout=1.0):
            if self._cancelled:
                return False
        self._inbox.put(event)
        return True

    def _cut_off(self, start: float) -> CutOff:
        waited = time.monotonic() - start
        return CutOff(f"{self._request.url.host} took too long and was cut off after {waited:.0f} s. Try again later.")

    def _fail(self, error: Exception) -> NoReturn:
        """Raise the typed error for a failed connection, and any other error unchanged."""
        host = self._request.url.host
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            raise ModelUnavailable(
                f"Cannot reach {host}: {error}. Check the network, the proxy settings and RUNAPI_BASE_URL."
            ) from error
        if isinstance(error, httpx.TimeoutException):
            raise CutOff(f"{host} took too long ({type(error).__name__}). Try again later.") from error
        if isinstance(error, httpx.RequestError):
            raise ModelUnavailable(f"The connection to {host} was lost: {error}. Try again later.") from error
        raise error


def _bounded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a stream. Raises BrokenReply when an event, or all of it, becomes too large."""
    total = event = 0
    tail = b""
    for chunk in chunks:
        total += len(chunk)
        joined = tail + chunk
        ends = max(joined.rfind(blank) for blank in (b"\n\n", b"\r\n\r\n", b"\r\r"))
        event = event + len(chunk) if ends < 0 else len(joined) - ends
        tail = joined[-3:]
        if event > _LARGEST_EVENT:
            raise unreadable_answer(f"an event of its stream is larger than {_LARGEST_EVENT // 1024**2} MB")
        if total > _LARGEST_STREAM:
            raise unreadable_answer(f"its stream is longer than {_LARGEST_STREAM // 1024**2} MB")
        yield chunk


def _at_most(chunks: Iterator[bytes], size: int) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) >= size:
            break
    return bytes(data[:size])


def _shut_down(response: httpx.Response) -> None:
    """Wake a thread that is blocked reading the response. Closing the socket would not; shutting it down does."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
