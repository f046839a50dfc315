"""Read as the App itself: its description, webhook deliveries, installations, their repositories and open pulls.

Never decides what was missed; failures are the typed errors of `webhooks.github.errors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.github.tokens import TO_LIST
from webhooks.github.transport import Transport


@dataclass(frozen=True, slots=True)
class HookAttempt:
    """One attempt to send a delivery. `at` is in seconds since 1970, `status` HTTP's, 0 where there was no answer."""

    id: int
    guid: str
    at: float
    event: str
    action: str
    status: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Installation:
    """The App on an account."""

    id: int
    account: str
    is_suspended: bool
    permissions: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    html_url: str = ""


@dataclass(frozen=True, slots=True)
class ListedPull:
    """An open pull request as the list shows it. `updated_at` is GitHub's text, ISO 8601 in UTC."""

    repository: str
    number: int
    head_sha: str
    draft: bool
    updated_at: str
    base_ref: str = ""
    base_sha: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class AppDescription:
    """The App as GitHub knows it. `html_url` is its page; permissions and events are what it asks accounts for."""

    slug: str
    name: str
    html_url: str
    owner: str
    permissions: Mapping[str, Any]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What GitHub hands out once, for a manifest."""

    app_id: str
    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    private_key: str = field(repr=False)
    description: AppDescription


class AppClient:
    """The App under its own name. Each method is one request (or one a page)."""

    def __init__(self, credentials: Credentials) -> None:
        """Store the App's credentials."""
        self._credentials = credentials
        self._transport = Transport(credentials.api_url, credentials.as_app())

    def login(self) -> str:
        """Return the login under which the App writes."""
        return f"{self._transport.read('/app')['slug']}[bot]"

    def description(self) -> AppDescription:
        """Return the App as GitHub knows it: https://docs.github.com/rest/apps/apps#get-the-authenticated-app ."""
        return _description(self._transport.read("/app"))

    def hook(self) -> tuple[str, bool]:
        """Return the address that deliveries go to, and whether they are signed with a secret.

        https://docs.github.com/rest/apps/webhooks#get-a-webhook-configuration-for-an-app
        """
        config = self._transport.read("/app/hook/config")
        return str(config.get("url") or ""), bool(config.get("secret"))

    def clock_ahead(self) -> float | None:
        """Return by how many seconds our clock is ahead of GitHub's, which is known even where it refuses us."""
        return self._transport.clock_ahead("/app")

    def deliveries(self) -> Iterator[HookAttempt]:
        """Yield the attempts of the last three days, newest first.

        https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        return map(_attempt, self._transport.pages("/app/hook/deliveries"))

    def payload(self, attempt_id: int) -> dict[str, Any]:
        """Return the payload of a delivery; empty where GitHub keeps it no longer.

        https://docs.github.com/rest/apps/webhooks#get-a-delivery-for-an-app-webhook
        """
        request = self._transport.read(f"/app/hook/deliveries/{attempt_id}").get("request") or {}
        payload = request.get("payload")
        return payload if isinstance(payload, dict) else {}

    def redeliver(self, attempt_id: int) -> None:
        """Ask for a delivery again.

        https://docs.github.com/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
        Requested twice, it is delivered twice, with the same GUID.
        """
        self._transport.send("POST", f"/app/hook/deliveries/{attempt_id}/attempts", None, write=False)

    def installations(self) -> Iterator[Installation]:
        """Yield the App's installations."""
        for entry in self._transport.pages("/app/installations"):
            account = (entry.get("account") or {}).get("login") or ""
            yield Installation(
                entry["id"],
                account,
                entry.get("suspended_at") is not None,
                entry.get("permissions") or {},
                tuple(entry.get("events") or ()),
                str(entry.get("html_url") or ""),
            )

    def inside(self, installation_id: int) -> InstallationView:
        """Return the view of one installation, under its token. Makes no request yet."""
        credentials = self._credentials
        auth = credentials.as_installation(installation_id, permissions=TO_LIST)
        return InstallationView(Transport(credentials.api_url, auth))


class InstallationView:
    """The repositories and pull requests that one installation may see."""

    def __init__(self, transport: Transport) -> None:
        """Store the connection."""
        self._transport = transport

    def repositories(self) -> Iterator[tuple[str, str]]:
        """Yield name and time of the last push (ISO 8601) of each repository that can be written to."""
        for entry in self._transport.pages("/installation/repositories", within="repositories"):
            if not entry.get("archived") and not entry.get("disabled"):
                yield entry["full_name"], entry.get("pushed_at") or ""

    def limits(self) -> tuple[int, int, float]:
        """Return how many requests an hour are allowed and left, and when they begin anew (seconds since 1970).

        Asking for it costs none: https://docs.github.com/rest/rate-limit/rate-limit
        """
        core = self._transport.read("/rate_limit")["resources"]["core"]
        return int(core["limit"]), int(core["remaining"]), float(core["reset"])

    def open_pulls(self, repository: str) -> Iterator[ListedPull]:
        """Yield the open pull requests, the one that changed last first."""
        for entry in self._transport.pages(f"/repos/{repository}/pulls?state=open&sort=updated&direction=desc"):
            yield ListedPull(
                repository=repository,
                number=entry["number"],
                head_sha=entry["head"]["sha"],
                draft=bool(entry.get("draft")),
                updated_at=entry.get("updated_at") or "",
                base_ref=entry["base"].get("ref") or "",
                base_sha=entry["base"].get("sha") or "",
                author=(entry.get("user") or {}).get("login") or "",
            )


def convert_manifest(api_url: str, code: str) -> AppCredentials:
    """Return the credentials of the App that was registered with a manifest. A code is good once, and for an hour.

    https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    data = Transport(api_url, None).write("POST", f"/app-manifests/{code}/conversions", at_once=True)
    try:
        return AppCredentials(
            app_id=str(data["id"]),
            client_id=str(data["client_id"]),
            client_secret=str(data["client_secret"]),
            webhook_secret=str(data["webhook_secret"] or ""),
            private_key=str(data["pem"]),
            description=_description(data),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise GitHubError(f"GitHub: the answer describes no App ({error}). Check GitHub's address.") from error


def set_hook_secret(credentials: Credentials, secret: str) -> None:
    """Set the secret that signs the App's deliveries.

    https://docs.github.com/rest/apps/webhooks#update-a-webhook-configuration-for-an-app
    """
    Transport(credentials.api_url, credentials.as_app()).write("PATCH", "/app/hook/config", {"secret": secret})


def _description(data: Mapping[str, Any]) -> AppDescription:
    return AppDescription(
        slug=str(data.get("slug") or ""),
        name=str(data.get("name") or ""),
        html_url=str(data.get("html_url") or ""),
        owner=str((data.get("owner") or {}).get("login") or ""),
        permissions=data.get("permissions") or {},
        events=tuple(data.get("events") or ()),
    )


def _attempt(entry: Mapping[str, Any]) -> HookAttempt:
    status = entry.get("status_code") or 0
    return HookAttempt(
        id=entry["id"],
        guid=entry["guid"],
        at=datetime.fromisoformat(entry["delivered_at"]).timestamp(),
        event=entry.get("event") or "",
        action=entry.get("action") or "",
        status=status,
        succeeded=entry.get("status") == "OK" or 200 <= status < 300,
    )
