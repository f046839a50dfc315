"""Register an App from a manifest and sign people in: GitHub's own pages, as a browser meets them, and their endpoints.

The person in the browser is `world.browser`, and always agrees.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.github import refusals
from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model.state import Installation, Repository
from tests.fakes.github.refusals import Refusal
from tests.fakes.github.routes.routing import Answer, Request, Route

#: Seconds for which the code of a manifest is good, and that of a sign-in.
MANIFEST_SECONDS, SIGN_IN_SECONDS = 3600, 600

#: Which permission an event needs: https://docs.github.com/webhooks/webhook-events-and-payloads
EVENT_NEEDS = {
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "pull_request_review_thread": "pull_requests",
    "issue_comment": "issues",
    "issues": "issues",
    "check_run": "checks",
    "check_suite": "checks",
    "merge_group": "merge_queues",
}
PERMISSIONS = {
    "actions",
    "checks",
    "contents",
    "issues",
    "merge_queues",
    "metadata",
    "pull_requests",
    "statuses",
    "members",
}

_MANIFEST = (
    Field("name", required=True, longest=34),
    Field("url", required=True),
    Field("hook_attributes", "object", items=[Field("url", required=True), Field("active", "boolean")]),
    Field("redirect_url"),
    Field("callback_urls", "array", longest=10),
    Field("setup_url"),
    Field("description"),
    Field("public", "boolean"),
    Field("default_events", "array"),
    Field("default_permissions", "object", items=[Field(name) for name in sorted(PERMISSIONS)]),
    Field("request_oauth_on_install", "boolean"),
    Field("setup_on_update", "boolean"),
)


@dataclass(slots=True)
class Registration:
    """An App that somebody agreed to register; its code is good once."""

    manifest: dict[str, Any]
    owner: str
    expires_at: float


@dataclass(slots=True)
class SignIn:
    """Somebody who agreed to sign in."""

    login: str
    client_id: str
    redirect_uri: str
    expires_at: float


def new_app(request: Request) -> Answer:
    """Take the form with the manifest, and send the browser back with a code, as when the person agrees.

    https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    form = parse_qs(request.data.decode(), keep_blank_values=True)
    try:
        (text,) = form["manifest"]
        manifest = json.loads(text)
    except (KeyError, ValueError):
        raise Refusal(422, "The form must have one field `manifest` with JSON.") from None
    check(manifest, *_MANIFEST)
    _check_hook(request, manifest)
    held = manifest.get("default_permissions", {})
    lacking = [event for event in manifest.get("default_events", []) if EVENT_NEEDS.get(event, "?") not in held]
    if lacking:
        raise Refusal(422, f"Default events are not supported by permissions: {', '.join(lacking)}")
    code = secrets.token_hex(20)
    owner = request.params.get("org", request.world.browser)
    expires = request.world.now() + MANIFEST_SECONDS
    request.world.registrations[code] = Registration(manifest, owner, expires)
    back = urlencode({"code": code, "state": request.query.get("state", "")})
    return Answer(302, {}, headers={"Location": f"{manifest['redirect_url']}?{back}"})


def _check_hook(request: Request, manifest: dict[str, Any]) -> None:
    """GitHub's own service refuses what the internet does not reach; this double is an Enterprise Server beside us."""
    address = urlsplit(manifest.get("hook_attributes", {}).get("url", ""))
    if address.scheme not in ("http", "https") or not address.hostname:
        raise Refusal(422, "Hook url is not a valid URL")
    if request.world.html == "https://github.com" and request.world.refuses_local_hooks:
        raise Refusal(422, "Hook url is not supported because it isn't reachable over the public Internet")


def convert(request: Request) -> Answer:
    """Exchange the code, once and within an hour: https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest."""
    world = request.world
    if request.caller.kind != "nobody" or request.data.strip() not in (b"", b"null", b"{}"):
        world.violations.append("a manifest is converted without authentication and without a body")
    found = world.registrations.pop(request.params["code"], None)
    if found is None or found.expires_at <= world.now():
        raise refusals.not_found()
    manifest, app = found.manifest, world.app
    app.id = world.next_id()
    app.slug = manifest["name"].lower().replace(" ", "-")
    app.name, app.owner = manifest["name"], world.user(found.owner)
    app.client_id = f"Iv23li{app.id:014d}"
    app.bot = world.user(f"{app.slug}[bot]", kind="Bot")
    app.permissions = {**manifest.get("default_permissions", {}), "metadata": "read"}
    app.events = tuple(manifest.get("default_events", ()))
    world.hook.app_id, world.hook.url = app.id, manifest["hook_attributes"]["url"]
    world.hook.secret = secrets.token_hex(20)
    world.client_secret = secrets.token_hex(20)
    world.callback_urls = list(manifest.get("callback_urls", ()))
    body = rest_bodies.app(world, app) | {
        "client_secret": world.client_secret,
        "webhook_secret": world.hook.secret if world.makes_hook_secret else None,
        "pem": app.private_key,
    }
    return Answer(201, body)


