"""The double's bodies, held against GitHub's published description through githubkit's models."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from githubkit_schemas.latest import models
from pydantic import TypeAdapter

from tests.fakes.github import World, default_world
from tests.fakes.github.model.deliveries import Delivery

PULL = "/repos/octo-org/shop/pulls/1"
REPO = "/repos/octo-org/shop"


@pytest.fixture(scope="module")
def github() -> Iterator[World]:
    with default_world(strict=False) as world:
        world.installation.permissions |= {"contents": "write", "security_events": "write"}
        yield world


@pytest.fixture(scope="module")
def api(github: World) -> Iterator[httpx.Client]:
    """Return a client with an installation token, on a pull request on which everything was said once."""
    with github.client(github.token(), **{"X-GitHub-Api-Version": "2026-03-10"}) as client:
        github.open_issue(github.repo, title="Codes?", body="Please")
        github.comment(github.pull, "First!", by="stan")
        github.label(github.pull, "bug")
        yield client


@pytest.fixture(scope="module")
def app(github: World) -> Iterator[httpx.Client]:
    now = int(github.now())
    claims = {"iss": str(github.app.id), "iat": now - 60, "exp": now + 540}
    token = jwt.encode(claims, github.app.private_key, algorithm="RS256")
    with github.client(token) as client:
        yield client


def fits(model: Any, response: httpx.Response, status: int = 200) -> Any:
    """Check a response's status and that its body fits the published model; return the body."""
    assert response.status_code == status, response.text
    body = response.json()
    TypeAdapter(model).validate_python(body)
    return body


def review(api: httpx.Client) -> dict[str, Any]:
    comments = [{"path": "src/discounts.py", "line": 8, "start_line": 6, "body": "`used` is shared."}]
    return api.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "Three lines", "comments": comments}).json()


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (REPO, models.FullRepository),
        (f"{REPO}/pulls", list[models.PullRequestSimple]),
        (PULL, models.PullRequest),
        (f"{PULL}/files", list[models.DiffEntry]),
        (f"{PULL}/commits", list[models.Commit]),
        (f"{REPO}/issues/1", models.Issue),
        (f"{REPO}/issues/2", models.Issue),
        (f"{REPO}/issues/1/comments", list[models.IssueComment]),
        (f"{REPO}/issues/1/labels", list[models.Label]),
        (f"{REPO}/commits/discounts", models.Commit),
        (f"{REPO}/compare/main...discounts", models.CommitComparison),
        (f"{REPO}/contents/src/cart.py?ref=discounts", models.ContentFile),
        (f"{REPO}/contents/src", list[models.ContentDirectoryItems]),
        (f"{REPO}/git/trees/main?recursive=1", models.GitTree),
        (f"{REPO}/collaborators/mona/permission", models.RepositoryCollaboratorPermission),
        ("/rate_limit", models.RateLimitOverview),
        ("/meta", models.ApiOverview),
    ],
)
def test_what_is_read_fits_the_description(api: httpx.Client, path: str, model: Any) -> None:
    """Every resource a reviewer reads has the keys and types that GitHub publishes for it."""
    fits(model, api.get(path))


def test_wrapped_lists_fit_the_description(api: httpx.Client) -> None:
    """A list that comes with its count has fitting items."""
    body = api.get("/installation/repositories").json()
    TypeAdapter(list[models.Repository]).validate_python(body["repositories"])
    assert body["total_count"] == len(body["repositories"]) == 1


def test_reviews_fit_the_description(api: httpx.Client) -> None:
    """A review, its comments in both shapes, a reply and the lists of them fit their models."""
    made = review(api)
    TypeAdapter(models.PullRequestReview).validate_python(made)
    fits(list[models.PullRequestReview], api.get(f"{PULL}/reviews"))
    fits(models.PullRequestReview, api.get(f"{PULL}/reviews/{made['id']}"))
    fits(list[models.ReviewComment], api.get(f"{PULL}/reviews/{made['id']}/comments"))
    first = fits(list[models.PullRequestReviewComment], api.get(f"{PULL}/comments"))[0]
    reply = api.post(f"{PULL}/comments/{first['id']}/replies", json={"body": "Fixed"})
    fits(models.PullRequestReviewComment, reply, 201)
    fits(models.PullRequestReviewComment, api.get(f"{REPO}/pulls/comments/{first['id']}"))
    on_file = {"path": "src/cart.py", "subject_type": "file", "body": "Hm", "commit_id": first["commit_id"]}
    fits(models.PullRequestReviewComment, api.post(f"{PULL}/comments", json=on_file), 201)


