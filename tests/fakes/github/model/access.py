"""Check who calls and what they may do: App JWTs, installation tokens, Actions tokens, personal tokens.

Each wrong credential gets GitHub's own answer, in its order: 401 who, 404 what is not visible, 403 what is not
permitted. Never reads a request body.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt

from tests.fakes.github import refusals
from tests.fakes.github.model.state import ROLES, App, Installation, Repository, User
from tests.fakes.github.refusals import Refusal

LEVELS = {"read": 1, "write": 2, "admin": 3}

#: What a person needs to write there. Whoever can read may comment and review.
ROLE_TO_WRITE = {"issues": "read", "pull_requests": "read"}


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Who a request comes from. `kind`: `nobody`, `user`, `app` (a JWT), `installation` or `actions`.

    `repositories` None means all that the installation covers.
    """

    kind: str = "nobody"
    user: User | None = None
    app: App | None = None
    installation: Installation | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repositories: tuple[Repository, ...] | None = None
    expires_at: float | None = None

    @property
    def integration(self) -> bool:
        """Whether it is an App's token rather than a person's."""
        return self.kind in ("installation", "actions")

    @property
    def limit(self) -> int:
        """Return the requests an hour: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api."""
        return {"nobody": 60, "actions": 1000}.get(self.kind, 5000)

    def covers(self, repository: Repository) -> bool:
        """Whether an App's token was made for the repository."""
        if self.installation is not None and not self.installation.covers(repository):
            return False
        return self.repositories is None or repository in self.repositories

    def allows(self, needs: str) -> bool:
        """Whether the token's permissions satisfy GitHub's notation, `issues=write;pull_requests=write`."""
        if not needs or needs == "metadata=read":
            return True
        return any(all(self._has(one) for one in every.split(",")) for every in needs.split(";"))

    def _has(self, need: str) -> bool:
        name, _, level = need.strip().partition("=")
        return LEVELS.get(self.permissions.get(name, ""), 0) >= LEVELS[level]


def installation_token(app_id: int) -> str:
    """Return a token in the stateless format of 2026: `ghs_APPID_` and a JWT-like rest, about 520 characters.

    https://github.blog/changelog/2026-04-24-notice-about-upcoming-new-format-for-github-app-installation-tokens/
    """

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    header = part(json.dumps({"alg": "ES256", "typ": "JWT", "kid": "s2s-1"}).encode())
    claims = part(json.dumps({"app": app_id, "jti": secrets.token_hex(90)}).encode())
    return f"ghs_{app_id}_{header}.{claims}.{part(secrets.token_bytes(128))}"


def app_of_jwt(token: str, app: App, now: float) -> App:
    """Return the App that signed a JWT. Raises Refusal with GitHub's words for what is wrong with it.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    try:
        claims = jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False},
        )
    except jwt.InvalidTokenError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    _check_times(claims, now)
    issuer = claims.get("iss")
    if str(issuer) in (str(app.id), app.client_id):
        return app
    if str(issuer).isdigit() or str(issuer).startswith("Iv"):
        raise Refusal(401, "A JSON web token could not be decoded")
    raise Refusal(401, "'Issuer' claim ('iss') must be an Integer")


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or expires <= now:
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
            "assertion expires",
        )
    if expires > now + 600:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int | float) or issued > now:
        raise Refusal(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )


def authorise(caller: Caller, repository: Repository, needs: str) -> None:
    """Check that the caller may do what a route needs in a repository. Raises Refusal.

    Stricter than GitHub in one point: an App's token needs its permission also to read what is public, so that a
    missing one is found here and not by the first private repository.
    """
    if caller.kind == "app":
        raise refusals.not_accessible(needs)
    _check_visible(caller, repository)
    writes = "=write" in needs
    if caller.integration:
        if caller.installation is not None and caller.installation.suspended_at is not None:
            raise Refusal(403, "This installation has been suspended")
        allowed = caller.allows(needs) if caller.covers(repository) else not writes
        if not allowed:
            raise refusals.not_accessible(needs)
    elif writes:
        _check_person(caller, repository, needs)
    if writes and repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")


def _check_visible(caller: Caller, repository: Repository) -> None:
    if repository.deleted:
        raise refusals.not_found()
    if not repository.private:
        return
    seen = caller.covers(repository) if caller.integration else False
    if caller.kind == "user" and caller.user is not None:
        seen = repository.role(caller.user) != "none"
    if not seen:
        raise refusals.not_found()


def _check_person(caller: Caller, repository: Repository, needs: str) -> None:
    if caller.user is None:
        raise refusals.requires_authentication()
    names = [one.partition("=")[0].strip() for every in needs.split(";") for one in every.split(",")]
    if "checks" in names:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    wanted = min((ROLE_TO_WRITE.get(name, "write") for name in names), key=ROLES.index)
    if ROLES.index(repository.role(caller.user)) < ROLES.index(wanted):
        raise Refusal(403, "Must have admin rights to Repository.") if wanted == "admin" else refusals.not_found()
