"""The requests and answers of routes, paging, and the table that finds a route.

A handler runs only for a caller who may see the repository and has the route's permission. Knows no single endpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.fakes.github import refusals
from tests.fakes.github.model.access import Caller
from tests.fakes.github.model.state import Issue, Pull, Repository
from tests.fakes.github.refusals import Refusal

if TYPE_CHECKING:
    from tests.fakes.github.model.records import Records

PAGING = ("per_page", "page")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: JSON values, or `raw` bytes with their own content type."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `needs` is the permission in GitHub's notation, `query` the parameters it knows.

    `login` says who may call where no repository is in the path: "" anyone, "app" an App's JWT.
    """

    method: str
    template: str
    handler: Callable[[Request], Answer]
    needs: str = ""
    query: Sequence[str] = ()
    paged: bool = False
    login: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return the template as a regular expression; `{name:path}` may hold slashes."""
        text = re.sub(r"\{(\w+):path\}", r"(?P<\1>.*)", self.template)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text) + r"\Z")

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset((*self.query, *(PAGING if self.paged else ())))


@dataclass(eq=False)
class Request:
    """One HTTP request. `path` is decoded and without the prefix of GitHub Enterprise; `params` come from the path."""

    world: Records
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    data: bytes
    caller: Caller = field(default_factory=Caller)
    params: dict[str, str] = field(default_factory=dict)
    route: Route | None = None

    @cached_property
    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty body is an empty object. Raises Refusal."""
        try:
            value = json.loads(self.data or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(value, dict):
            raise Refusal(400, "Body should be a JSON object")
        return value

    @property
    def media(self) -> str:
        """Return the media type asked for, without `application/vnd.github.` and the version: diff, raw, object."""
        found = re.search(r"application/vnd\.github\.(?:v3\.)?([a-z-]+)", self.headers.get("accept", ""))
        return found[1] if found else "json"

    @cached_property
    def repository(self) -> Repository:
        """Return the repository the path names, by name or by id. Raises Refusal (404, or 301 for a former name)."""
        if "repository_id" in self.params:
            return self.world.repository_by_id(self.number("repository_id"))
        name = f"{self.params['owner']}/{self.params['repo']}"
        found = self.world.find_repository(name)
        if found is not None:
            return found
        moved = self.world.find_moved(name)
        if moved is None:
            raise refusals.not_found()
        rest = self.path.split("/", 4)[4:]
        url = "/".join([f"{self.world.url}/repositories/{moved.id}", *rest])
        if self.query:
            url += f"?{urlencode(self.query)}"
        raise Refusal(307 if self.method != "GET" else 301, "Moved Permanently", headers={"Location": url})

    def number(self, name: str) -> int:
        """Return a number of the path. Raises Refusal (404) for anything else."""
        if not self.params[name].isdigit():
            raise refusals.not_found()
        return int(self.params[name])

    @property
    def issue(self) -> Issue:
        """Return the issue or pull request the path names."""
        found = self.repository.issues.get(self.number("number"))
        if found is None:
            raise refusals.not_found()
        return found

    @property
    def pull(self) -> Pull:
        """Return the pull request the path names."""
        if self.issue.pull is None:
            raise refusals.not_found()
        return self.issue.pull

    def page(self, items: Sequence[Any], render: Callable[[Any], Any], *, within: str = "") -> Answer:
        """Return one page of the items with `Link` to the others; `within` wraps it as `{total_count, NAME: []}`."""
        size = min(self._positive("per_page", 30), 100, self.world.max_per_page)
        page = self._positive("page", 1)
        last = max(1, -(-len(items) // size))
        shown = [render(item) for item in items[(page - 1) * size : page * size]]
        body = {"total_count": len(items), within: shown} if within else shown
        targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        useful = {
            rel: n
            for rel, n in targets.items()
            if (page < last if rel in ("next", "last") else page > 1) and 1 <= n <= last
        }
        links = ", ".join(f'<{self._page_url(n)}>; rel="{rel}"' for rel, n in useful.items())
        return Answer(body=body, headers={"Link": links} if links else {})

    def _positive(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if text.isdigit() and int(text) > 0 else default

    def _page_url(self, page: int) -> str:
        # GitHub's own links name a repository by its id, so a client that builds URLs by hand is noticed.
        path = self.path
        if "owner" in self.params:
            path = "/".join(["", "repositories", str(self.repository.id), *path.split("/")[4:]])
        return f"{self.world.url}{path}?{urlencode(self.query | {'page': str(page)})}"


def find(routes: Sequence[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route for a request and what its path says, or None. `/repositories/ID` stands for `/repos/O/R`."""
    for route in routes:
        if route.method != method:
            continue
        found = route.pattern.match(path)
        if found is None and path.startswith("/repositories/") and route.template.startswith("/repos/{owner}/{repo}"):
            by_id = route.template.replace("/repos/{owner}/{repo}", "/repositories/{repository_id}", 1)
            found = Route(method, by_id, route.handler).pattern.match(path)
        if found is not None:
            return route, found.groupdict()
    return None
