"""Sign in with GitHub, and what GitHub says of the App: against the double, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.github import World
from tests.fakes.github.faults import html_error
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import SECRET, AppServer, doubles_environment
from tests.webhooks.pages.browser_forms import Browser
from tests.webhooks.pages.seeding import seed, teach
from webhooks.github.credentials import Credentials
from webhooks.pages.app_report import read_report, start_lines
from webhooks.queue.jobs import Jobs

pytestmark = pytest.mark.slow


@pytest.fixture
def server(github: World, model: FakeModel, tmp_path) -> Iterator[AppServer]:
    """Serve jobs of two installations: that of octo-org is the world's, that of acme somebody else's."""
    github.client_secret = "a-client-secret"
    values = {
        **doubles_environment(github, model),
        "REVIEWER_ROLE": "web",
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GITHUB_APP_CLIENT_ID": github.app.client_id,
        "GITHUB_APP_CLIENT_SECRET": github.client_secret,
    }
    server = AppServer(tmp_path, **values)
    teach(server.store_url, {"octo-org": github.installation.id, "acme": 999_999_999})
    seed(server.store_url, 30, installations={"octo-org": github.installation.id, "acme": 999_999_999})
    github.callback_urls = [f"{server.url}/sign-in/github/callback"]
    with server:
        yield server


def sign_in(github: World, browser: Browser, login: str) -> None:
    github.browser = login
    browser.open("/sign-in")
    browser.send("/sign-in/github")


def test_an_admin_sees_only_theirs(github: World, server: AppServer) -> None:
    """Who administers all repositories of an installation sees its jobs, no others, and changes nothing."""
    github.repo.permissions["ada"] = "admin"
    with Browser(server.url) as browser:
        sign_in(github, browser, "ada")
        text = browser.open("/").text
        assert ("octo-org/" in text, "acme/" in text) == (True, False)
        assert "acme/" not in browser.open("/figures?days=90").text
        assert "acme/" not in browser.open("/errors").text
        assert browser.open("/jobs/00000000-0000-0000-0000-00000000001e").status_code in (200, 404)
        github_page = browser.open("/github").text
        assert "Connected as the App" in github_page
        assert " of 5,000" in github_page
        token = browser.form("/sign-out").fields["form_token"]
        assert browser.post("/jobs/x/cancel", form_token=token).status_code == 403


def test_an_admin_forgets_only_theirs(github: World, server: AppServer) -> None:
    """What was learned in other installations is neither shown nor forgotten."""
    github.repo.permissions["ada"] = "admin"
    with Browser(server.url) as browser:
        sign_in(github, browser, "ada")
        text = browser.open("/learned").text
        assert ("octo-org/shop" in text, "acme/" in text) == (True, False)
        assert "acme/" not in browser.open("/learned?repository=acme/engine").text
        jobs = Jobs(server.store_url)
        jobs.open()
        theirs, others = jobs.learned.of("octo-org/shop"), jobs.learned.of("acme/engine")
        token = browser.form("/learned/forget").fields["form_token"]
        assert browser.post("/learned/forget", form_token=token, id=others[0].id).status_code == 404
        assert browser.post("/learned/forget", id=theirs[0].id).status_code == 403
        assert len(jobs.learned.of()) == len(theirs) + len(others)
        browser.open("/learned")
        browser.send("/learned/forget")
        assert browser.page.status_code == 200
        assert (len(jobs.learned.of("octo-org/shop")) < len(theirs), jobs.learned.of("acme/engine")) == (True, others)
        jobs.close()


@pytest.mark.parametrize("role", ["write", "maintain", "none"])
def test_who_is_no_admin_is_not_let_in(github: World, server: AppServer, role: str) -> None:
    """Rights to write are not enough."""
    github.repo.permissions["wes"] = role
    with Browser(server.url) as browser:
        sign_in(github, browser, "wes")
        assert (browser.page.status_code, "administers no installation" in browser.page.text) == (403, True)
        assert "octo-org/" not in browser.open("/").text


def test_github_is_down_during_sign_in(github: World, server: AppServer) -> None:
    """The page says so, and nobody is let in; neither does an answer that began elsewhere let anybody in."""
    github.repo.permissions["ada"] = "admin"
    with Browser(server.url) as browser:
        github.fault("POST /login/oauth/access_token", html_error(502), times=None)
        sign_in(github, browser, "ada")
        assert (browser.page.status_code, "GitHub does not answer now" in browser.page.text) == (502, True)
        assert browser.open("/sign-in/github/callback?code=abc&state=other").status_code == 403
        assert "Sign in" in browser.open("/").text


def test_what_is_missing_is_named(github: World) -> None:
    """The lines at the start: the App, its installations and repositories, and each permission and event it lacks."""
    credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
    lines = [line for line, _ in start_lines(read_report(credentials))]
    assert lines[0] == f"connected as App {github.app.slug}: 1 installation, {len(github.repositories)} repository"
    assert any("lacks the optional" in line and "actions: read (read the logs of failed jobs" in line for line in lines)
    github.app.permissions["actions"] = "read"
    told = start_lines(read_report(credentials))
    assert any("octo-org has not granted permission actions: read (read the logs" in line for line, _ in told)
    assert not any(is_warning for _, is_warning in told)
    github.app.events = ("issue_comment",)
    github.installation.permissions["checks"] = "read"
    warnings = [line for line, is_warning in start_lines(read_report(credentials)) if is_warning]
    assert any("lacks event pull_request" in line for line in warnings)
    assert any("octo-org has not granted permission checks: write" in line for line in warnings)
    github.uninstall(github.installation)
    assert any("install the App" in line for line, _ in start_lines(read_report(credentials)))
