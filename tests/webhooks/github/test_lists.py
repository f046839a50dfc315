"""A list of GitHub's is read whole or not at all, and an answer that is nested without end is an error."""

from __future__ import annotations

import json

import pytest

from tests.fakes.github import World
from tests.fakes.github.faults import Reply, Trouble
from tests.fixtures.scenarios import DELETE, carry_out, model
from webhooks.github import transport
from webhooks.github.credentials import Credentials
from webhooks.github.errors import EndlessList, GitHubError, GitHubUnavailable
from webhooks.github.repository import Repository, connect
from webhooks.github.transport import next_page
from webhooks.handling.handle import JobEnding

#: Where the next page of the conversation is.
NEXT = "/repos/octo-org/shop/issues/1/comments?page=2"


def repository_of(github: World) -> Repository:
    """Return the first repository as a workflow's token sees it."""
    token = github.actions_token(github.repo)
    return connect(Credentials(api_url=github.url, token=token), github.repo.full_name)


def page(link: str, body: object = ()) -> Trouble:
    """Answer with a page of a list whose next page is there."""
    headers = {"Content-Type": "application/json", "Link": f'<{link}>; rel="next"'}
    return Trouble("page", Reply(200, json.dumps(body).encode(), headers))


def test_a_list_that_leads_back_to_itself(github: World) -> None:
    """It ends at the first page that comes again."""
    github.fault("GET /issues/1/comments", page(NEXT), times=None)
    with pytest.raises(EndlessList, match="2 pages"):
        repository_of(github).comments(1)
    assert len(github.calls_to("GET /issues/1/comments")) == 2


def test_a_list_of_ever_new_pages(github: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at the bound on pages."""
    monkeypatch.setattr(transport, "MAX_PAGES", 5)
    for number in range(5):
        github.fault("GET /issues/1/comments", page(f"{NEXT}{number}"))
    with pytest.raises(EndlessList, match="5 pages"):
        repository_of(github).comments(1)


def test_a_list_of_too_much_text(github: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at the bound on characters."""
    monkeypatch.setattr(transport, "MAX_LIST", 2_000)
    body = [{"id": 1, "body": "x" * 3_000, "user": {"login": "mona"}}]
    github.fault("GET /issues/1/comments", page(NEXT, body))
    with pytest.raises(EndlessList, match="1 pages"):
        repository_of(github).comments(1)


def test_a_page_on_another_host_is_asked_of_our_own(github: World) -> None:
    """No token leaves for another host; a proxy may pass on the addresses of the GitHub behind it."""
    github.fault("GET /issues/1/comments", page(f"http://elsewhere.invalid{NEXT}"))
    repository_of(github).comments(1)
    assert [call.query.get("page") for call in github.calls_to("GET /issues/1/comments")] == [None, "2"]


def test_the_pull_request_says_that_a_list_has_no_end(github: World) -> None:
    """Its comments cannot be known, so nothing is posted beside them: the check run says why."""
    github.fault("GET /issues/1/comments", page(NEXT), times=None)
    assert carry_out(github, github.opened, model(DELETE)).state is JobEnding.FAILED
    assert "the list has no end" in github.expect_check("failure").output["summary"]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer_nested_without_end(github: World, status: int) -> None:
    """It is an error of GitHub's, not a crash."""
    deep = b"[" * 200_000
    github.fault(
        "GET /pulls/1$", Trouble("deep", Reply(status, deep, {"Content-Type": "application/json"})), times=None
    )
    with pytest.raises(GitHubError) as caught:
        repository_of(github).pull(1)
    assert isinstance(caught.value, GitHubUnavailable) is (status != 404)


def test_a_next_page_without_an_address(github: World) -> None:
    """A list whose next page has no address ends there."""
    github.fault("GET /issues/1/comments", page(""), times=None)
    assert repository_of(github).comments(1) == []
    assert next_page('<>; rel="next"') is None
