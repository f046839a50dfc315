"""The double of GitHub over HTTP: who may do what, and what is read."""

from __future__ import annotations

import base64
import socket
from typing import Any

import httpx
import pytest

from tests.fakes.github import Entry, World, default_world
from tests.fixtures.github_callers import ISSUE, PULL, REPO, Connect, app_jwt, said

# -- who calls ----------------------------------------------------------------------------------------------------


def test_app_jwt_by_app_id_and_client_id(github: World, connect: Connect) -> None:
    """A JWT issued by the App's id or its client id is the App's."""
    for issuer in (str(github.app.id), github.app.client_id):
        assert connect(app_jwt(github, iss=issuer)).get("/app").json()["slug"] == "minimax-reviewer"


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": 700}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": -5}, "'Expiration time' claim ('exp') must be a numeric value representing the future time"),
        ({"iat": 120}, "'Issued at' claim ('iat') must be an Integer representing the time"),
        ({"iss": "999"}, "A JSON web token could not be decoded"),
        ({"iss": "my app"}, "'Issuer' claim ('iss') must be an Integer"),
    ],
)
def test_wrong_jwts(github: World, connect: Connect, claims: dict[str, Any], message: str) -> None:
    """Each way in which a JWT can be wrong has GitHub's own message."""
    now = int(github.now())
    timed = {name: now + value if name != "iss" else value for name, value in claims.items()}
    assert message in said(connect(app_jwt(github, **timed)).get("/app"), 401)


def test_jwt_by_another_key(github: World, connect: Connect) -> None:
    """A JWT that another key signed cannot be decoded."""
    header, payload, _ = app_jwt(github).split(".")
    forged = f"{header}.{payload}.{base64.urlsafe_b64encode(bytes(256)).decode().rstrip('=')}"
    assert said(connect(forged).get("/app"), 401) == "A JSON web token could not be decoded"


def test_installation_tokens(github: World, connect: Connect) -> None:
    """A token has the long format, the permissions asked for, ends after an hour and with the installation."""
    app = connect(app_jwt(github))
    url = f"/app/installations/{github.installation.id}/access_tokens"
    body = app.post(url, json={"permissions": {"contents": "read"}, "repositories": ["shop"]}).json()
    assert body["token"].startswith(f"ghs_{github.app.id}_")
    assert len(body["token"]) > 500
    api = connect(body["token"])
    assert api.get(f"{REPO}/contents/README.md").status_code == 200
    refused = api.get(f"{PULL}/files")
    assert said(refused, 403) == "Resource not accessible by integration"
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "pull_requests=read"
    github.pass_time(3601)
    assert said(api.get(f"{REPO}/contents/README.md"), 401) == "Bad credentials"


def test_tokens_cannot_exceed_the_grant(github: World, connect: Connect) -> None:
    """A token with more than the installation has, or for a repository that is not its, is refused."""
    app, url = connect(app_jwt(github)), f"/app/installations/{github.installation.id}/access_tokens"
    too_much = app.post(url, json={"permissions": {"contents": "write"}})
    assert "not granted to this installation" in said(too_much, 422)
    assert "not accessible to the parent installation" in said(app.post(url, json={"repositories": ["other"]}), 422)
    assert said(connect(github.token()).post(url), 401) == "A JSON web token could not be decoded"
    assert said(connect(app_jwt(github)).get(PULL), 403) == "Resource not accessible by integration"


def test_suspended_and_removed_installations(github: World, connect: Connect, api: httpx.Client) -> None:
    """Suspension answers 403 and can end; an uninstalled App's token is no credential at all."""
    github.suspend(github.installation)
    assert said(api.get(PULL), 403) == "This installation has been suspended"
    url = f"/app/installations/{github.installation.id}/access_tokens"
    assert said(connect(app_jwt(github)).post(url), 403) == "This installation has been suspended"
    github.unsuspend(github.installation)
    assert api.get(PULL).status_code == 200
    github.uninstall(github.installation)
    assert said(api.get(PULL), 401) == "Bad credentials"


def test_read_only_actions_token(github: World, connect: Connect) -> None:
    """The token of a fork's workflow run reads everything and writes nothing."""
    api = connect(github.read_only_token(github.repo))
    assert api.get(f"{PULL}/files").status_code == 200
    for url, body in ((f"{ISSUE}/comments", {"body": "x"}), (f"{REPO}/check-runs", {})):
        assert said(api.post(url, json=body), 403) == "Resource not accessible by integration"


