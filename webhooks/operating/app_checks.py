"""What `reviewer doctor --app` checks: the App at GitHub, its deliveries and installations, the store and the worker.

Each check yields what it found and, where something is wrong, what to do. One that fails does not stop the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from reviewer.cli.checks.diagnosis import Diagnosis
from reviewer.errors import ReviewerError, SettingsError
from webhooks.environment import Environment, read_environment
from webhooks.github.app import AppClient, AppDescription, HookAttempt, Installation
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError, Unauthorized
from webhooks.operator_settings.private_key import is_rsa_key
from webhooks.queue.jobs import Jobs
from webhooks.registration.manifest import HOOK_PATH
from webhooks.registration.permissions import missing_events, missing_permissions, not_granted, with_purpose
from webhooks.registration.stored import with_stored

#: Deliveries that are looked at, the newest.
_DELIVERIES = 20

#: Seconds by which the clock may differ: GitHub refuses tokens that were made a minute in its future.
_MOST_SKEW = 30.0

_GITHUB, _SETTINGS = GitHubError.exit_code, SettingsError.exit_code


def app_checks(environ: Mapping[str, str], open_store: Callable[[Environment], Jobs]) -> Iterator[Diagnosis]:
    """Yield the results; `open_store` opens the store of an environment. Raises nothing that is expected."""
    try:
        variables = with_stored(environ)
        yield from _variables(variables)
        environment = read_environment(variables, strict=False)
    except ReviewerError as error:
        yield Diagnosis.of("variables", error)
        return
    yield from _at_github(environment)
    yield from _store(environment, open_store)


def _variables(variables: Mapping[str, str]) -> Iterator[Diagnosis]:
    try:
        read_environment(variables)
    except ReviewerError as error:
        yield Diagnosis.of("variables", error)
    else:
        yield Diagnosis("variables", "all that the App needs are set")


def _at_github(environment: Environment) -> Iterator[Diagnosis]:
    """Yield what GitHub knows about the App; one result where it does not let us in."""
    key = environment.private_key.get_secret_value() if environment.private_key else ""
    if not environment.app_id or not key:
        yield Diagnosis("App", "not checked: GITHUB_APP_ID or GITHUB_APP_PRIVATE_KEY is missing", _SETTINGS)
        return
    if not is_rsa_key(key):
        yield Diagnosis("App", "GITHUB_APP_PRIVATE_KEY is not an RSA key: use the .pem file from GitHub", _SETTINGS)
        return
    client = AppClient(Credentials(api_url=environment.api_url, app_id=environment.app_id, private_key=key))
    yield from _clock(client)
    try:
        description = client.description()
    except Unauthorized as error:
        remedy = "They belong together only if the key was made on the page of this App: make a new one there."
        yield Diagnosis("App", f"GitHub refuses GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY.\n{remedy}\n{error}", _GITHUB)
        return
    except ReviewerError as error:
        yield Diagnosis.of("App", error)
        return
    yield Diagnosis("App", f"{description.name} of {description.owner} ({description.html_url}): id and key match")
    yield from _rights(description)
    for check in (_hook, _deliveries, _installations):
        try:
            yield from check(client, environment)
        except ReviewerError as error:
            yield Diagnosis.of(check.__name__.removeprefix("_"), error)


def _clock(client: AppClient) -> Iterator[Diagnosis]:
    try:
        ahead = client.clock_ahead()
    except ReviewerError:
        return  # the next check says why GitHub cannot be reached
    if ahead is None:
        return
    if abs(ahead) > _MOST_SKEW:
        side = "ahead of" if ahead > 0 else "behind"
        yield Diagnosis(
            "clock",
            f"{abs(ahead):.0f} s {side} GitHub's, so that GitHub refuses our tokens: synchronise it (NTP)",
            _SETTINGS,
        )
    else:
        yield Diagnosis("clock", f"{abs(ahead):.0f} s from GitHub's")


def _rights(description: AppDescription) -> Iterator[Diagnosis]:
    """Yield the permissions and events that the App asks accounts for, against those that it needs."""
    page = f"{description.html_url.replace('/apps/', '/settings/apps/')}/permissions"
    for about, missing, left in (
        ("permissions", missing_permissions(description.permissions),
         missing_permissions(description.permissions, optional=True)),
        ("events", missing_events(description.events), missing_events(description.events, optional=True)),
    ):  # fmt: skip
        if missing:
            yield Diagnosis(about, f"missing: {_named(missing)}. Choose them at {page}", _GITHUB)
        else:
            more = f"; not chosen, but reviews work without: {_named(left)}" if left else ""
            yield Diagnosis(about, f"all that are needed{more}")


def _named(missing: Sequence[str]) -> str:
    return ", ".join(with_purpose(name) for name in missing)


def _hook(client: AppClient, environment: Environment) -> Iterator[Diagnosis]:
    """Yield where GitHub sends deliveries to, and whether both sides have a secret."""
    url, has_secret = client.hook()
    if not url:
        yield Diagnosis("webhook", f"GitHub has no address: set it to https://YOUR-HOST{HOOK_PATH}", _GITHUB)
    elif not url.rstrip("/").endswith(HOOK_PATH):
        yield Diagnosis("webhook", f"GitHub sends to {url}, which does not end with {HOOK_PATH}", _GITHUB)
    else:
        yield Diagnosis("webhook", f"GitHub sends to {url}")
    if not has_secret or not environment.webhook_secrets:
        side = "GitHub has none" if not has_secret else "GITHUB_WEBHOOK_SECRET is missing"
        yield Diagnosis("webhook secret", f"{side}: set the same on both sides", _SETTINGS)
    else:
        yield Diagnosis("webhook secret", "both sides have one; the deliveries show whether it is the same")


def _deliveries(client: AppClient, environment: Environment) -> Iterator[Diagnosis]:
    """Yield how the last deliveries were answered."""
    del environment
    attempts = list(islice(client.deliveries(), _DELIVERIES))
    if not attempts:
        yield Diagnosis("deliveries", "none in the last three days", is_note=True)
        return
    newest, failed = attempts[0], [attempt for attempt in attempts if not attempt.succeeded]
    answers = ", ".join(str(attempt.status or "no answer") for attempt in attempts[:10])
    text = f"{len(attempts) - len(failed)} of the last {len(attempts)} succeeded (newest first: {answers})"
    if newest.succeeded:
        yield Diagnosis("deliveries", text, is_note=bool(failed))
    else:
        yield Diagnosis("deliveries", f"{text}\n{_remedy(newest)}", _GITHUB)


def _remedy(attempt: HookAttempt) -> str:
    """Return what to do about a delivery that failed."""
    if attempt.status == 0:
        return "GitHub got no answer: is the App running, and can its address be reached from the internet?"
    if attempt.status == 401:
        return "The signature was refused: GITHUB_WEBHOOK_SECRET is not the secret on the page of the App."
    if attempt.status in (404, 405):
        return f"Another server answers there: the address has to end with {HOOK_PATH} and lead to the App."
    return "The App answered with an error: its log says why."


def _installations(client: AppClient, environment: Environment) -> Iterator[Diagnosis]:
    """Yield each account that has the App, and what it still has to grant."""
    del environment
    found = list(islice(client.installations(), 1_000))
    if not found:
        yield Diagnosis("installations", "none: install the App on your repositories", _GITHUB)
        return
    yield Diagnosis("installations", ", ".join(each.account for each in found[:20]))
    asked = client.description().permissions
    for each in found:
        yield from _lacking(each, asked)


def _lacking(installation: Installation, asked: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """Yield what an account has not granted; of what reviews work without, only what the App asks for."""
    where = f" at {installation.html_url}" if installation.html_url else ""
    if installation.is_suspended:
        yield Diagnosis(f"installation {installation.account}", "suspended: nothing is reviewed there", is_note=True)
    elif missing := missing_permissions(installation.permissions):
        text = f"not granted yet: {_named(missing)}. An owner has to accept them{where}"
        yield Diagnosis(f"installation {installation.account}", text, _GITHUB)
    elif missing := not_granted(installation.permissions, asked):
        text = f"not granted yet, but reviews work without: {_named(missing)}. An owner accepts them{where}"
        yield Diagnosis(f"installation {installation.account}", text, is_note=True)


def _store(environment: Environment, open_store: Callable[[Environment], Jobs]) -> Iterator[Diagnosis]:
    """Yield whether jobs can be stored, and whether a worker carries them out."""
    try:
        jobs = open_store(environment)
    except ReviewerError as error:
        yield Diagnosis.of("store", error)
        return
    try:
        jobs.take_turn("doctor", after=-1.0)  # a write, which changes nothing for anybody
        yield Diagnosis("store", "can be written")
        if jobs.has_worker():
            yield Diagnosis("worker", "alive")
        else:
            yield Diagnosis("worker", "none: start the App, or `reviewer worker` beside REVIEWER_ROLE=web", _GITHUB)
        yield _waiting(jobs)
    except ReviewerError as error:
        yield Diagnosis.of("store", error)
    finally:
        jobs.close()


def _waiting(jobs: Jobs) -> Diagnosis:
    counts = {state.value: number for state, number in jobs.counts().items() if number}
    oldest = min((job.accepted_at for job in jobs.records(limit=200) if job.state.value == "queued"), default=None)
    text = ", ".join(f"{number} {state}" for state, number in counts.items()) or "none yet"
    late = "" if oldest is None else f"; the oldest waits for {max(0.0, time.time() - oldest):.0f} s"
    return Diagnosis("jobs", f"{text}{late}")
