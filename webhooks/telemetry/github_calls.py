"""The spans of calls to GitHub: method, status, and the route without names, `/repos/{owner}/{repo}/pulls/{number}`.

Names of branches and files are text of the change, and would give a collector a series each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from webhooks.telemetry.spans import SpanSide, step

Text = TypeVar("Text", str, bytes)

#: What stands in routes for itself. Every other part is a name, and is not told.
_WORDS = frozenset(
    """
    access_tokens actions annotations app app-manifests archive attempts blobs branches check-runs check-suites
    collaborators comments commits compare config contents conversions deliveries files git graphql head heads
    hook installation installations issues jobs labels logs merges oauth orgs permission pull pulls rate_limit
    reactions ref refs repos repositories replies reviews runs search status statuses tarball trees user users
    """.split()  # noqa: SIM905 - a list of words reads better as text
)

#: Behind these comes a name of any number of parts.
_REST = frozenset({"compare", "contents", "heads", "tarball"})

_NUMBER = re.compile(r"[0-9]+")
_SHA = re.compile(r"[0-9a-f]{40}")


def in_span(
    what: str, send_once: Callable[[], tuple[int, Mapping[str, str], Text]]
) -> tuple[int, Mapping[str, str], Text]:
    """Send a request in a span. `what` is its method and address."""
    verb, url = what.split(" ")[:2]
    route = route_of(url)
    with step(f"{verb} {route}", SpanSide.CLIENT, http__request__method=verb, url__template=route) as span:
        answer = send_once()
        span.set(http__response__status_code=answer[0])
        if answer[0] >= 400:
            span.failed(str(answer[0]))
    return answer


def route_of(url: str) -> str:
    """Return the route of an address of the API, with a word in braces for each name in it."""
    parts = [part for part in urlsplit(url).path.split("/") if part]
    if parts[:2] == ["api", "v3"]:
        del parts[:2]
    elif parts[:1] == ["api"]:  # GraphQL of an Enterprise Server
        del parts[:1]
    route: list[str] = []
    if parts[:1] == ["repos"]:
        route, parts = ["repos", "{owner}", "{repo}"], parts[3:]
    for part in parts:
        route.append(_shown(part, is_first=not route))
        if part in _REST:
            route.append("{path}")
            break
    return "/" + "/".join(route)


def _shown(part: str, *, is_first: bool) -> str:
    if part in _WORDS:
        return part
    if _NUMBER.fullmatch(part):
        return "{number}"
    if _SHA.fullmatch(part):
        return "{sha}"
    return "{other}" if is_first else "{name}"
