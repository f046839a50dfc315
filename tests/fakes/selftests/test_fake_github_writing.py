"""What may be written to the double of GitHub, and what it refuses with which words."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import httpx
import pytest

from tests.fakes.github import World
from tests.fixtures.github_callers import ISSUE, PULL, REPO, Connect, said


def test_comments_are_limited_and_owned(github: World, connect: Connect, api: httpx.Client) -> None:
    """A comment has a body of at most 65,536 characters, and only its author's App may change it."""
    url = f"{ISSUE}/comments"
    assert api.post(url, json={"body": "\u00fc" * 65_536}).status_code == 201
    github.expect_comment("\u00fc")
    error = {
        "resource": "IssueComment",
        "code": "unprocessable",
        "field": "data",
        "message": "Body is too long (maximum is 65536 characters)",
    }
    assert api.post(url, json={"body": "x" * 65_537}).json()["errors"] == [error]
    assert '"body" wasn\'t supplied.' in said(api.post(url, json={}), 422)
    assert '"text" is not a permitted key.' in said(api.post(url, json={"body": "x", "text": "y"}), 422)
    other = github.comment(github.pull, "Mine", by="rita").subject
    assert said(api.patch(f"{REPO}/issues/comments/{other.id}", json={"body": "Not mine"}), 403)
    assert connect(github.user_token("rita")).delete(f"{REPO}/issues/comments/{other.id}").status_code == 204
    github.expect_deletion("comment")


def test_issues_permission_is_for_issues(github: World, connect: Connect) -> None:
    """With pull_requests alone an App speaks on pull requests and is refused on issues."""
    issue = github.open_issue(github.repo, title="Help")
    token, _ = github.installation_token(github.installation, permissions={"pull_requests": "write"})
    api = connect(token)
    assert api.post(f"{ISSUE}/comments", json={"body": "Hi"}).status_code == 201
    refused = api.post(f"{REPO}/issues/{issue.number}/comments", json={"body": "Hi"})
    assert said(refused, 403) == "Resource not accessible by integration"
    github.expect_comment("Hi", on=github.pull)


def test_locked_and_archived(github: World, api: httpx.Client) -> None:
    """A locked conversation and an archived repository take nothing more."""
    github.lock(github.pull)
    for url, body in ((f"{ISSUE}/comments", {"body": "x"}), (f"{PULL}/reviews", {"event": "COMMENT", "body": "x"})):
        assert said(api.post(url, json=body), 403) == "Unable to create comment because issue is locked."
    github.unlock(github.pull)
    github.repo.archived = True
    assert said(api.post(f"{ISSUE}/comments", json={"body": "x"}), 403) == "Repository was archived so is read-only."


def test_pending_reviews(github: World, connect: Connect, api: httpx.Client) -> None:
    """A pending review is seen by its author only and blocks another until it is submitted or deleted."""
    review = {"body": "Later", "comments": [{"path": "src/cart.py", "line": 3, "body": "x"}]}
    pending = api.post(f"{PULL}/reviews", json=review).json()
    assert pending["state"] == "PENDING"
    assert "submitted_at" not in pending
    assert api.get(f"{PULL}/comments").json() == []
    assert connect(github.user_token("mona")).get(f"{PULL}/reviews").json() == []
    blocked = api.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x"})
    assert blocked.json()["errors"] == ["User can only have one pending review per pull request"]
    assert api.delete(f"{PULL}/reviews/{pending['id']}").status_code == 200
    assert not github.pull.threads
    second = api.post(f"{PULL}/reviews", json=review).json()
    assert '"event" wasn\'t supplied.' in said(api.post(f"{PULL}/reviews/{second['id']}/events", json={}), 422)
    submitted = api.post(f"{PULL}/reviews/{second['id']}/events", json={"event": "COMMENT"})
    assert submitted.json()["state"] == "COMMENTED"
    assert "non-pending" in api.delete(f"{PULL}/reviews/{second['id']}").json()["errors"][0]
    assert len(api.get(f"{PULL}/comments").json()) == 1
    github.expect_review("Later", comments=1)


def test_verdicts(github: World, connect: Connect, api: httpx.Client) -> None:
    """Nobody judges their own pull request, an unknown event is refused, and a body is required where it is."""
    url, alice = f"{PULL}/reviews", connect(github.user_token("alice"))
    approved = alice.post(url, json={"event": "APPROVE"})
    assert approved.json()["errors"] == ["Review Can not approve your own pull request"]
    wished = alice.post(url, json={"event": "REQUEST_CHANGES", "body": "x"})
    assert wished.json()["errors"] == ["Review Can not request changes on your own pull request"]
    assert "is not a member of" in said(api.post(url, json={"event": "LGTM", "body": "x"}), 422)
    assert api.post(url, json={"event": "COMMENT"}).json()["errors"] == ["Review Body can't be blank"]
    assert api.post(url, json={"event": "APPROVE"}).json()["state"] == "APPROVED"
    github.expect_review(state="APPROVED")


def test_replies_go_to_the_first_comment(github: World, api: httpx.Client) -> None:
    """A thread is answered at its top; a reply to a reply is refused."""
    top = github.review_comment(github.pull, "Why?", by="mona", path="src/cart.py", line=3).subject
    made = api.post(f"{PULL}/comments/{top.id}/replies", json={"body": "Because"}).json()
    assert (made["in_reply_to_id"], made["line"], made["path"]) == (top.id, 3, "src/cart.py")
    assert api.post(f"{PULL}/comments", json={"body": "Also", "in_reply_to": top.id}).status_code == 201
    assert api.post(f"{PULL}/comments/{made['id']}/replies", json={"body": "x"}).status_code == 422
    assert '"body" wasn\'t supplied.' in said(api.post(f"{PULL}/comments", json={"in_reply_to": top.id}), 422)
    assert api.delete(f"{REPO}/pulls/comments/{made['id']}").status_code == 204
    github.expect_deletion("review comment")
    github.expect_review_comment("Also")


