"""What tokens of an installation may do, and that no token leaves for another host."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from tests.fakes.github import World
from webhooks.github.credentials import Credentials
from webhooks.github.errors import Forbidden, GitHubError, NotFound, Redirected
from webhooks.github.repository import Repository, connect
from webhooks.github.tokens import TO_REVIEW

pytestmark = pytest.mark.slow


def credentials_of(github: World) -> Credentials:
    return Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)


def repository_of(github: World, name: str = "") -> Repository:
    return connect(credentials_of(github), name or github.repo.full_name, github.installation.id)


def asked(github: World) -> list[dict[str, object]]:
    """Return what each request for a token asked for."""
    return [json.loads(call.body) for call in github.calls_to("POST /access_tokens$")]


def test_a_job_asks_for_its_repository_and_what_it_needs(github: World) -> None:
    """One token for all reads of a job; none that may write contents until something is to be written."""
    repository = repository_of(github)
    repository.pull(1)
    repository.comments(1)
    assert asked(github) == [{"repositories": ["shop"], "permissions": dict(TO_REVIEW)}]


def test_writing_contents_takes_a_token_of_its_own(github: World) -> None:
    """It is asked for when a branch is written, and refused where the installation may not."""
    branches = repository_of(github).branches()
    with pytest.raises(Forbidden):
        branches.create("x", github.pull.head)
    github.installation.permissions["contents"] = "write"
    repository_of(github).branches().create("x", github.pull.head)
    assert all(request["repositories"] == ["shop"] for request in asked(github))


def test_the_other_repositories_of_the_installation_are_out_of_reach(github: World) -> None:
    """A token for one repository does not open its private neighbour."""
    other = github.create_repository("octo-org/vault", {"README.md": "x\n"}, private=True)
    with pytest.raises(NotFound):
        repository_of(github)._transport.read(f"/repos/{other.full_name}/contents/README.md")


def test_an_installation_with_fewer_permissions_still_works(github: World) -> None:
    """What was not granted is not asked for a second time."""
    del github.installation.permissions["checks"]
    assert repository_of(github).pull(1).number == 1
    first, second = asked(github)
    assert "checks" in first["permissions"]  # type: ignore[operator]
    assert "checks" not in second["permissions"]  # type: ignore[operator]


def test_a_renamed_repository_is_found_by_its_id(github: World) -> None:
    """The job knows the old name only."""
    repository = repository_of(github)
    github.rename_repository(github.repo, "store")
    assert repository.pull(1).number == 1
    assert asked(github)[-1]["repository_ids"] == [github.repo.id]


def test_a_repository_that_is_gone_is_not_found(github: World) -> None:
    """The refusal of the token is the same typed error as that of a read."""
    with pytest.raises(NotFound):
        repository_of(github, "octo-org/nothing").pull(1)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, str, list[str]]]:
    """Serve two hosts: one that sends every request to the other, and the other, which keeps what it gets."""
    seen: list[str] = []

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Sending(Other):
        def do_GET(self) -> None:
            status = self.path.strip("/").partition("?")[0]
            self.send_response(int(status) if status.isdigit() else 404)
            self.send_header("Location", f"http://127.0.0.2:{other.server_port}/x")
            self.send_header("Link", f'<http://127.0.0.2:{other.server_port}/x>; rel="next"')
            self.end_headers()
            self.wfile.write(b"[]")

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    other = http.server.ThreadingHTTPServer(("127.0.0.2", 0), Other)
    sending = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sending)
    threads = [threading.Thread(target=server.serve_forever) for server in (other, sending)]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{sending.server_port}", f"http://127.0.0.2:{other.server_port}", seen
    for server in (other, sending):
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("how", ["read", "write", "bytes"])
def test_no_token_follows_a_redirect_to_another_host(
    elsewhere: tuple[str, str, list[str]], status: int, how: str
) -> None:
    """The request fails with a typed error, and the other host hears nothing."""
    url, _, seen = elsewhere
    transport = connect(Credentials(url, token="secret"), "o/r")._transport
    verb = "GET" if how == "read" else "POST"
    requests = {
        "bytes": lambda: transport.bytes_of(f"/{status}", "application/vnd.github.diff"),
        "read": lambda: transport.send(verb, f"/{status}", None, write=False),
        "write": lambda: transport.send(verb, f"/{status}", {"body": "x"}, write=True),
    }
    with pytest.raises(Redirected if status == 301 and how != "bytes" else GitHubError):
        requests[how]()
    assert seen == []


def test_no_token_follows_a_link_to_another_host(elsewhere: tuple[str, str, list[str]]) -> None:
    """The next page of a list is asked for on our own host, whatever host the link names."""
    url, _, seen = elsewhere
    with pytest.raises(NotFound):
        list(connect(Credentials(url, token="secret"), "o/r")._transport.pages("/200"))
    assert seen == []