def test_actions_token(github: World, connect: Connect) -> None:
    """`GITHUB_TOKEN` writes as github-actions[bot], cannot approve, and is nobody to /user."""
    api = connect(github.actions_token(github.repo))
    assert api.post(f"{ISSUE}/comments", json={"body": "Hello"}).json()["user"]["login"] == "github-actions[bot]"
    approved = api.post(f"{PULL}/reviews", json={"event": "APPROVE"})
    assert approved.json()["errors"] == ["GitHub Actions is not permitted to approve pull requests."]
    assert said(api.get("/user"), 403) == "Resource not accessible by integration"
    assert connect(github.user_token("mona")).get("/user").json()["login"] == "mona"
    github.expect_comment("Hello", by="github-actions[bot]")


@pytest.mark.slow
def test_private_repositories_are_invisible() -> None:
    """What a caller may not see is 404, never 403, without a login as with one."""
    with default_world(private=True) as world:
        for token in (world.user_token("stan"), ""):
            with world.client(token) as stranger:
                assert said(stranger.get(PULL), 404) == "Not Found"
        with world.client(world.user_token("rita")) as reader:
            assert reader.get(PULL).status_code == 200


def test_nobody_reads_what_is_public(connect: Connect) -> None:
    """Without a login public things can be read, at sixty requests an hour, and nothing written."""
    nobody = connect("")
    assert nobody.get(PULL).headers["X-RateLimit-Limit"] == "60"
    assert said(nobody.post(f"{ISSUE}/comments", json={"body": "x"}), 401) == "Requires authentication"


# -- HTTP ---------------------------------------------------------------------------------------------------------


def test_missing_user_agent_is_refused_in_plain_text(github: World) -> None:
    """A request without a User-Agent gets a page of text and no JSON."""
    with github.client() as client:
        request = client.build_request("GET", "/meta")
        del request.headers["User-Agent"]
        response = client.send(request)
    assert response.status_code == 403
    assert response.text.startswith("Request forbidden by administrative rules.")


