"""Stories of the set-up: from `make serve` with nothing set to the first review, in a browser without JavaScript."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.github import World
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import AppServer
from tests.fixtures.waiting import wait_until
from tests.stories.test_app import find
from tests.webhooks.pages.browser_forms import Browser

pytestmark = pytest.mark.slow


@contextmanager
def unset(github: World, model: FakeModel, folder: Path, **more: str) -> Iterator[AppServer]:
    """Serve with nothing set but where the doubles are."""
    values = {
        "GITHUB_WEBHOOK_SECRET": "",
        "REVIEWER_DATA_DIR": str(folder / "data"),
        "GITHUB_API_URL": github.url,
        "RUNAPI_BASE_URL": model.base_url,
        "REVIEWER_MISSED_MINUTES": "0",
        "REVIEWER_MISSED_PULLS": "0",
        **more,
    }
    with AppServer(folder, **values) as server:
        yield server


def console_address(server: AppServer) -> str:
    """Return the path of the set-up page that the console shows."""
    wait_until(lambda: "/setup?token=" in server.process.output(), "the address on the console", 20)
    return re.findall(r"/setup\?token=\S+", server.process.output())[-1]


def is_app(server: AppServer) -> bool:
    """Whether the server has started again, as the App."""
    try:
        return server.get("/readyz")[0] == 200
    except OSError:  # it is starting
        return False


def answers_ok(model: FakeModel) -> None:
    model.answers("ask", lambda _: "OK")


def register(browser: Browser, github: World, **values: str) -> None:
    """Describe the App, and agree at GitHub."""
    browser.open("/setup")
    browser.send("/setup/app", name="shop-reviewer", **values)
    browser.send(github.url)


def test_from_nothing_to_the_first_review(github: World, model: FakeModel, tmp_path: Path) -> None:
    """The console's address, GitHub's manifest, the key; then the same server reviews, with nothing done by hand."""
    find(model)
    answers_ok(model)
    with unset(github, model, tmp_path) as server, Browser(server.url) as browser:
        browser.open(console_address(server))
        assert 'name="reads_logs" checked' in browser.page.text
        register(browser, github, public_url=server.url, owner="octo-org", reads_logs="on")
        assert (github.app.permissions["actions"], "merge_queues" in github.app.permissions) == ("read", False)
        assert "GitHub registered the App shop-reviewer." in browser.page.text
        assert (github.app.owner.login, github.hook.url) == ("octo-org", server.hook)
        browser.send("/setup/key", key=model.key)
        (token,) = re.findall(r'class="token">([^<]+)<', browser.page.text)
        wait_until(lambda: is_app(server), "the App to be there", 90, log=server.process.output)
        stored = tmp_path / "data" / "app.json"
        assert stat.S_IMODE(stored.stat().st_mode) == 0o600
        assert token in stored.read_text()
        assert "Waiting for the first delivery" in browser.open("/github").text
        assert "Connected as the App" in browser.page.text
        assert github.ping().post(server.hook).json() == {"ignored": "ping"}
        assert github.reopen(github.pull).post(server.hook).status_code == 202
        github.expect_check("success", within=30)
        github.expect_comment("reviewer:summary")
        assert "the first on" in browser.open("/github").text
        assert "octo-org/shop#1" in browser.open("/").text
        log = server.process.output()
        assert [secret for secret in (model.key, github.hook.secret, token) if secret in log] == []


def test_a_stranger_sees_nothing(github: World, model: FakeModel, tmp_path: Path) -> None:
    """Without the token there is no page and no delivery; a wrong or used token opens nothing; many are refused."""
    with unset(github, model, tmp_path) as server, Browser(server.url) as stranger, Browser(server.url) as founder:
        assert (stranger.open("/").status_code, "console" in stranger.page.text) == (403, True)
        assert github.opened.post(server.hook).status_code == 503
        assert stranger.post("/setup/app", name="mine").status_code == 403
        address = console_address(server)
        assert founder.open(address).status_code == 200
        assert (stranger.open(address).status_code, "was used" in stranger.page.text) == (403, True)
        founder.send("/setup/app", name="shop-reviewer")
        state = re.findall(r"state=([\w-]+)", founder.page.text)[0]
        assert stranger.open(f"/setup/created?code={'a' * 40}&state={state}").status_code == 403
        for _ in range(10):
            assert stranger.open("/setup?token=guess").status_code == 403
        assert stranger.open("/setup?token=guess").status_code == 429
        assert founder.open("/setup").status_code == 200
        assert not (tmp_path / "data" / "app.json").exists()


def test_a_code_that_is_used_or_expired(github: World, model: FakeModel, tmp_path: Path) -> None:
    """GitHub's code is good once and for an hour; after that the page says what to do, and begins again."""
    with unset(github, model, tmp_path) as server, Browser(server.url) as browser:
        browser.open(console_address(server))
        browser.send("/setup/app", name="late")
        state = re.findall(r"state=([\w-]+)", browser.page.text)[0]
        refused = browser.open(f"/setup/created?code={'b' * 40}&state={state}")
        assert (refused.status_code, "does not know this code any more" in refused.text) == (422, True)
        assert browser.open(f"/setup/created?code=../../app&state={state}").status_code == 422
        assert browser.open(f"/setup/created?code={'b' * 40}&state=other").status_code == 403
        github.makes_hook_secret = False
        register(browser, github)
        assert "Give your RunAPI key" in browser.page.text
        assert len(github.hook.secret) == 64
        again = browser.open(str(browser.page.url))
        assert "Give your RunAPI key" in again.text
        refused = browser.send("/setup/key", key="sk-wrong-0123456789")
        assert (refused.status_code, "To correct:" in refused.text) == (422, True)
        assert "sk-wrong" not in refused.text


def test_what_is_wrong_is_said_beside_its_field(github: World, model: FakeModel, tmp_path: Path) -> None:
    """A name, an owner or an address that cannot be; an App by hand whose key GitHub refuses, then the right one."""
    answers_ok(model)
    with unset(github, model, tmp_path) as server, Browser(server.url) as browser:
        browser.open(console_address(server))
        wrong = browser.send("/setup/app", name="n" * 35, owner="a b", public_url="ftp://x")
        assert (wrong.status_code, wrong.text.count('aria-invalid="true"')) == (422, 3)
        pem = github.app.private_key
        wrong = browser.send("/setup/by-hand", app_id="1", private_key=pem, secret="a-good-secret")
        assert (wrong.status_code, "GitHub refuses this id" in wrong.text) == (422, True)
        wrong = browser.send("/setup/by-hand", app_id=str(github.app.id), private_key="/etc/passwd", secret="long-one")
        assert (wrong.status_code, "Paste the text" in wrong.text) == (422, True)
        browser.send("/setup/by-hand", app_id=str(github.app.id), private_key=pem, secret="a-good-secret")
        assert "GitHub knows this App as" in browser.page.text


def test_an_interrupted_set_up_goes_on(github: World, model: FakeModel, tmp_path: Path) -> None:
    """A server that stops after the first step prints a new token, and asks only for what is missing."""
    answers_ok(model)
    with unset(github, model, tmp_path) as server:
        with Browser(server.url) as browser:
            first = console_address(server)
            browser.open(first)
            register(browser, github)
        server.process.kill()
        server.start()
        wait_until(lambda: console_address(server) != first, "a new token", 20)
        with Browser(server.url) as browser:
            assert browser.open(first).status_code == 403
            assert "Give your RunAPI key" in browser.open(console_address(server)).text
