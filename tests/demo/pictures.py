"""Draw the pictures of the documentation: `make pictures`. The App's pages, in headless Chromium, with made-up jobs."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.fixtures.app_server import AppServer
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT
from tests.webhooks.pages.chromium import Chromium, find_chromium
from tests.webhooks.pages.seeding import seed

FOLDER = ROOT / "docs" / "pictures"
TOKEN = "a-token-for-the-pictures"


def main() -> int:
    """Draw everything into docs/pictures."""
    program = find_chromium()
    if program is None:
        sys.stderr.write("Chromium draws the pictures, and is not here: apt-get install chromium\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    with Chromium(program) as browser:
        browser.look(width=1000, height=700)
        _draw_pages(browser)
        _draw_setup(browser)
    return 0


def _draw_pages(browser: Chromium) -> None:
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        server = AppServer(Path(folder), REVIEWER_ROLE="web", REVIEWER_OPERATOR_TOKEN=TOKEN)
        ids = seed(server.store_url, 1500)
        with server:
            browser.open(f"{server.url}/sign-in")
            browser.evaluate("document.getElementById('token').focus()")
            browser.type(TOKEN)
            browser.press("Enter")
            browser.wait_for("document.querySelector('h1').textContent === 'Jobs'")
            browser.picture(FOLDER / "jobs.png", whole=False)
            browser.open(f"{server.url}/jobs/{ids[-9]}")
            browser.picture(FOLDER / "job.png", whole=False)
            browser.look(width=1000, height=700, dark=True)
            browser.open(f"{server.url}/figures")
            browser.picture(FOLDER / "figures.png", whole=False)
            browser.look(width=1000, height=700)


def _draw_setup(browser: Chromium) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        AppServer(Path(folder), GITHUB_WEBHOOK_SECRET="", RUNAPI_KEY="") as server,
    ):
        wait_until(lambda: "token=" in server.process.output(), "the address on the console", 30)
        browser.open(server.url + re.findall(r"/setup\?token=\S+", server.process.output())[-1])
        browser.evaluate("document.getElementById('name').value = 'acme-reviewer'")
        browser.evaluate("document.getElementById('public_url').value = 'https://reviewer.example.com'")
        browser.picture(FOLDER / "setup.png", whole=False)


if __name__ == "__main__":
    sys.exit(main())
