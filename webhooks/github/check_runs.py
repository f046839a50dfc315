"""Read and write the check runs of one repository, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from webhooks.github.errors import Forbidden, NotFound
from webhooks.github.transport import PER_PAGE, Transport
from webhooks.github.types import CheckAnnotation, FailedCheck, annotation_of, check_of, failed_check_of

#: Conclusions of a check that mean that it failed.
_FAILED = frozenset({"failure", "timed_out", "startup_failure"})

#: Runs and statuses of one commit that are read.
_MOST_RUNS = 300


#: Bytes of a log that are read to find its end, and seconds that this may take.
_LONGEST_LOG, _LOG_SECONDS = 50_000_000, 30.0


@dataclass(slots=True)
class LogTail:
    """Keeps the last bytes of what is written to it."""

    most: int
    kept: bytes = b""
    cut: bool = False

    def write(self, piece: bytes, /) -> int:
        """Take a piece and return its length."""
        self.cut = self.cut or len(self.kept) + len(piece) > self.most
        self.kept = (self.kept + piece)[-self.most :]
        return len(piece)

    def text(self, most: int) -> str:
        """Return the last characters. The rest of a line that begins before them is left out: it may be half a secret.

        Half a token has no form by which it could be replaced.
        """
        text = self.kept.decode("utf-8", "replace")
        return text[-most:].partition("\n")[2] if self.cut or len(text) > most else text


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

    def every_run(self, sha: str) -> tuple[list[dict[str, Any]], list[FailedCheck]] | None:
        """Return all check runs on a commit, as `check_of` does, and the newest of each name and App that failed.

        None where they may fill more than one page: then ours is not among them for sure.
        """
        query = urlencode({"filter": "all"})
        pages = self._transport.pages(f"{self.path}/commits/{sha}/check-runs?{query}", within="check_runs")
        runs = list(islice(pages, PER_PAGE))
        if len(runs) == PER_PAGE:
            return None
        newest = {
            (run.get("name"), (run.get("app") or {}).get("slug")): run
            for run in sorted(runs, key=lambda run: int(run["id"]))
        }
        failed = [failed_check_of(run) for run in newest.values() if run.get("conclusion") in _FAILED]
        return [check_of(run) for run in runs], failed

    def check_run(self, check_id: int) -> dict[str, Any]:
        """Return a check run: https://docs.github.com/rest/checks/runs#get-a-check-run ."""
        return check_of(self._transport.read(f"{self.path}/check-runs/{check_id}"))

    def failed_checks(self, sha: str, *, statuses: bool = True) -> list[FailedCheck]:
        """Return the checks on a commit that failed: the latest run of each, and with `statuses` commit statuses."""
        query = urlencode({"filter": "latest", "status": "completed"})
        runs = self._transport.pages(f"{self.path}/commits/{sha}/check-runs?{query}", within="check_runs")
        failed = [failed_check_of(run) for run in islice(runs, _MOST_RUNS) if run.get("conclusion") in _FAILED]
        return [*failed, *(self._failed_statuses(sha) if statuses else ())]

    def _failed_statuses(self, sha: str) -> list[FailedCheck]:
        """Return the newest commit statuses that failed; none without the permission *statuses: read*."""
        newest: dict[str, dict[str, Any]] = {}
        try:
            for status in islice(self._transport.pages(f"{self.path}/commits/{sha}/statuses"), _MOST_RUNS):
                newest.setdefault(str(status.get("context") or ""), status)
        except (Forbidden, NotFound):
            return []
        failed = (status for status in newest.values() if status.get("state") in ("failure", "error"))
        return [FailedCheck(0, str(s.get("context") or ""), title=str(s.get("description") or "")) for s in failed]

    def unfinished_checks(self, sha: str) -> list[str]:
        """Return the names of the check runs on a commit that have not ended."""
        query = urlencode({"filter": "latest"})
        runs = self._transport.pages(f"{self.path}/commits/{sha}/check-runs?{query}", within="check_runs")
        return [str(run.get("name") or "") for run in islice(runs, _MOST_RUNS) if run.get("status") != "completed"]

    def annotations(self, check_id: int, most: int) -> list[CheckAnnotation]:
        """Return the first annotations of a check run."""
        entries = self._transport.pages(f"{self.path}/check-runs/{check_id}/annotations")
        return [annotation_of(entry) for entry in islice(entries, most)]

    def log_end(self, job_id: int, most: int) -> str:
        """Return the last lines of the log of a job of GitHub Actions, whose check run has the same id.

        https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run . Raises Forbidden
        without the permission *actions: read*, NotFound where the log is gone.
        """
        tail = LogTail(4 * most)
        url = f"{self.path}/actions/jobs/{job_id}/logs"
        self._log_reader().download(url, tail.write, most=_LONGEST_LOG, seconds=_LOG_SECONDS, anywhere=True)
        return tail.text(most)

    def _log_reader(self) -> Transport:
        """Return the connection that may read logs."""
        return self._transport

    def create_check(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a check run; returns as `check_runs` does."""
        return check_of(self._transport.write("POST", f"{self.path}/check-runs", body))

    def update_check(self, check_id: int, body: Mapping[str, Any]) -> None:
        """Update a check run; annotations are added to those it has."""
        self._transport.write("PATCH", f"{self.path}/check-runs/{check_id}", body)
