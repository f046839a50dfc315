"""What GitHub knows of the App: its installations and repositories, and which permissions and events are missing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from reviewer.llm.base_url import plain_http_warning
from webhooks.github.app import AppClient, AppDescription, Installation
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.operator_settings.misspelt import doubtful_variables
from webhooks.operator_settings.private_key import is_rsa_key
from webhooks.registration.permissions import missing_events, missing_permissions, not_granted, with_purpose

log = logging.getLogger("reviewer")

#: More installations, and more repositories of one, are not looked at.
_MOST, _MOST_REPOSITORIES = 100, 2_000


@dataclass(frozen=True, slots=True)
class InstallationReport:
    """An installation. `repositories` is None where they could not be read; `limit` is requests left of an hour's.

    `missing` is what it has not granted, `optional` what the App asks for beside, and reviews work without.
    """

    installation: Installation
    repositories: int | None
    missing: tuple[str, ...]
    optional: tuple[str, ...] = ()
    limit: tuple[int, int, float] | None = None


@dataclass(frozen=True, slots=True)
class AppReport:
    """The App. `missing` is what it does not ask accounts for, `unused` what it could ask for beside."""

    app: AppDescription
    installations: tuple[InstallationReport, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def repositories(self) -> int:
        """How many repositories all installations have together, as far as they could be read."""
        return sum(each.repositories or 0 for each in self.installations)


def read_report(credentials: Credentials, *, with_limits: bool = False) -> AppReport:
    """Ask GitHub. Raises GitHubError where it does not know the App or does not answer."""
    client = AppClient(credentials)
    app = client.description()
    installations = tuple(
        replace(
            _installation(client, each, with_limits=with_limits),
            optional=tuple(_permission(name) for name in not_granted(each.permissions, app.permissions)),
        )
        for each in islice(client.installations(), _MOST)
    )
    return AppReport(
        app,
        installations,
        (*_permissions(app.permissions), *_events(app.events)),
        (*_permissions(app.permissions, optional=True), *_events(app.events, optional=True)),
    )


def _permissions(held: object, *, optional: bool = False) -> Iterator[str]:
    for name in missing_permissions(held if isinstance(held, dict) else {}, optional=optional):
        yield _permission(name)


def _permission(name: str) -> str:
    return f"permission {with_purpose(name)}"


def _events(subscribed: tuple[str, ...], *, optional: bool = False) -> Iterator[str]:
    for name in missing_events(subscribed, optional=optional):
        yield f"event {with_purpose(name)}"


def _installation(client: AppClient, found: Installation, *, with_limits: bool) -> InstallationReport:
    missing = (*_permissions(found.permissions), *_events(found.events))
    if found.is_suspended:
        return InstallationReport(found, 0, missing)
    try:
        view = client.inside(found.id)
        count = sum(1 for _ in islice(view.repositories(), _MOST_REPOSITORIES))
        return InstallationReport(found, count, missing, limit=view.limits() if with_limits else None)
    except (GitHubError, KeyError, TypeError) as error:
        log.info("installation not read", extra={"installation": found.id, "why": str(error)})
        return InstallationReport(found, None, missing)


def tell_at_start(environ: Mapping[str, str], model_url: str, credentials: Credentials) -> None:
    """Log what may be a mistake in the variables, and, beside the start, what GitHub knows of the App."""
    for warning in (
        *doubtful_variables(environ),
        plain_http_warning("RUNAPI_BASE_URL", model_url, "RUNAPI_KEY and code"),
        plain_http_warning("GITHUB_API_URL", credentials.api_url, "GitHub's tokens and code"),
    ):
        if warning:
            log.warning("%s", warning)
    if is_rsa_key(credentials.private_key):
        threading.Thread(target=_tell, args=(credentials,), name="app-report", daemon=True).start()
    else:
        # Deliveries are still accepted: jobs that fail because of this can be retried later.
        log.error(
            "GITHUB_APP_PRIVATE_KEY cannot be read as an RSA key, so every job will fail: use the .pem file from GitHub"
        )


def _tell(credentials: Credentials) -> None:
    try:
        report = read_report(credentials)
    except GitHubError as error:
        log.warning("not connected to GitHub: %s", error)
        return
    except Exception as error:  # noqa: BLE001 - the server works without this line
        log.warning("not connected to GitHub: an answer that cannot be read (%s)", type(error).__name__)
        return
    for line, is_warning in start_lines(report):
        log.log(logging.WARNING if is_warning else logging.INFO, "%s", line)


def start_lines(report: AppReport) -> list[tuple[str, bool]]:
    """Return the lines for the log, and for each whether it is a warning."""
    slug = report.app.slug
    count = len(report.installations)
    lines = [(f"connected as App {slug}: {_count(count, 'installation')}, {_repositories(report.repositories)}", False)]
    if report.missing:
        lines.append((f"App {slug} lacks {', '.join(report.missing)}: add it in the App's settings at GitHub", True))
    if report.unused:
        lines.append((f"App {slug} lacks the optional {', '.join(report.unused)}: reviews work without it", False))
    for each in report.installations:
        if each.optional:
            account = each.installation.account
            lines.append((f"{account} has not granted {', '.join(each.optional)}: reviews work without it", False))
        lacking = [name for name in each.missing if name not in report.missing]
        if lacking:
            account = each.installation.account
            lines.append((f"{account} has not granted {', '.join(lacking)}: an owner accepts it at GitHub", True))
        if each.installation.is_suspended:
            lines.append((f"the installation on {each.installation.account} is suspended", True))
    if not count:
        lines.append((f"install the App on repositories: {report.app.html_url}/installations/new", True))
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _repositories(number: int) -> str:
    return f"{number} {'repository' if number == 1 else 'repositories'}"
