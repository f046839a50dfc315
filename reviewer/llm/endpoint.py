"""Send one request to an OpenAI-compatible service: a chat completion, or the list of its models.

Returns an answer or raises a typed error. The key appears in no message, repr or log. Never retries.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from reviewer import __version__
from reviewer.llm.base_url import check_base_url
from reviewer.llm.chat_completions import OPTIONAL, Completion
from reviewer.llm.error_mapping import RequestDescription, ServiceFault, explain, fault_in, fault_of
from reviewer.llm.errors import BadKey, ModelError, ModelUnavailable
from reviewer.llm.streaming import Connections, Data, Head, StreamingRequest, StreamTimeouts, connect
from reviewer.safety.key_echo import without_key


class Endpoint:
    """The service at a base URL. Thread-safe; connects with the first request."""

    def __init__(self, base_url: str, key: str, limits: StreamTimeouts) -> None:
        """Store the address, the key and the timeouts."""
        self.closed = threading.Event()
        self._base_url = base_url
        self._key = key
        self._limits = limits
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._exchanges: set[StreamingRequest] = set()

    def close(self) -> None:
        """End the requests under way with ModelUnavailable and close the connections for good."""
        self.closed.set()
        with self._lock:
            exchanges, connections = list(self._exchanges), self._connections
        for exchange in exchanges:
            exchange.cancel()
        if connections is not None:
            connections.close()

    def check(self) -> None:
        """Raise what stands in the way of any request: SettingsError for the URL, BadKey, or ModelUnavailable."""
        check_base_url(self._base_url)
        self._checked_key()
        if self.closed.is_set():
            raise ModelUnavailable("The model client is closed.")

    def chat(self, request: dict[str, Any], completion: Completion) -> None:
        """Send one chat completion request and feed the answer to `completion`.

        Raises a typed error if there is no answer; `completion` then contains what was received before.
        """
        description = RequestDescription(self._host, request["model"], [name for name in OPTIONAL if name in request])
        head = Head(0, None, "")
        try:
            with self._exchange("POST", "/chat/completions", request) as exchange:
                for event in exchange.events():
                    if isinstance(event, Head):
                        head = event
                    elif isinstance(event, Data):
                        completion.feed(event.text)
                    elif head.successful:
                        completion.feed_body(event.data)
                    else:
                        completion.fault = fault_of(head.status, event.data)
                    if completion.fault is not None:
                        raise self._explained(completion.fault, description, head)
                    if completion.finish_reason is not None or completion.done:
                        exchange.shorten_idle_timeout()
        except ModelUnavailable:
            # If the model has finished, only the trailer is missing, which not every host sends.
            if completion.finish_reason is None or completion.fault is not None:
                raise

    def models(self) -> list[str]:
        """Return the ids that the service lists. Raises a typed error if it lists none."""
        head, data = Head(0, None, ""), b""
        with self._exchange("GET", "/models") as exchange:
            for event in exchange.events():
                if isinstance(event, Head):
                    head = event
                elif not isinstance(event, Data):
                    data = event.data
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = None
        fault = fault_in(value, head.status)
        entries = value.get("data") if isinstance(value, dict) else value
        if fault is not None or not head.successful or not isinstance(entries, list):
            raise self._explained(fault or fault_of(head.status, data), RequestDescription(self._host), head)
        return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    @contextlib.contextmanager
    def _exchange(self, method: str, path: str, value: dict[str, Any] | None = None) -> Iterator[StreamingRequest]:
        """Send a request and yield it. `close` can end it while the answer is read."""
        self.check()
        headers = {
            "Authorization": f"Bearer {self._checked_key()}",
            "Accept": "text/event-stream, application/json",
            "User-Agent": f"minimax-reviewer/{__version__}",
        }
        content = None
        if value is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(value, ensure_ascii=False).encode()
        with self._lock:
            self._connections = self._connections or connect(self._base_url, self._limits)
            request = self._connections.build_request(
                method, check_base_url(self._base_url) + path, headers=headers, content=content
            )
            exchange = StreamingRequest(self._connections, request, self._limits)
            self._exchanges.add(exchange)
        try:
            with exchange:
                # The endpoint may have been closed since the check above.
                self.check()
                yield exchange
        finally:
            with self._lock:
                self._exchanges.discard(exchange)

    @property
    def _host(self) -> str:
        return urlsplit(self._base_url).hostname or "the service"

    def _checked_key(self) -> str:
        """Return the key after a check: httpx would quote a bad key in its error."""
        key = self._key.strip()
        if not key:
            raise BadKey(f"There is no API key. Set RUNAPI_KEY to a key of {self._host}.")
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise BadKey("RUNAPI_KEY contains a character that no API key has. Copy the key again.")
        return key

    def _explained(self, fault: ServiceFault, description: RequestDescription, head: Head) -> ModelError:
        """Return the typed error for a fault, without the key: services quote the key that they refuse."""
        message = f"{fault.message}, request {head.request_id}" if head.request_id else fault.message
        message = without_key(message, self._checked_key())
        return explain(replace(fault, message=message), description, head.retry_after)
