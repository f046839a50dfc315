"""The App's own endpoints: itself, its installations, their tokens, its webhook deliveries; rate limit and meta."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import refusals
from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model.deliveries import Attempt
from tests.fakes.github.model.state import Installation, Repository, iso
from tests.fakes.github.refusals import Refusal
from tests.fakes.github.routes.routing import Answer, Request, Route


def get_app(request: Request) -> Answer:
    body = rest_bodies.app(request.world, request.world.app)
    return Answer(body=body | {"installations_count": len(_installations(request))})


def _installations(request: Request) -> list[Installation]:
    return [one for one in request.world.installations.values() if not one.deleted]


def list_installations(request: Request) -> Answer:
    return request.page(_installations(request), lambda one: rest_bodies.installation(request.world, one))


def _installation(request: Request) -> Installation:
    found = request.world.installations.get(request.number("installation_id"))
    if found is None or found.deleted:
        raise refusals.not_found()
    return found


def get_installation(request: Request) -> Answer:
    return Answer(body=rest_bodies.installation(request.world, _installation(request)))


def get_repository_installation(request: Request) -> Answer:
    found = request.world.installation_of(request.repository)
    if found is None:
        raise refusals.not_found()
    return Answer(body=rest_bodies.installation(request.world, found))


def create_token(request: Request) -> Answer:
    """Make a token, at most as mighty as the installation.

    https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
    """
    installation = _installation(request)
    check(
        request.json,
        Field("repositories", "array"),
        Field("repository_ids", "array", longest=500),
        Field("permissions", "object", items=[Field(name) for name in ("actions", *installation.app.permissions)]),
    )
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    # An empty object is no restriction: PyGithub always sends one.
    permissions = request.json.get("permissions") or None
    for name, level in (permissions or {}).items():
        if level not in ("read", "write") or not _granted(installation, name, level):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    chosen = _chosen(request, installation)
    _check_least(request, permissions, chosen)
    token, caller = request.world.installation_token(installation, permissions=permissions, repositories=chosen)
    answer: dict[str, Any] = {
        "token": token,
        "expires_at": iso(caller.expires_at),
        "permissions": caller.permissions,
        "repository_selection": "all" if chosen is None and installation.repositories is None else "selected",
    }
    if chosen is not None:
        answer["repositories"] = [rest_bodies.repository(request.world, repo) for repo in chosen]
    return Answer(201, answer)


def _check_least(request: Request, permissions: Any, chosen: list[Repository] | None) -> None:
    """Record a violation where the reviewer asks for more than it needs: all repositories, or all permissions.

    Without a repository it may only list.
    """
    if "minimax-reviewer" not in request.headers.get("user-agent", ""):
        return
    if not permissions:
        request.world.violations.append("an installation token was asked for with all permissions")
    elif chosen is None and set(permissions.values()) - {"read"}:
        request.world.violations.append("a token that may write was asked for with all repositories")


def _granted(installation: Installation, name: str, level: str) -> bool:
    held = installation.permissions.get(name)
    return held in ("write", "admin") or held == level


def _chosen(request: Request, installation: Installation) -> list[Repository] | None:
    names, numbers = request.json.get("repositories"), request.json.get("repository_ids")
    if names is None and numbers is None:
        return None
    covered = [repo for repo in request.world.repositories if installation.covers(repo)]
    chosen = [repo for repo in covered if repo.name in (names or ()) or repo.id in (numbers or ())]
    if len(chosen) != len(names or ()) + len(numbers or ()):
        raise Refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen


def list_installation_repositories(request: Request) -> Answer:
    covered = [repo for repo in request.world.repositories if request.caller.covers(repo)]
    return request.page(covered, lambda repo: rest_bodies.repository(request.world, repo), within="repositories")


# -- webhook deliveries -----------------------------------------------------------------------------------------


#: Seconds for which GitHub shows deliveries and sends them again.
#: https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
KEPT = 3 * 86_400.0


def _kept(request: Request) -> list[Attempt]:
    """Return the attempts that are still shown, oldest first."""
    return [one for one in request.world.log.attempts if one.delivered_at > request.world.now() - KEPT]


def _item(attempt: Attempt) -> dict[str, Any]:
    payload = attempt.delivery.payload
    return {
        "id": attempt.id,
        "guid": attempt.delivery.guid,
        "delivered_at": iso(attempt.delivered_at),
        "redelivery": attempt.redelivery,
        "duration": attempt.duration,
        "status": attempt.status,
        "status_code": attempt.status_code,
        "event": attempt.delivery.event,
        "action": attempt.delivery.action,
        "installation_id": payload.get("installation", {}).get("id"),
        "repository_id": payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }


def list_deliveries(request: Request) -> Answer:
    """List the attempts, newest first, by cursor and not by page."""
    wanted = request.query.get("status")
    cursor = request.query.get("cursor", "")
    attempts = [
        attempt
        for attempt in reversed(_kept(request))
        if wanted is None or (attempt.status == "OK") == (wanted == "success")
    ]
    if cursor:
        attempts = [attempt for attempt in attempts if attempt.id <= int(cursor.removeprefix("v1_"))]
    size = min(int(request.query.get("per_page", "30")), 100, request.world.max_per_page)
    headers = {}
    if len(attempts) > size:
        link = f"{request.world.url}/app/hook/deliveries?per_page={size}&cursor=v1_{attempts[size].id}"
        headers["Link"] = f'<{link}>; rel="next"'
    return Answer(body=[_item(attempt) for attempt in attempts[:size]], headers=headers)


def _attempt(request: Request) -> Attempt:
    wanted = request.number("delivery_id")
    found = next((attempt for attempt in _kept(request) if attempt.id == wanted), None)
    if found is None:
        raise refusals.not_found()
    return found


def get_delivery(request: Request) -> Answer:
    attempt = _attempt(request)
    return Answer(
        body=_item(attempt)
        | {
            "url": attempt.url,
            "request": {"headers": attempt.delivery.headers, "payload": attempt.delivery.payload},
            "response": {"headers": attempt.response_headers, "payload": attempt.response_body},
        }
    )


def redeliver(request: Request) -> Answer:
    """Send a delivery again, after this request was answered, signed with the secret that the hook has now."""
    if not request.world.hook.url:
        raise Refusal(422, "The hook has no URL to deliver to.")
    log = request.world.log
    log.send_later(_attempt(request).delivery.signed_with(log.secret))
    return Answer(202, {})


# -- the rest ---------------------------------------------------------------------------------------------------


def rate_limit(request: Request) -> Answer:
    limit = request.caller.limit
    used = request.world.spent.get(request.headers.get("authorization", ""), 0)
    core = {
        "limit": limit,
        "used": used,
        "remaining": max(0, limit - used),
        "reset": int(request.world.now()) + 3600,
        "resource": "core",
    }
    resources = {name: core | {"resource": name} for name in ("core", "graphql", "search", "integration_manifest")}
    # The short form is gone from 2026-03-10 on.
    newest = request.headers.get("x-github-api-version") == "2026-03-10"
    return Answer(body={"resources": resources} if newest else {"resources": resources, "rate": core})


def get_user(request: Request) -> Answer:
    """Return who a person's token belongs to; App tokens, `GITHUB_TOKEN` among them, belong to nobody."""
    if request.caller.kind == "nobody":
        raise refusals.requires_authentication()
    if request.caller.kind != "user" or request.caller.user is None:
        raise refusals.not_accessible("")
    return Answer(body=rest_bodies.user(request.world, request.caller.user))


def meta(_request: Request) -> Answer:
    return Answer(body={"verifiable_password_authentication": False, "hooks": ["192.30.252.0/22", "185.199.108.0/22"]})


ROUTES = (
    Route("GET", "/app", get_app, login="app"),
    Route("GET", "/app/installations", list_installations, login="app", paged=True),
    Route("GET", "/app/installations/{installation_id}", get_installation, login="app"),
    Route("POST", "/app/installations/{installation_id}/access_tokens", create_token, login="app"),
    Route("GET", "/app/hook/deliveries", list_deliveries, login="app", query=("per_page", "cursor", "status")),
    Route("GET", "/app/hook/deliveries/{delivery_id}", get_delivery, login="app"),
    Route("POST", "/app/hook/deliveries/{delivery_id}/attempts", redeliver, login="app"),
    Route("GET", "/repos/{owner}/{repo}/installation", get_repository_installation, login="app"),
    Route("GET", "/installation/repositories", list_installation_repositories, login="installation", paged=True),
    Route("GET", "/user", get_user),
    Route("GET", "/rate_limit", rate_limit),
    Route("GET", "/meta", meta),
)
