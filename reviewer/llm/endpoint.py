"""One OpenAI-compatible service and the key for it: a chat completion, the list of its models.

Promises: what comes back is an answer or a typed error; the key is in no message, repr or log. Never retries.
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
from reviewer.errors import SettingsError
from reviewer.llm.chat_completions import OPTIONAL, Completion
from reviewer.llm.error_mapping import RequestDescription, ServiceFault, explain, fault_in, fault_of
from reviewer.llm.errors import BadKey, ModelError, ModelUnavailable
from reviewer.llm.streaming import Connections, Data, Head, StreamingRequest, StreamTimeouts, connect

DEFAULT_BASE_URL = "https://runapi.ai/v1"


class Endpoint:
    """The service at a base URL. Safe for threads; it connects with the first request."""

    def __init__(self, base_url: str, key: str, limits: StreamTimeouts) -> None:
        """Store where the service is, the key, and how long to wait for it."""
        self.closed = threading.Event()
        self._base_url = base_url
        self._key = key
        self._limits = limits
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._exchanges: set[StreamingRequest] = set()

    def close(self) -> None:
        """End the exchanges under way with ModelUnavailable and let the connections go, for good."""
        self.closed.set()
        with self._lock:
            exchanges, connections = list(self._exchanges), self._connections
        for exchange in exchanges:
            exchange.give_up()
        if connections is not None:
            connections.close()

    def check(self) -> None:
        """Raise what stands in the way of any request: SettingsError for the URL, BadKey, or ModelUnavailable."""
        self._checked_url()
        self._checked_key()
        if self.closed.is_set():
            raise ModelUnavailable("The model client is closed.")

    def chat(self, request: dict[str, Any], completion: Completion) -> None:
        """Send one chat completion request and feed the answer to `completion`.

        Raises the typed error where there is none; `completion` then holds what came before it.
        """
        asked = RequestDescription(self._host, request["model"], [name for name in OPTIONAL if name in request])
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
                        raise self._explained(completion.fault, asked, head)
                    if completion.finish_reason is not None or completion.done:
                        exchange.last_word()
        except ModelUnavailable:
            # The model had finished: only the trailer is missing, and not every host sends one.
            if completion.finish_reason is None or completion.fault is not None:
                raise

    def models(self) -> list[str]:
        """Return the ids that the service lists. Raises the typed error where it does not."""
        head, data = Head(0, None, ""), b""
        with self._exchange("GET", "/models") as exchange:
            for event in exchange.events():
                if isinstance(event, Head):
                    head = event
                elif not isinstance(event, Data):
                    data = event.data
        try:
            value = json.loads(data)
        except ValueError:
            value = None
        fault = fault_in(value, head.status)
        entries = value.get("data") if isinstance(value, dict) else value
        if fault is not None or not head.successful or not isinstance(entries, list):
            raise self._explained(fault or fault_of(head.status, data), RequestDescription(self._host), head)
        return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    @contextlib.contextmanager
    def _exchange(self, method: str, path: str, value: dict[str, Any] | None = None) -> Iterator[StreamingRequest]:
        """Send a request; while its answer is read, `close` can end it."""
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
                method, self._checked_url() + path, headers=headers, content=content
            )
            exchange = StreamingRequest(self._connections, request, self._limits)
            self._exchanges.add(exchange)
        try:
            with exchange:
                # Between the check above and here the endpoint may have been closed.
                self.check()
                yield exchange
        finally:
            with self._lock:
                self._exchanges.discard(exchange)

    @property
    def _host(self) -> str:
        return urlsplit(self._base_url).hostname or "the service"

    def _checked_key(self) -> str:
        """Return the key. Checked here, because httpx would quote a bad one in its error."""
        key = self._key.strip()
        if not key:
            raise BadKey(f"There is no API key. Set RUNAPI_KEY to a key of {self._host}.")
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise BadKey("RUNAPI_KEY holds a character that no API key has. Copy the key again.")
        return key

    def _checked_url(self) -> str:
        parts = urlsplit(self._base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError(
                f"RUNAPI_BASE_URL is {self._base_url!r}, which is no web address. Write for example {DEFAULT_BASE_URL}"
            )
        return self._base_url.rstrip("/")

    def _explained(self, fault: ServiceFault, asked: RequestDescription, head: Head) -> ModelError:
        """Return the typed error for a fault. Services quote the key they refuse; it is taken out."""
        said = fault.message.replace(self._checked_key(), "***")
        if head.request_id:
            said = f"{said}, request {head.request_id}"
        return explain(replace(fault, message=said), asked, head.retry_after)
