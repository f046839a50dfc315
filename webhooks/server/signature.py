"""Check the signature of a webhook delivery. Pure.

Promises: compares in constant time, accepts any of several secrets (for rotation) and fails closed: without a secret,
or with a malformed header, nothing counts as signed. Never parses the body.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

#: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
SIGNATURE_HEADER = "X-Hub-Signature-256"

_PREFIX = b"sha256="


def sign(body: bytes, secret: str) -> str:
    """Return the value of `X-Hub-Signature-256` for that raw body and secret."""
    return (_PREFIX + _digest(body, secret)).decode("ascii")


def is_signed(body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """Whether `header` is the signature of the raw `body` under one of the secrets.

    Every secret is tried, so that the time does not reveal which one matched. An empty secret signs nothing.
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    # As bytes: `compare_digest` refuses text that is not ASCII, and a header may hold anything.
    received = header.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(_PREFIX + _digest(body, secret), received) for secret in secrets if secret]
    return any(matches)


def _digest(body: bytes, secret: str) -> bytes:
    # A secret in the environment may have bytes that are not UTF-8: Python reads them as surrogates.
    return hmac.digest(secret.encode("utf-8", "surrogateescape"), body, "sha256").hex().encode("ascii")