def test_conversation_fits_the_description(api: httpx.Client) -> None:
    """A comment that is made, edited and reacted to fits its model each time."""
    made = fits(models.IssueComment, api.post(f"{REPO}/issues/1/comments", json={"body": "Hello"}), 201)
    fits(models.IssueComment, api.patch(f"{REPO}/issues/comments/{made['id']}", json={"body": "Hello again"}))
    reactions = f"{REPO}/issues/comments/{made['id']}/reactions"
    fits(models.Reaction, api.post(reactions, json={"content": "eyes"}), 201)
    fits(list[models.Reaction], api.get(reactions))
    assert api.delete(f"{REPO}/issues/comments/{made['id']}").status_code == 204


def test_checks_fit_the_description(github: World, api: httpx.Client) -> None:
    """A check run, its annotations, a commit status and a SARIF receipt fit their models."""
    sha = github.pull.head
    note = {"path": "src/cart.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "Hm"}
    output = {"title": "Reviewed", "summary": "One finding", "annotations": [note]}
    body = {"name": "reviewer", "head_sha": sha, "conclusion": "neutral", "output": output}
    made = fits(models.CheckRun, api.post(f"{REPO}/check-runs", json=body), 201)
    assert made["pull_requests"][0]["number"] == 1
    fits(models.CheckRun, api.get(f"{REPO}/check-runs/{made['id']}"))
    fits(list[models.CheckAnnotation], api.get(f"{REPO}/check-runs/{made['id']}/annotations"))
    listed = api.get(f"{REPO}/commits/{sha}/check-runs").json()
    assert [run["id"] for run in listed["check_runs"]] == [made["id"]]
    fits(models.Status, api.post(f"{REPO}/statuses/{sha}", json={"state": "success", "context": "reviewer"}), 201)
    sarif = base64.b64encode(gzip.compress(b'{"version": "2.1.0", "runs": []}')).decode()
    upload = {"commit_sha": sha, "ref": "refs/pull/1/head", "sarif": sarif}
    fits(models.CodeScanningSarifsReceipt, api.post(f"{REPO}/code-scanning/sarifs", json=upload), 202)


def test_blobs_fit_the_description(github: World, api: httpx.Client) -> None:
    """A blob read by its sha fits its model and holds git's own bytes."""
    entry = github.repo.git.at(github.pull.head, "assets/logo.png")
    assert entry is not None
    body = fits(models.Blob, api.get(f"{REPO}/git/blobs/{entry.sha}"))
    assert base64.b64decode(body["content"]) == github.repo.git.blob(entry.sha)


def test_app_fits_the_description(github: World, app: httpx.Client) -> None:
    """The App, its installations, their tokens and its deliveries fit their models."""
    number = github.installation.id
    fits(models.Integration, app.get("/app"))
    fits(list[models.Installation], app.get("/app/installations"))
    fits(models.Installation, app.get(f"/app/installations/{number}"))
    fits(models.Installation, app.get(f"{REPO}/installation"))
    fits(models.InstallationToken, app.post(f"/app/installations/{number}/access_tokens", json={}), 201)
    with pytest.raises(httpx.ConnectError):
        github.deliveries[0].post("http://127.0.0.1:1/")
    listed = fits(list[models.HookDeliveryItem], app.get("/app/hook/deliveries"))
    assert listed[0]["status"] == "failed to connect to host"
    fits(models.HookDelivery, app.get(f"/app/hook/deliveries/{listed[0]['id']}"))


def _acts(world: World) -> Iterator[tuple[Any, Delivery]]:
    pull = world.pull
    yield models.WebhookPullRequestSynchronize, world.push(pull, {"src/discounts.py": "CODES = {}\n"})
    yield models.WebhookPullRequestConvertedToDraft, world.convert_to_draft(pull)
    yield models.WebhookPullRequestReadyForReview, world.ready_for_review(pull)
    yield models.WebhookPullRequestEdited, world.edit(pull, title="Other")
    yield models.WebhookPullRequestLabeled, world.label(pull, "later")
    said = world.comment(pull, "Look", by="rita")
    yield models.WebhookIssueCommentCreated, said
    yield models.WebhookIssueCommentEdited, world.edit_comment(said.subject, "Look!")
    yield models.WebhookIssueCommentDeleted, world.delete_comment(said.subject)
    yield models.WebhookPullRequestReviewSubmitted, world.review(pull, "Fine", by="mona")
    remark = world.review_comment(pull, "Why?", by="mona", path="src/discounts.py", line=1)
    yield models.WebhookPullRequestReviewCommentCreated, remark
    yield models.WebhookPullRequestReviewThreadResolved, world.resolve(remark.subject.thread)
    yield models.WebhookPullRequestReviewThreadUnresolved, world.unresolve(remark.subject.thread)
    yield models.WebhookPullRequestClosed, world.close(pull)
    yield models.WebhookPullRequestReopened, world.reopen(pull)
    yield models.WebhookInstallationSuspend, world.suspend(world.installation)
    yield models.WebhookInstallationUnsuspend, world.unsuspend(world.installation)
    yield models.WebhookPing, world.ping()


@pytest.mark.slow
def test_deliveries_fit_the_description() -> None:
    """The payload of every act fits the model that GitHub publishes for its event and action."""
    with default_world() as world:
        first = world.deliveries
        TypeAdapter(models.WebhookInstallationCreated).validate_python(first[0].payload)
        TypeAdapter(models.WebhookPullRequestOpened).validate_python(first[1].payload)
        for model, delivery in _acts(world):
            TypeAdapter(model).validate_python(delivery.payload)


@pytest.mark.slow
def test_check_run_deliveries_fit_the_description() -> None:
    """A check run's own events, and those of a pressed button, fit their models."""
    with default_world() as world, world.client(world.token()) as api:
        action = {"label": "Again", "description": "Review again", "identifier": "again"}
        body = {"name": "reviewer", "head_sha": world.pull.head, "status": "in_progress", "actions": [action]}
        made = api.post(f"{REPO}/check-runs", json=body).json()
        TypeAdapter(models.WebhookCheckRunCreated).validate_python(world.deliveries[-1].payload)
        api.patch(f"{REPO}/check-runs/{made['id']}", json={"conclusion": "success"})
        TypeAdapter(models.WebhookCheckRunCompleted).validate_python(world.deliveries[-1].payload)
        run = world.expect_check("success")
        TypeAdapter(models.WebhookCheckRunRerequested).validate_python(world.rerequest(run).payload)
        pressed = world.request_action(run, "again").payload
        TypeAdapter(models.WebhookCheckRunRequestedAction).validate_python(pressed)
        assert pressed["requested_action"] == {"identifier": "again"}
        suite = world.rerequest_suite(run).payload
        TypeAdapter(models.WebhookCheckSuiteRerequested).validate_python(suite)
        group = world.enqueue(world.pull).payload
        TypeAdapter(models.WebhookMergeGroupChecksRequested).validate_python(group)
        assert world.repo.git.resolve(group["merge_group"]["head_sha"])


def test_branches_and_what_comes_of_them(github: World, api: httpx.Client) -> None:
    """A ref, the list of commits and an opened pull request have the published shapes."""
    head = github.pull.head
    made = api.post(f"{REPO}/git/refs", json={"ref": "refs/heads/stacked/x", "sha": head})
    fits(models.GitRef, made, 201)
    fits(models.GitRef, api.get(f"{REPO}/git/ref/heads/stacked/x"))
    github.repo.commit({"new.py": "x = 1\n"}, "Add", branch="stacked/x")
    fits(list[models.Commit], api.get(f"{REPO}/commits", params={"sha": head}))
    opened = api.post(f"{REPO}/pulls", json={"title": "Add", "head": "stacked/x", "base": "discounts", "body": "x"})
    fits(models.PullRequest, opened, 201)
    assert api.delete(f"{REPO}/git/refs/heads/stacked/x").status_code == 204
    assert api.get(f"{REPO}/git/ref/heads/stacked/x").status_code == 404
    assert github.pull.issue.state == "closed"
