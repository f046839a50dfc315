"""The operator's pages over HTTP, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.fixtures.app_server import AppServer
from tests.webhooks.pages.browser_forms import Browser
from tests.webhooks.pages.seeding import seed
from webhooks.queue.jobs import Jobs, JobState

pytestmark = pytest.mark.slow

TOKEN = "the-operators-token-123"
PATHS = ("/", "/figures", "/errors", "/learned", "/github", "/setup", "/jobs/00000000-0000-0000-0000-000000000001")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("pages")
    server = AppServer(folder, REVIEWER_ROLE="web", REVIEWER_OPERATOR_TOKEN=TOKEN)
    seed(server.store_url, 240)
    with server:
        yield server


@pytest.fixture
def operator(server) -> Iterator[Browser]:
    with Browser(server.url) as browser:
        browser.open("/sign-in")
        browser.send("/sign-in", token=TOKEN)
        yield browser


class TestSigningIn:
    @pytest.mark.parametrize("path", PATHS)
    def test_nothing_is_public(self, server, path):
        """Who is not signed in is sent to the page for that, and sees no job."""
        answer = httpx.get(server.url + path)
        assert (answer.status_code, answer.headers["location"], "octo-org" in answer.text) == (303, "/sign-in", False)

    def test_a_wrong_token_opens_nothing(self, server):
        """It is refused with a page; after ten of them the right one has to wait, too."""
        with Browser(server.url, address="192.0.2.66") as browser:
            browser.open("/sign-in")
            for _ in range(10):
                assert browser.send("/sign-in", token="guess").status_code == 403
            assert browser.send("/sign-in", token=TOKEN).status_code == 429

    def test_the_cookie_is_for_this_server_only(self, server):
        """No script reads it, no other site sends it, and where TLS is spoken only TLS carries it."""
        with httpx.Client(base_url=server.url, headers={"X-Forwarded-For": "192.0.2.7"}) as client:
            page = client.get("/sign-in")
            (form_token,) = re.findall(r'name="form_token" value="([^"]+)"', page.text)
            answer = client.post(
                "/sign-in", data={"token": TOKEN, "form_token": form_token}, headers={"X-Forwarded-Proto": "https"}
            )
            cookie = answer.headers["set-cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"))
            value = cookie.partition("=")[2].partition(";")[0]
            assert client.get("/", headers={"Cookie": f"reviewer_session={value}"}).status_code == 200
            assert client.get("/", headers={"Cookie": f"reviewer_session=X{value[1:]}"}).status_code == 303

    def test_signing_out(self, operator):
        assert operator.open("/").status_code == 200
        operator.send("/sign-out")
        assert "Operator&#39;s token" in operator.open("/").text

    @pytest.mark.parametrize("header", [{}, {"Sec-Fetch-Site": "cross-site"}])
    def test_a_form_of_another_site_does_nothing(self, operator, header):
        """A form without the page's own token, or one that the browser says comes from elsewhere."""
        operator.open("/?state=queued")
        (job,) = re.findall(r'href="(/jobs/[^"]+)"', operator.page.text)[:1]
        operator.open(job)
        fields = operator.form(f"{job}/cancel").fields if header else {}
        answer = operator.post(f"{job}/cancel", headers=header, **fields)
        assert (answer.status_code, "not current" in answer.text) == (403, True)


class TestJobs:
    def test_the_list(self, operator):
        """States with their counts, and the newest jobs with their step."""
        text = operator.open("/").text
        assert "asks the model: 5 of 6 answered" in text
        assert "waits for its turn" in text
        assert text.count("<tr>") == 51
        assert '<span class="number">240</span>' in text

    def test_filter_search_and_older_jobs(self, operator):
        failed = operator.open("/?state=failed").text
        assert set(re.findall(r'class="state (\w+)"', failed)) == {"failed"}
        assert "acme/engine" not in operator.open("/?text=octo-org/shop").text
        older = re.findall(r'href="(/\?before[^"]+)"', operator.open("/").text)
        assert "Older jobs" in operator.open(older[0]).text
        assert operator.open("/?state=nonsense&before=x&text=%00%f0").status_code == 200

    def test_a_page_of_a_job(self, operator):
        """What it is about, what was posted, what happened when, and each call with its dollars."""
        operator.open("/?state=done")
        text = operator.open(re.findall(r'href="(/jobs/[^"]+)"', operator.page.text)[0]).text
        for words in ("Summary comment", "delivery accepted", "attempt 1", "9,000", "$0.0031", "4 calls, $0.0129"):
            assert words in text
        assert "Retry" not in text
        assert operator.open("/jobs/nothing").status_code == 404

    def test_retry_and_cancel(self, server, operator):
        """A failed job is queued again, and cancelled; each change stands in its timeline."""
        operator.open("/?state=failed")
        path = re.findall(r'href="(/jobs/[^"]+)"', operator.page.text)[0]
        operator.open(path)
        operator.send(f"{path}/retry")
        assert "retried by an operator" in operator.page.text
        operator.send(f"{path}/cancel")
        assert "cancelled by an operator" in operator.page.text
        jobs = Jobs(server.store_url)
        jobs.open()
        assert jobs.record(path.rpartition("/")[2]).state is JobState.CANCELLED
        jobs.close()
        again = operator.form(f"{path}/retry").fields
        assert operator.post(f"{path}/cancel", **again).status_code == 409


class TestOperating:
    def test_figures(self, operator):
        """Dollars and reviews by day and repository, and findings by severity and fate."""
        text = operator.open("/figures?days=90").text
        assert text.count("<svg") == 2
        assert "<rect" in text
        assert re.search(r"octo-org/shop</th>.*?\$\d", text, re.DOTALL)
        assert "88 %" in text

    def test_errors(self, operator):
        text = operator.open("/errors").text
        assert "slow_down" in text
        assert "SlowDown: the service is busy" in text

    def test_deliveries_are_noticed(self, server, operator):
        """The page about GitHub tells whether a delivery came, and why it does not know the App."""
        assert "Waiting for the first delivery" in operator.open("/github").text
        assert server.deliver({"zen": "x"}, "ping") == (202, {"ignored": "ping"})
        for _ in range(100):
            if "Deliveries come" in operator.open("/github").text:
                break
        assert "(ping)" in operator.page.text
        assert "does not know the App&#39;s key" in operator.page.text

    @pytest.mark.parametrize("path", [*PATHS, "/sign-in", "/jobs/x"])
    def test_headers(self, operator, path):
        """Nothing inline, no frame, nothing kept by caches."""
        headers = operator.open(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", operator.page.text)
