"""Webhook deliveries: signed as GitHub does, posted over HTTP, and recorded with the response.

A delivery always has the same GUID and bytes, however often it is sent. The contents of payloads are decided
elsewhere.
https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True, eq=False)
class Hook:
    """The App's webhook: where it goes, in which form, and its secret. `url` empty: set no automatic deliveries."""

    id: int
    app_id: int
    secret: str
    url: str = ""
    content_type: str = JSON
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a delivery and how it ended. `status` is `OK` for 2xx only."""

    id: int
    delivery: Delivery
    delivered_at: float
    redelivery: bool
    duration: float
    status: str
    status_code: int
    url: str
    response_headers: dict[str, str]
    response_body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook delivery. `subject` is what it is about: a pull, a comment, a check run."""

    guid: str
    event: str
    action: str | None
    headers: dict[str, str]
    body: bytes
    log: HookLog = field(repr=False, compare=False)
    subject: Any = field(default=None, repr=False, compare=False)

    @property
    def payload(self) -> dict[str, Any]:
        """Return the payload as JSON values, whatever the form of the body."""
        payload: dict[str, Any] = json.loads(self.text)
        return payload

    @property
    def text(self) -> str:
        """Return the JSON text of the payload."""
        if self.headers["Content-Type"] == FORM:
            return httpx.QueryParams(self.body.decode())["payload"]
        return self.body.decode()

    def form_encoded(self) -> Delivery:
        """Return the same delivery as a hook with the form content type sends it, signed over the encoded bytes."""
        body = urlencode({"payload": self.text}).encode()
        return replace(self, body=body, headers=signed(self.headers | {"Content-Type": FORM}, self.log.secret, body))

    def signed_with(self, secret: str | None) -> Delivery:
        """Return it signed with another secret, or with None unsigned."""
        return replace(self, headers=signed(self.headers, secret, self.body))

    def post(self, url: str = "", *, timeout: float = 30.0) -> httpx.Response:
        """Send it to `url`, by default the hook's, and record the result. Raises httpx.HTTPError when none comes."""
        return self.log.send(self, url, timeout=timeout)


def signed(headers: dict[str, str], secret: str | None, body: bytes) -> dict[str, str]:
    """Return the headers with the signatures of the body; without a secret there are none."""
    bare = {name: value for name, value in headers.items() if not name.startswith("X-Hub-Signature")}
    if secret is None:
        return bare
    digests = {
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    return bare | digests


class HookLog:
    """Sends deliveries and remembers each attempt, newest last.

    `next_id` gives ids, `now` the world's time; `changed` is notified of each attempt. Background sending begins with
    `start` and ends with `stop`.
    """

    def __init__(
        self, hook: Hook, next_id: Callable[[], int], now: Callable[[], float], changed: threading.Condition
    ) -> None:
        self.hook = hook
        self.attempts: list[Attempt] = []
        self._next_id = next_id
        self._now = now
        self._changed = changed
        self._waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def secret(self) -> str:
        return self.hook.secret

    def make(self, event: str, payload: dict[str, Any], *, guid: str, subject: Any) -> Delivery:
        """Return the delivery of a payload, in the hook's content type."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = {
            "Accept": "*/*",
            "Content-Type": JSON,
            "User-Agent": "GitHub-Hookshot/4b1a2c9",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(self.hook.id),
            "X-GitHub-Hook-Installation-Target-ID": str(self.hook.app_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
        }
        action = payload.get("action")
        delivery = Delivery(guid, event, action, signed(headers, self.secret, body), body, self, subject)
        return delivery.form_encoded() if self.hook.content_type == FORM else delivery

    def send(self, delivery: Delivery, url: str = "", *, timeout: float = 30.0) -> httpx.Response:
        """Post a delivery and record the response. Raises httpx.HTTPError after recording that there was none."""
        target = url or self.hook.url
        began = time.monotonic()
        try:
            # Certificates are loaded only where there are some to check: it takes longer than a delivery.
            with httpx.Client(verify=target.startswith("https:"), timeout=timeout) as client:
                response = client.post(target, content=delivery.body, headers=delivery.headers)
        except httpx.HTTPError as error:
            status = "timed out" if isinstance(error, httpx.TimeoutException) else "failed to connect to host"
            self._record(delivery, target, time.monotonic() - began, status, None)
            raise
        status = "OK" if response.is_success else f"Invalid HTTP Response: {response.status_code}"
        self._record(delivery, target, time.monotonic() - began, status, response)
        return response

    def _record(
        self, delivery: Delivery, url: str, duration: float, status: str, response: httpx.Response | None
    ) -> None:
        attempt = Attempt(
            id=self._next_id(),
            delivery=delivery,
            delivered_at=self._now(),
            redelivery=any(earlier.delivery.guid == delivery.guid for earlier in self.attempts),
            duration=round(duration, 2),
            status=status,
            status_code=0 if response is None else response.status_code,
            url=url,
            response_headers={} if response is None else dict(response.headers),
            response_body="" if response is None else response.text,
        )
        with self._changed:
            self.attempts.append(attempt)
            self._changed.notify_all()

    def send_later(self, delivery: Delivery) -> None:
        """Send in the background, in order. Failures are only recorded, as GitHub does."""
        self._waiting.put(delivery)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="github-hooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what is waiting, then end the thread."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout=30)
            self._thread = None

    def _work(self) -> None:
        while (delivery := self._waiting.get()) is not None:
            try:
                self.send(delivery, timeout=10.0)  # GitHub's own deadline
            except httpx.HTTPError:
                continue
