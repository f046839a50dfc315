"""The pages about money and findings, errors, and the App at GitHub."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request

from reviewer.domain.severity import Severity
from webhooks.github.errors import GitHubError
from webhooks.pages.app_report import AppReport, read_report
from webhooks.pages.config import PagesConfig
from webhooks.pages.figures import bar_chart, by_repository
from webhooks.pages.layout import dollars, page, visitor
from webhooks.pages.signing_in import signed_in
from webhooks.queue.jobs import JobState
from webhooks.queue.overview import DayTotal
from webhooks.registration.manifest import install_url

#: Days that the figures may show.
SPANS = (7, 30, 90)

_DAY = 86_400.0

#: Seconds for which what GitHub said is shown again.
_REPORT_SECONDS = 30.0

#: Seconds for which totals are shown again.
_TOTALS_SECONDS = 10.0


class OperatingPages:
    """The pages beside those of jobs."""

    def __init__(self, config: PagesConfig) -> None:
        """Store where everything is read."""
        self._config = config
        self._report: AppReport | None = None
        self._read_at = 0.0
        self._reading = threading.Lock()
        self._totals: dict[tuple[tuple[int, ...] | None, float], tuple[float, list[DayTotal]]] = {}

    def add_to(self, pages: Blueprint) -> None:
        """Add the pages."""
        pages.add_url_rule("/figures", view_func=signed_in(self.figures), endpoint="figures")
        pages.add_url_rule("/errors", view_func=signed_in(self.errors), endpoint="errors")
        pages.add_url_rule("/github", view_func=signed_in(self.github), endpoint="github")
        pages.add_url_rule("/setup", view_func=signed_in(self.github), endpoint="after_setup")

    def figures(self) -> Response:
        """Show dollars and reviews by day and repository, and what became of findings."""
        scope, overview = visitor().scope, self._config.jobs.overview
        span = int(text) if (text := request.args.get("days", "")) in map(str, SPANS) else 30
        last = datetime.now(UTC).date()
        first = last - timedelta(days=span - 1)
        since = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
        totals = self._days(since)
        costs = bar_chart(totals, first=first, last=last, value=lambda day: float(day.cost_usd), write=dollars)
        reviews = bar_chart(
            totals, first=first, last=last, value=lambda day: float(day.reviews), write=lambda count: f"{count:g}"
        )
        return page(
            "figures.html",
            span=span,
            spans=SPANS,
            charts=[("Dollars by day", costs), ("Reviews by day", reviews)],
            repositories=by_repository(totals),
            fates=overview.fates(scope),
            severities=[severity.value for severity in reversed(Severity)],
        )

    def _days(self, since: float) -> list[DayTotal]:
        """Return the totals; the same are shown again for some seconds."""
        key = (visitor().scope, since)
        kept = self._totals.get(key)
        if kept is None or time.monotonic() - kept[0] > _TOTALS_SECONDS:
            if len(self._totals) > 100:
                self._totals.clear()
            kept = self._totals[key] = (time.monotonic(), self._config.jobs.overview.days(key[0], since=since))
        return kept[1]

    def errors(self) -> Response:
        """Show failed jobs and failed calls."""
        scope, overview = visitor().scope, self._config.jobs.overview
        return page(
            "errors.html",
            failed=overview.jobs(scope, states=(JobState.FAILED,), limit=50),
            calls=overview.failed_calls(scope, since=time.time() - 7 * _DAY),
        )

    def github(self) -> Response:
        """Show the App, its installations, what is missing, GitHub's limits, and whether deliveries come."""
        scope = visitor().scope
        report, problem = self._app()
        seen = self._config.jobs.overview.seen_deliveries()
        shown = [
            each for each in (report.installations if report else ()) if scope is None or each.installation.id in scope
        ]
        return page(
            "github.html",
            app=report.app if report else None,
            report=report,
            installations=shown,
            problem=problem,
            install=install_url(report.app.html_url) if report else "",
            first=seen.get("first"),
            last=seen.get("last"),
        )

    def _app(self) -> tuple[AppReport | None, str]:
        """Return what GitHub knows, or why that cannot be told. Asked at most every half minute."""
        if self._config.credentials is None:
            return None, "This process only accepts deliveries, and does not know the App's key."
        with self._reading:
            if self._report is None or time.monotonic() - self._read_at > _REPORT_SECONDS:
                try:
                    self._report = read_report(self._config.credentials, with_limits=True)
                    self._read_at = time.monotonic()
                except GitHubError as error:
                    return None, str(error)
                except (KeyError, TypeError, ValueError):
                    return None, "GitHub's answer cannot be read. Check GITHUB_API_URL."
            return self._report, ""
