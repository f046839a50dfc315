"""Measure the operator's pages with 10,000 jobs and 40,000 calls stored: the time of each, over HTTP, signed in."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.table import show
from tests.fixtures.app_server import AppServer
from tests.webhooks.pages.browser_forms import Browser
from tests.webhooks.pages.seeding import seed

JOBS, TIMES = 10_000, 20
TOKEN = "a-token-for-the-measurement"


def main() -> None:
    """Print the table; the first look at each page, which compiles its template, stands apart."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        server = AppServer(Path(folder), REVIEWER_ROLE="web", REVIEWER_OPERATOR_TOKEN=TOKEN)
        ids = seed(server.store_url, JOBS)
        with server, Browser(server.url) as browser:
            browser.open("/sign-in")
            browser.send("/sign-in", token=TOKEN)
            for path in ("/", "/?state=failed", "/?text=billing", f"/jobs/{ids[-9]}", "/figures", "/errors", "/github"):
                taken = [_milliseconds(browser, path) for _ in range(TIMES + 1)]
                name = "/jobs/ID" if path.startswith("/jobs") else path
                usual = statistics.median(taken[1:])
                rows.append(
                    [name, f"{taken[0]:.0f}", f"{usual:.0f}", f"{max(taken[1:]):.0f}", f"{len(browser.page.text):,}"]
                )
    show(
        f"A page with {JOBS:,} jobs stored, in milliseconds", ["page", "first", "median", "longest", "characters"], rows
    )


def _milliseconds(browser: Browser, path: str) -> float:
    began = time.perf_counter()
    assert browser.open(path).status_code == 200
    return (time.perf_counter() - began) * 1000
