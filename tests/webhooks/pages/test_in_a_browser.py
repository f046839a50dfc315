"""The pages in headless Chromium: by keyboard, in both colour schemes, on a phone, with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.app_server import AppServer
from tests.webhooks.pages.chromium import Chromium, find_chromium
from tests.webhooks.pages.seeding import seed, teach

PROGRAM = find_chromium()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is not on this machine (.ci/run installs it)"),
    pytest.mark.timeout(300),
]

TOKEN = "the-operators-token-123"
JOB = "/jobs/00000000-0000-0000-0000-000000000005"
PAGES = ("/", "/figures", "/errors", "/learned", "/github", JOB)

#: Every text with its colour against its background, by WCAG's formula: https://www.w3.org/TR/WCAG22/#contrast-minimum
LOW_CONTRAST = """
(() => {
  const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = read(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !node.getClientRects().length || node.closest("svg, script")) continue;
    const [a, b] = [light(read(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(node.tagName + "." + node.className + " " + ratio.toFixed(2));
  }
  return low;
})()
"""

#: What has no name for a screen reader: fields without a label, links and buttons without words.
NAMELESS = """
[...document.querySelectorAll("input:not([type=hidden]), textarea, a, button, svg[role=img], [role=region]")]
  .filter((node) => !(node.labels?.length || node.textContent.trim() || node.ariaLabel
    || document.getElementById(node.getAttribute("aria-labelledby"))))
  .map((node) => node.outerHTML)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("browser")
    server = AppServer(folder, REVIEWER_ROLE="web", REVIEWER_OPERATOR_TOKEN=TOKEN)
    seed(server.store_url, 120)
    teach(server.store_url)
    with server:
        yield server


@pytest.fixture(scope="module")
def browser(server) -> Iterator[Chromium]:
    """Sign in by keyboard alone, without scripts of the page."""
    with Chromium(PROGRAM or "") as browser:
        browser.allow_scripts(allowed=False)
        browser.look()
        browser.open(f"{server.url}/")
        for _ in range(10):
            browser.press("Tab")
            if browser.evaluate("document.activeElement.id") == "token":
                break
        browser.type(TOKEN)
        browser.press("Enter")
        browser.wait_for("document.querySelector('h1').textContent === 'Jobs'")
        browser.allow_scripts(allowed=True)
        yield browser


@pytest.mark.parametrize("path", PAGES)
def test_colours_and_names(server, browser, path):
    """Each text stands out by 4.5 to 1 in both schemes; everything to use has a name; the browser refuses nothing."""
    for dark in (False, True):
        browser.look(dark=dark)
        browser.open(f"{server.url}{path}")
        assert browser.evaluate(LOW_CONTRAST) == []
    assert browser.evaluate(NAMELESS) == []
    assert browser.evaluate("document.documentElement.lang") == "en"
    assert browser.evaluate("document.querySelectorAll('h1').length") == 1
    assert [text for text in browser.complaints() if "favicon" not in text] == []


@pytest.mark.parametrize("path", PAGES)
def test_phone(server, browser, path):
    """Nothing sticks out at the width of a phone, and what is pressed is large enough."""
    browser.look(width=360, height=740)
    browser.open(f"{server.url}{path}")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360
    small = "[...document.querySelectorAll('button, nav a')].filter((node) => node.getBoundingClientRect().height < 24)"
    assert browser.evaluate(f"{small}.length") == 0


def test_a_preference_is_forgotten(server, browser):
    """By keyboard and without scripts: its row is gone with all that it was learned from; others stay."""
    browser.look()
    rows = "document.querySelectorAll('tbody tr').length"
    browser.open(f"{server.url}/learned?repository=octo-org/shop")
    assert browser.evaluate(rows) == 2
    assert browser.evaluate("document.querySelector('tbody td').textContent").startswith("Do not report bug findings")
    assert browser.evaluate("document.querySelectorAll('tbody b').length") == 0
    browser.allow_scripts(allowed=False)
    for _ in range(40):
        browser.press("Tab")
        if "list may be empty" in browser.evaluate("document.activeElement.ariaLabel || ''"):
            break
    browser.press("Enter")
    browser.wait_for(f"{rows} === 1")
    browser.allow_scripts(allowed=True)
    assert "A code works" in browser.evaluate("document.querySelector('tbody td').textContent")


def test_keyboard(server, browser):
    """The first key leads past the navigation; what has the focus shows it."""
    browser.look()
    browser.open(f"{server.url}/")
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter")
    browser.wait_for("document.activeElement.id === 'main'")
    browser.press("Tab")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_page_keeps_itself_current(server, browser):
    """With scripts, a delivery is noticed without a hand; the words are announced, since they are a status."""
    browser.look()
    browser.open(f"{server.url}/github")
    assert "Waiting" in browser.evaluate("document.querySelector('[role=status]').textContent")
    server.deliver({"zen": "x"}, "ping")
    browser.wait_for("document.getElementById('deliveries').textContent.includes('Deliveries come')")