def hook_configuration(request: Request) -> Answer:
    """Show the hook: https://docs.github.com/rest/apps/webhooks#get-a-webhook-configuration-for-an-app."""
    hook = request.world.hook
    secret = {"secret": "********"} if hook.secret else {}
    return Answer(body={"content_type": "json", "insecure_ssl": "0", "url": hook.url, **secret})


def configure_hook(request: Request) -> Answer:
    """Change the hook: https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app."""
    check(request.json, Field("url"), Field("content_type"), Field("secret"), Field("insecure_ssl"))
    hook = request.world.hook
    hook.url, hook.secret = request.json.get("url", hook.url), request.json.get("secret", hook.secret)
    return Answer(body={"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": hook.url})


def authorize(request: Request) -> Answer:
    """Send the browser back with a code for signing in.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
    """
    world, query = request.world, request.query
    if query.get("client_id") != world.app.client_id or query.get("redirect_uri") not in world.callback_urls:
        raise Refusal(404, "The redirect_uri is not associated with this application.")
    code = secrets.token_hex(10)
    expires = world.now() + SIGN_IN_SECONDS
    world.sign_ins[code] = SignIn(world.browser, query["client_id"], query["redirect_uri"], expires)
    back = urlencode({"code": code, "state": query.get("state", "")})
    return Answer(302, {}, headers={"Location": f"{query['redirect_uri']}?{back}"})


def access_token(request: Request) -> Answer:
    """Exchange the code for a token. A wrong code is answered with 200 and an error, as GitHub does."""
    world = request.world
    form = {name: texts[0] for name, texts in parse_qs(request.data.decode()).items()}
    if form.get("client_id") != world.app.client_id or form.get("client_secret") != world.client_secret:
        return Answer(body={"error": "incorrect_client_credentials", "error_description": "They are incorrect."})
    found = world.sign_ins.pop(form.get("code", ""), None)
    if found is None or found.expires_at <= world.now() or found.redirect_uri != form.get("redirect_uri"):
        return Answer(body={"error": "bad_verification_code", "error_description": "It is incorrect or expired."})
    return Answer(body={"access_token": world.user_token(found.login), "token_type": "bearer", "scope": ""})


def _seen(request: Request, one: Installation) -> list[Repository]:
    """Return the installation's repositories that the person can reach explicitly."""
    user = request.caller.user
    assert user is not None
    covered = [repo for repo in request.world.repositories if one.covers(repo)]
    return [repo for repo in covered if repo.owner is user or user.login in repo.permissions]


def _require_user(request: Request) -> None:
    if request.caller.kind != "user":
        raise refusals.requires_authentication()


def user_installations(request: Request) -> Answer:
    """List those where the person has a repository: https://docs.github.com/rest/apps/installations."""
    _require_user(request)
    reached = [one for one in request.world.installations.values() if not one.deleted and _seen(request, one)]
    return request.page(reached, lambda one: rest_bodies.installation(request.world, one), within="installations")


def user_installation_repositories(request: Request) -> Answer:
    _require_user(request)
    one = request.world.installations.get(request.number("installation_id"))
    if one is None or one.deleted or not _seen(request, one):
        raise refusals.not_found()
    user = request.caller.user
    assert user is not None
    return request.page(
        _seen(request, one),
        lambda repo: rest_bodies.full_repository(request.world, repo, repo.role(user)),
        within="repositories",
    )


#: Pages of github.com, not of its API: they stand beside the prefix of an Enterprise Server's API.
PAGES = (
    Route("POST", "/settings/apps/new", new_app, query=("state",)),
    Route("POST", "/organizations/{org}/settings/apps/new", new_app, query=("state",)),
    Route("GET", "/login/oauth/authorize", authorize, query=("client_id", "redirect_uri", "state")),
    Route("POST", "/login/oauth/access_token", access_token),
)
ROUTES = (
    *PAGES,
    Route("POST", "/app-manifests/{code}/conversions", convert),
    Route("GET", "/app/hook/config", hook_configuration, login="app"),
    Route("PATCH", "/app/hook/config", configure_hook, login="app"),
    Route("GET", "/user/installations", user_installations, paged=True),
    Route("GET", "/user/installations/{installation_id}/repositories", user_installation_repositories, paged=True),
)