def test_a_client_that_dies_while_it_sends_is_not_heard(github: World) -> None:
    """Half a request changes nothing."""
    url = httpx.URL(github.url)
    head = f"POST {url.raw_path.decode()}/graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    with socket.create_connection((url.host, url.port), timeout=10) as client:
        client.sendall(f'{head}{{"query"'.encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
    assert github.calls == []


@pytest.mark.slow
def test_trailing_slash_unknown_route_and_parameter_are_violations() -> None:
    """A URL that GitHub does not have is 404 and, like a parameter it does not know, fails the test at its end."""
    with default_world(strict=False) as world, world.client(world.token()) as api:
        for path in (f"{PULL}/", f"{REPO}/nothing"):
            assert said(api.get(path), 404) == "Not Found"
        assert api.get(f"{PULL}?perpage=3").status_code == 200
        assert len(world.violations) == 3
        assert "has no parameter perpage" in world.left_over()[2]


def test_renamed_repository_redirects(github: World, api: httpx.Client) -> None:
    """The old name answers 301 to the address by id, and a write 307, so that the body is sent again."""
    github.rename_repository(github.repo, "store")
    moved = api.get(PULL)
    assert moved.status_code == 301
    assert moved.headers["Location"] == f"{github.url}/repositories/{github.repo.id}/pulls/1"
    assert api.get(PULL, follow_redirects=True).json()["base"]["repo"]["full_name"] == "octo-org/store"
    assert api.post(f"{ISSUE}/comments", json={"body": "Hi"}, follow_redirects=True).status_code == 201
    github.expect_comment("Hi")


def test_pages_are_linked_by_repository_id(github: World, api: httpx.Client) -> None:
    """Links lead through all pages, name the repository by its id, and no page is larger than the world allows."""
    github.max_per_page = 4
    seen, url = [], f"{PULL}/files?per_page=100"
    while url:
        page = api.get(url)
        seen.append([file["filename"] for file in page.json()])
        url = page.links.get("next", {}).get("url", "")
        assert not url or f"/repositories/{github.repo.id}/pulls/1/files" in url
    assert [len(page) for page in seen] == [4, 2]


def test_etags_spare_the_limit(github: World, api: httpx.Client) -> None:
    """A 304 costs nothing of the hourly limit, and the limit itself can be spent."""
    first = api.get(f"{PULL}/files")
    again = api.get(f"{PULL}/files", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.get("/rate_limit").json()["resources"]["core"]["used"] == 1
    github.spent[f"Bearer {api.headers['Authorization'].split()[1]}"] = 5000
    spent = api.get(f"{PULL}/files")
    assert said(spent, 403).startswith("API rate limit exceeded")
    assert spent.headers["X-RateLimit-Remaining"] == "0"


def test_versions(api: httpx.Client) -> None:
    """An unknown API version is refused, and the newest drops what it has dropped."""
    assert "is not supported" in said(api.get(PULL, headers={"X-GitHub-Api-Version": "2031-01-01"}), 400)
    assert "rate" in api.get("/rate_limit").json()
    assert "rate" not in api.get("/rate_limit", headers={"X-GitHub-Api-Version": "2026-03-10"}).json()


@pytest.mark.slow
def test_enterprise_server_addresses() -> None:
    """With a prefix REST is below /api/v3 only, and GraphQL at /api/graphql."""
    with default_world(prefix="/api/v3") as world, world.client(world.token()) as api:
        assert world.url.endswith("/api/v3")
        assert api.get(PULL).status_code == 200
        query = {"query": '{ repository(owner: "octo-org", name: "shop") { nameWithOwner } }'}
        body = api.post(world.graphql_url, json=query).json()
        assert body == {"data": {"repository": {"nameWithOwner": "octo-org/shop"}}}
        assert api.get(f"{world.url.removesuffix('/api/v3')}/meta").status_code == 404
        world.violations.clear()


# -- reading ------------------------------------------------------------------------------------------------------


def test_files_of_the_default_world(api: httpx.Client) -> None:
    """The default pull request has a file of each kind, with patches where GitHub gives them."""
    files = {file["filename"]: file for file in api.get(f"{PULL}/files").json()}
    statuses = {name: file["status"] for name, file in files.items()}
    assert statuses == {
        "assets/logo.png": "modified",
        "docs/legacy.md": "removed",
        "src/cart.py": "modified",
        "src/discounts.py": "added",
        "src/prices.py": "renamed",
        "tests/test_cart.py": "modified",
    }
    assert files["src/prices.py"]["previous_filename"] == "src/money.py"
    assert "patch" not in files["assets/logo.png"]
    assert files["src/cart.py"]["patch"].count("@@ -") == 2
    assert files["docs/legacy.md"]["patch"].startswith("@@ -1,4 +0,0 @@\n-# Legacy")


def test_diff_is_gits_own(github: World, api: httpx.Client) -> None:
    """The `.diff` media type is what git prints, and `.patch` a mail for each commit."""
    diff = api.get(PULL, headers={"Accept": "application/vnd.github.diff"})
    assert diff.headers["Content-Type"].startswith("application/vnd.github.diff")
    assert diff.content == github.repo.git.run("diff", f"{github.pull.merge_base()}", github.pull.head)
    patch = api.get(PULL, headers={"Accept": "application/vnd.github.v3.patch"}).text
    assert "Subject: [PATCH] Add discount codes" in patch


def test_diff_limits(github: World, api: httpx.Client) -> None:
    """Beyond a limit the diff is 406 with `too_large`, and the files lose their patches instead."""
    accept = {"Accept": "application/vnd.github.diff"}
    for name, word in (("diff_files", "files (3)"), ("diff_lines", "lines (3)"), ("diff_bytes", "bytes (3)")):
        held = getattr(github.limits, name)
        setattr(github.limits, name, 3)
        refused = api.get(PULL, headers=accept)
        assert f"exceeded the maximum number of {word}" in said(refused, 406)
        assert refused.json()["errors"] == [{"resource": "PullRequest", "field": "diff", "code": "too_large"}]
        setattr(github.limits, name, held)
    github.limits.patch_lines = 10
    files = {file["filename"]: file for file in api.get(f"{PULL}/files").json()}
    assert "patch" not in files["src/discounts.py"]
    assert files["src/discounts.py"]["changes"] == 19
    assert "patch" in files["src/prices.py"]


def test_odd_files(github: World, api: httpx.Client) -> None:
    """Names, modes, links and submodules come through as git has them."""
    github.push(
        github.pull,
        {
            "a b/\u00fc.txt": "no newline",
            "run.sh": Entry("#!/bin/sh\n", "100755"),
            "link": Entry("src/cart.py", "120000"),
            "vendored": Entry("1" * 40, "160000"),
            "README.md": Entry("# Shop\n\nA small shop.\n", "100755"),
            "src/cart.py": "one\r\ntwo\x0cthree\u2028four\n",
        },
    )
    files = {file["filename"]: file for file in api.get(f"{PULL}/files").json()}
    assert files["a b/\u00fc.txt"]["patch"] == "@@ -0,0 +1 @@\n+no newline\n\\ No newline at end of file"
    assert (files["README.md"]["status"], files["README.md"]["changes"]) == ("changed", 0)
    assert "patch" not in files["README.md"]
    assert files["vendored"]["patch"].endswith(f"+Subproject commit {'1' * 40}")
    assert "+two\x0cthree\u2028four" in files["src/cart.py"]["patch"]
    link = api.get(f"{REPO}/contents/link?ref=discounts").json()
    assert (link["type"], link["path"], link["encoding"]) == ("file", "link", "base64")
    assert base64.b64decode(link["content"]).startswith(b"one\r\n")
    assert api.get(f"{REPO}/contents/vendored?ref=discounts").json()["type"] == "submodule"
    assert api.get(f"{REPO}/contents/a%20b/%C3%BC.txt?ref=discounts").json()["name"] == "\u00fc.txt"


def test_contents_of_every_size(github: World, api: httpx.Client) -> None:
    """Above the limit contents come raw or as an object only, and a missing file or ref is 404."""
    github.limits.content_bytes = 100
    url = f"{REPO}/contents/src/cart.py"
    refused = api.get(url)
    assert said(refused, 403).startswith("This API returns blobs up to 1 MB")
    assert refused.json()["errors"][0]["code"] == "too_large"
    shown = api.get(url, headers={"Accept": "application/vnd.github.object+json"}).json()
    assert (shown["encoding"], shown["content"]) == ("none", "")
    raw = api.get(url, headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.text.startswith('"""A shopping cart."""')
    assert said(api.get(f"{REPO}/contents/nothing"), 404) == "Not Found"
    assert "No commit found for the ref nowhere" in said(api.get(f"{url}?ref=nowhere"), 404)
    assert api.get(f"{REPO}/contents/src/cart.py?ref=refs/pull/1/head").status_code == 403


def test_permissions_of_people(api: httpx.Client) -> None:
    """The permission endpoint folds maintain and triage as GitHub does, and keeps the role's name."""
    asked = {
        login: api.get(f"{REPO}/collaborators/{login}/permission").json()
        for login in ("octocat", "mona", "alice", "trixie", "rita", "stan")
    }
    assert {login: (body["permission"], body["role_name"]) for login, body in asked.items()} == {
        "octocat": ("admin", "admin"),
        "mona": ("write", "maintain"),
        "alice": ("write", "write"),
        "trixie": ("read", "triage"),
        "rita": ("read", "read"),
        "stan": ("read", "read"),
    }
    assert said(api.get(f"{REPO}/collaborators/nobody-at-all/permission"), 404) == "Not Found"


def test_compare(github: World, api: httpx.Client) -> None:
    """A comparison knows ahead, behind, diverged and identical, and reaches into forks."""
    before = github.pull.head
    github.push(github.pull, {"NEWS.md": "New\n"})
    ahead = api.get(f"{REPO}/compare/{before}...{github.pull.head}").json()
    assert (ahead["status"], [file["filename"] for file in ahead["files"]]) == ("ahead", ["NEWS.md"])
    github.force_push(github.pull, {"NEWS.md": "Other\n"})
    assert api.get(f"{REPO}/compare/{before}...{github.pull.head}").json()["status"] == "diverged"
    assert api.get(f"{REPO}/compare/main...main").json()["status"] == "identical"
    assert api.get(f"{REPO}/compare/discounts...main").json()["status"] == "behind"
    fork = github.fork(github.repo, "stan")
    fork.commit({"FORK.md": "x\n"}, "Fork", branch="topic")
    across = api.get(f"{REPO}/compare/main...stan:topic").json()
    assert [file["filename"] for file in across["files"]] == ["FORK.md"]


def test_mergeable_is_computed_late(github: World, api: httpx.Client) -> None:
    """The first look at a head finds `mergeable` null, the next one true, or false where it conflicts."""
    assert [api.get(PULL).json()["mergeable"] for _ in range(3)] == [None, True, True]
    github.push_to_base(github.repo, {"src/cart.py": "Something else\n"})
    github.push(github.pull, {"NEWS.md": "x\n"})
    assert [api.get(PULL).json()["mergeable_state"] for _ in range(2)] == ["unknown", "dirty"]
