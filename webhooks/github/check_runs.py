"""Read and write the check runs of one repository, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from webhooks.github.transport import Transport
from webhooks.github.types import check_of


class CheckRuns:
    """The check runs of one repository. Each method is one request (or one a page)."""

    def __init__(self, transport: Transport, path: str) -> None:
        """Store the connection, and the path of the repository in the API."""
        self._transport = transport
        self.path = path

    def check_runs(self, sha: str, name: str, *, every: bool = False) -> list[dict[str, Any]]:
        """Return the check runs of that name on a commit, as `check_of` does: the latest of each App, or `every`."""
        query = urlencode({"check_name": name, "filter": "all" if every else "latest"})
        runs = self._transport.pages(f"{self.path}/commits/{sha}/check-runs?{query}", within="check_runs")
        return [check_of(run) for run in runs]

    def check_run(self, check_id: int) -> dict[str, Any]:
        """Return a check run: https://docs.github.com/rest/checks/runs#get-a-check-run ."""
        return check_of(self._transport.read(f"{self.path}/check-runs/{check_id}"))

    def create_check(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a check run; returns as `check_runs` does."""
        return check_of(self._transport.write("POST", f"{self.path}/check-runs", body))

    def update_check(self, check_id: int, body: Mapping[str, Any]) -> None:
        """Update a check run; annotations are added to those it has."""
        self._transport.write("PATCH", f"{self.path}/check-runs/{check_id}", body)