def test_reactions(github: World, api: httpx.Client) -> None:
    """The same reaction twice is 201, then 200 with the one that is there."""
    comment = github.comment(github.pull, "/review", by="mona").subject
    url = f"{REPO}/issues/comments/{comment.id}/reactions"
    first, second = (api.post(url, json={"content": "eyes"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert "is not a member of" in said(api.post(url, json={"content": "thumbs"}), 422)
    assert api.get(f"{REPO}/issues/comments/{comment.id}").json()["reactions"]["eyes"] == 1
    github.expect_reaction("eyes", comment, by="minimax-reviewer[bot]")
    assert api.delete(f"{url}/{first.json()['id']}").status_code == 204


def note(**more: Any) -> dict[str, Any]:
    note = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "x"}
    return note | more


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"output": {"title": "t", "summary": "s", "annotations": [note()] * 51}}, "No more than 50 items are allowed"),
        (
            {"output": {"title": "t", "summary": "s" * 65_536}},
            "Only 65535 characters are allowed; 65536 were supplied.",
        ),
        ({"output": {"title": "t"}}, '"summary" wasn\'t supplied.'),
        ({"output": {"summary": "s"}}, '"title" wasn\'t supplied.'),
        ({"output": {"title": "t", "summary": "s", "annotations": [note(end_line=2, start_column=1)]}}, "start_column"),
        (
            {"output": {"title": "t", "summary": "s", "annotations": [note(annotation_level="error")]}},
            "not a member of",
        ),
        ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
        ({"conclusion": "good"}, "is not a member of"),
        ({"actions": [{"label": "x" * 21, "description": "d", "identifier": "i"}]}, "Only 20 characters are allowed"),
        ({"actions": [{"label": "x", "description": "d", "identifier": "i"}] * 4}, "No more than 3 items are allowed"),
        ({"head_sha": "0" * 40}, "No commit found for SHA"),
        ({"started_at": "yesterday"}, "is not a date-time"),
        ({"colour": "red"}, '"colour" is not a permitted key.'),
    ],
)
def test_check_runs_within_limits(github: World, api: httpx.Client, wrong: dict[str, Any], message: str) -> None:
    """A check run beyond GitHub's limits is refused and not stored."""
    body = {"name": "reviewer", "head_sha": github.pull.head} | wrong
    assert message in said(api.post(f"{REPO}/check-runs", json=body), 422)
    assert not github.repo.check_runs


def test_check_runs_belong_to_apps(github: World, connect: Connect, api: httpx.Client) -> None:
    """Only an App makes check runs, only its own App changes one, and annotations add up."""
    body = {"name": "reviewer", "head_sha": github.pull.head, "status": "in_progress"}
    person = connect(github.user_token("octocat")).post(f"{REPO}/check-runs", json=body)
    assert said(person, 403) == "You must authenticate via a GitHub App."
    made = api.post(f"{REPO}/check-runs", json=body).json()
    url = f"{REPO}/check-runs/{made['id']}"
    for _ in range(2):
        output = {"title": "t", "summary": "s", "annotations": [note()] * 50}
        api.patch(url, json={"output": output, "conclusion": "failure"})
    run = api.get(url).json()
    assert (run["status"], run["output"]["annotations_count"]) == ("completed", 100)
    stranger = connect(github.actions_token(github.repo)).patch(url, json={"conclusion": "success"})
    assert "can only be modified by the GitHub App that created it" in said(stranger, 403)
    assert github.expect_check("failure", on=github.pull).name == "reviewer"


def test_check_runs_of_forks_name_no_pull_request(github: World, api: httpx.Client) -> None:
    """A check run on a fork's head lists no pull requests, so the number has to be kept elsewhere."""
    fork = github.fork(github.repo, "stan")
    fork.commit({"FORK.md": "x\n"}, "Fork", branch="topic")
    pull = github.open_pull(github.repo, "topic", fork=fork, by="stan").subject
    body = {"name": "reviewer", "head_sha": pull.head, "external_id": "2", "conclusion": "neutral"}
    assert api.post(f"{REPO}/check-runs", json=body).json()["pull_requests"] == []
    assert github.expect_check("neutral", on=pull).external_id == "2"


def test_sarif_has_to_be_gzipped_base64(github: World, connect: Connect) -> None:
    """A SARIF upload is unpacked and kept, and anything else is refused."""
    api = connect(github.actions_token(github.repo))
    sarif = base64.b64encode(gzip.compress(json.dumps({"runs": []}).encode())).decode()
    body = {"commit_sha": github.pull.head, "ref": "refs/pull/1/merge", "sarif": sarif}
    number = api.post(f"{REPO}/code-scanning/sarifs", json=body).json()["id"]
    assert github.repo.sarifs[number]["sarif"] == {"runs": []}
    assert "Invalid SARIF" in said(api.post(f"{REPO}/code-scanning/sarifs", json=body | {"sarif": "{}"}), 400)


def test_too_many_writes_in_a_minute(github: World, api: httpx.Client) -> None:
    """Content made faster than the secondary limit allows is refused with Retry-After, until a minute has passed."""
    github.limits.contents_per_minute = 2
    for _ in range(2):
        assert api.post(f"{ISSUE}/comments", json={"body": "x"}).status_code == 201
    limited = api.post(f"{ISSUE}/comments", json={"body": "x"})
    assert "secondary rate limit" in said(limited, 403)
    assert limited.headers["Retry-After"] == "60"
    github.pass_time(61)
    assert api.post(f"{ISSUE}/comments", json={"body": "x"}).status_code == 201
    github.forgive()
