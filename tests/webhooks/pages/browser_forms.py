"""A browser without JavaScript: it keeps cookies, follows redirects, and sends the forms of a page as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self

import httpx


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what its fields hold."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", ""), values.get("method", "get")))
        elif self.found and tag == "input" and values.get("type") != "checkbox":
            self.found[-1].fields[values.get("name", "")] = values.get("value", "")
        elif self.found and tag == "textarea":
            self._area = values.get("name", "")
            self.found[-1].fields[self._area] = ""


class Browser:
    """One browser at one server."""

    def __init__(self, url: str, *, address: str = "192.0.2.1") -> None:
        """Begin at a server, behind a proxy that names that address."""
        headers = {"X-Forwarded-For": address}
        self._client = httpx.Client(base_url=url, headers=headers, follow_redirects=True, timeout=60, verify=False)
        self.page: httpx.Response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, path: str) -> httpx.Response:
        self.page = self._client.get(path)
        return self.page

    def form(self, action: str) -> Form:
        """Return the form of the page that goes to an address with that beginning."""
        forms = _Forms()
        forms.feed(self.page.text)
        return next(form for form in forms.found if form.action.startswith(action))

    def send(self, action: str, **values: str) -> httpx.Response:
        """Fill in a form of the page and send it."""
        form = self.form(action)
        self.page = self._client.request(form.method, form.action, data={**form.fields, **values})
        return self.page

    def post(self, path: str, *, headers: dict[str, str] | None = None, **values: str) -> httpx.Response:
        """Send what no form of the page sends."""
        return self._client.post(path, data=values, headers=headers)
