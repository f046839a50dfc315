"""`make demo`: a pull request is reviewed, offline: the real server, engine and clients against the doubles.

The double of GitHub sends a signed delivery to the real server; what it posts is printed and drawn as a page. The
double of the model says what is written here; everything else is the product.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.demo.page import page
from tests.fakes.github import World, default_world
from tests.fakes.model import Call, FakeModel
from tests.fixtures.app_server import AppServer, doubles_environment
from tests.paths import ROOT


def _finding(place: tuple[str, int, str, str | None], kind: tuple[str, str], title: str, body: str) -> dict[str, Any]:
    path, line, quote, suggestion = place
    severity, category = kind
    said = {"severity": severity, "category": category, "title": title, "body": body, "suggestion": suggestion}
    return {"path": path, "line": line, "quote": quote, **said}


FINDINGS = [
    _finding(
        ("src/cart.py", 24, "        del self.items[sku]", "        self.items.pop(sku, None)"),
        ("error", "bug"),
        "Removing an item that is not in the cart raises `KeyError`",
        '`Cart().remove("tea")` returned quietly before; now a double click on "remove" is an error 500.',
    ),
    _finding(
        ("src/discounts.py", 6, "def discount_for(code, pieces, used=[]):", None),
        ("error", "bug"),
        "A code works once for all customers together",
        "`used=[]` is one list for the life of the process: after the first customer's `WELCOME`, everybody else gets "
        "0 percent. Keep the used codes with the customer.",
    ),
    _finding(
        (
            "src/cart.py",
            34,
            "        return full - full * discount_for(code, len(self.items)) / 100",
            "        return full - full * discount_for(code, len(self.items)) // 100",
        ),
        ("warning", "bug"),
        "The total becomes a float",
        "`/ 100` makes a float of whole cents: 999 with 10 percent off is 899.1. AGENTS.md asks for whole cents.",
    ),
    _finding(
        ("src/discounts.py", 10, "    used.append(code)", None),
        ("info", "maintainability"),
        "Consider validating the code",
        "It might be useful to check that the code is a string.",
    ),
    _finding(("src/cart.py", 40, "        return total * 2", None), ("error", "bug"), "The total is doubled", "It is."),
]

TESTS = """<test path="tests/test_remove.py" covers="src/cart.py:22-24">
from src.cart import Cart


def test_removing_what_is_not_there_changes_nothing():
    cart = Cart()
    cart.add("tea", "3.20")
    cart.remove("coffee")
    assert cart.count() == 1
</test>
"""


def script(model: FakeModel) -> None:
    """Let the model find four things and invent a fifth, and let the sceptical pass refute the idle one."""

    def verdicts(call: Call) -> str:
        claims = re.findall(r"^## Claim (\d+)$.*?^Claim: ([^\n]+)$", call.user, re.DOTALL | re.MULTILINE)
        rows = [
            {
                "id": int(number),
                "verdict": "refuted" if "Consider" in title else "confirmed",
                "reason": "followed through",
            }
            for number, title in claims
        ]
        return json.dumps({"verdicts": rows})

    summary = "Adds discount codes to the cart. Two of the changes break what worked before."
    model.answers("findings", lambda _: json.dumps({"summary": summary, "findings": FINDINGS}))
    model.answers("verify", verdicts)
    model.answers("tests", lambda _: TESTS)
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", lambda _: json.dumps({"summary": "", "findings": []}))


@contextmanager
def server(github: World, model: FakeModel, folder: Path) -> Iterator[str]:
    """Run the App under gunicorn and yield its address."""
    environ = {**os.environ, **doubles_environment(github, model), "GITHUB_WEBHOOK_SECRET": "demonstration"}
    with AppServer(folder, ready="/readyz", **environ) as app:
        yield app.url
        app.process.stop()


#: What the demonstration is not, and what comes after it.
_NEXT = """
The model of this demonstration is scripted: what it says was written beforehand, and says nothing about the quality of
real reviews. Everything else (server, queue, checks of claims, posting) is the product; no network was used.

With a RunAPI key you can go on:
  export RUNAPI_KEY=...
  make venv && .venv/bin/python app.py diff --dry-run     what would be sent of your last changes, and the likely cost
  make eval                                               real reviews of the shipped cases, measured (some cents)
  make serve                                              the App for a team: its set-up page opens in your browser
docs/install.md has these and the workflow for GitHub Actions."""


def main() -> None:
    """Review a pull request offline, print the review and write the page."""
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--page", type=Path, default=ROOT / "demo.html", help="where to write the page")
    parser.add_argument("--picture", type=Path, help="take a picture of the page with Chromium, too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="reviewer-demo-") as folder,
        default_world(strict=False) as github,
        FakeModel() as model,
    ):
        github.hook.secret = "demonstration"
        script(model)
        with server(github, model, Path(folder)) as url:
            print(f"The App listens at {url}. Pull request #{github.pull.number} is opened:")
            answer = github.reopen(github.pull).post(f"{url}/webhooks/github")
            print(f"  POST /webhooks/github -> {answer.status_code} {answer.text.strip()}")
            github.expect_check(within=60)
        _print(github)
        options.page.write_text(page(github.pull, github.repo.check_runs.values()), encoding="utf-8")
    print(f"\nThe page: {options.page}")
    print(_NEXT)
    if options.picture:
        _photograph(options.page, options.picture)


def _print(github: World) -> None:
    for run in github.repo.check_runs.values():
        print(f"\nCheck run `{run.name}`: {run.conclusion}, {run.output['title']}")
    for comment in github.pull.review_comments():
        place = comment.thread.place
        print(f"\nInline comment at {place.path}:{place.line} ({place.side}):\n{_indented(comment.body)}")
    for summary in github.pull.issue.comments.values():
        print(f"\nSummary comment:\n{_indented(summary.body)}")
    print(f"\nThe App made {len(github.calls)} calls to GitHub.")


def _indented(text: str) -> str:
    shown = re.sub(r"<!-- reviewer:.*?-->\n?", "", text)
    return textwrap.indent(shown.strip(), "    ")


def _photograph(source: Path, picture: Path) -> None:
    """Take the picture of the README: https://developer.chrome.com/docs/chromium/headless ."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        flags = [
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"),
            *("--no-first-run", "--disable-sync", f"--user-data-dir={profile}", "--window-size=1012,1640"),
        ]
        command = ["chromium", *flags, f"--screenshot={picture.resolve()}", source.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(f"The picture: {picture}")


if __name__ == "__main__":
    main()
