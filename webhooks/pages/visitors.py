"""Recognise who looks at a page by a sealed cookie, which also holds the token that every form must send back.

Promises: the cookie cannot be changed or made without the key, ends by itself, and is never readable for scripts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from flask import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "reviewer_session"

#: Seconds that a sign-in lasts. What GitHub said about somebody's rights is believed for an hour.
OPERATOR_SECONDS, ADMIN_SECONDS = 12 * 3600, 3600


class VisitorRole(StrEnum):
    """What a visitor is."""

    NOBODY = "nobody"
    #: Who has the one-time token from the console, before the App is set up.
    FOUNDER = "founder"
    OPERATOR = "operator"
    #: Who administers installations, as GitHub says.
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the pages. `installations` are those that an admin sees; `notes` are kept between two steps."""

    role: VisitorRole = VisitorRole.NOBODY
    login: str = ""
    installations: tuple[int, ...] = ()
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> tuple[int, ...] | None:
        """The installations whose jobs may be seen; None: all."""
        return None if self.role is VisitorRole.OPERATOR else self.installations

    @property
    def is_signed_in(self) -> bool:
        """Whether the visitor may see the pages."""
        return self.role in {VisitorRole.OPERATOR, VisitorRole.ADMIN}

    def noting(self, **notes: str) -> Visitor:
        """Return the visitor with more notes."""
        return replace(self, notes={**self.notes, **notes})


class Visitors:
    """Reads and writes the cookie, sealed with one key: all processes of an App have the same."""

    def __init__(self, key: bytes) -> None:
        """Store the key."""
        self._seal = URLSafeTimedSerializer(
            key, salt="reviewer visitor", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def read(self, request: Request) -> Visitor:
        """Return the visitor whom the cookie names; nobody where there is none, or it is not ours or too old."""
        try:
            value, at = self._seal.loads(request.cookies.get(COOKIE, ""), return_timestamp=True)
            role = VisitorRole(value["r"])
            visitor = Visitor(role, str(value["l"]), tuple(map(int, value["i"])), str(value["f"]), dict(value["n"]))
        except (BadData, KeyError, TypeError, ValueError, AttributeError):
            return Visitor()
        return visitor if time.time() - at.timestamp() < _seconds(role) else Visitor()

    def write(self, response: Response, visitor: Visitor, *, is_secure: bool) -> None:
        """Set the cookie. A form of another site does not send it; a link from GitHub does."""
        value = {
            "r": visitor.role.value,
            "l": visitor.login,
            "i": list(visitor.installations),
            "f": visitor.form_token,
            "n": dict(visitor.notes),
        }
        sealed = self._seal.dumps(value)
        text = sealed if isinstance(sealed, str) else sealed.decode()
        response.set_cookie(
            COOKIE, text, max_age=_seconds(visitor.role), secure=is_secure, httponly=True, samesite="Lax", path="/"
        )


def key_from(*secret_texts: str) -> bytes:
    """Return the key for sealing that follows from secrets which all processes know."""
    return hmac.digest(
        "\0".join(secret_texts).encode("utf-8", "surrogateescape"), b"reviewer: sealed cookies", "sha256"
    )


def is_same(sent: str, expected: str) -> bool:
    """Whether two texts are the same and not empty, in constant time."""
    both = (text.encode("utf-8", "surrogatepass") for text in (sent, expected))
    return bool(expected) and hmac.compare_digest(*both)


def _seconds(role: VisitorRole) -> int:
    lasting = {VisitorRole.OPERATOR: OPERATOR_SECONDS, VisitorRole.FOUNDER: OPERATOR_SECONDS}
    return lasting.get(role, ADMIN_SECONDS)


class WrongTries:
    """Counts wrong tokens, so that nobody can try many: ten a minute from an address, a hundred from all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin at none."""
        self._clock = clock
        self._tries: deque[tuple[float, str]] = deque(maxlen=1000)

    def add(self, address: str) -> None:
        """Count a wrong try."""
        self._tries.append((self._clock(), address))

    def are_too_many(self, address: str) -> bool:
        """Whether that address has to wait."""
        since = self._clock() - 60
        recent = [who for at, who in list(self._tries) if at > since]
        return len(recent) >= 100 or recent.count(address) >= 10
