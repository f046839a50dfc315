"""Branches over the REST API: one ref, making and deleting it, the commits behind it, and opening a pull request."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import refusals
from tests.fakes.github.bodies import pulls, rest_bodies
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model import branches
from tests.fakes.github.model.state import User, node_id
from tests.fakes.github.routes.routing import Answer, Request, Route


def get_ref(request: Request) -> Answer:
    """Return one ref, by its full name only: https://docs.github.com/rest/git/refs#get-a-reference ."""
    branch = request.params["ref"].removeprefix("heads/")
    sha = request.repository.git.branches().get(branch)
    if sha is None or not request.params["ref"].startswith("heads/"):
        raise refusals.not_found()
    return Answer(body=_ref(request, branch, sha))


def _ref(request: Request, branch: str, sha: str) -> dict[str, Any]:
    url = rest_bodies.repo_url(request.world, request.repository)
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": node_id("REF", branch),
        "url": f"{url}/git/refs/heads/{branch}",
        "object": {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"},
    }


def create_ref(request: Request) -> Answer:
    check(request.json, Field("ref", required=True), Field("sha", required=True))
    branch = branches.create_ref(request.repository, request.json["ref"], request.json["sha"])
    body = _ref(request, branch, request.json["sha"])
    return Answer(201, body, headers={"Location": body["url"]})


def delete_ref(request: Request) -> Answer:
    branches.delete_ref(request.world, request.repository, request.params["branch"], _sender(request))
    return Answer(204)


def _sender(request: Request) -> User:
    return request.caller.user or request.world.user("ghost")


def list_commits(request: Request) -> Answer:
    """List the commits from a sha or branch backwards: https://docs.github.com/rest/commits/commits#list-commits ."""
    repo = request.repository
    start = repo.git.resolve(request.query.get("sha") or repo.default_branch)
    if start is None:
        raise refusals.not_found()
    shas = repo.git.run("rev-list", start).decode().split()
    return request.page(shas, lambda sha: pulls.commit(request.world, repo, sha))


def create_pull(request: Request) -> Answer:
    check(
        request.json,
        Field("title", required=True, longest=256),
        Field("head", required=True),
        Field("base", required=True),
        Field("body", longest=request.world.limits.body),
        Field("draft", "boolean"),
        Field("maintainer_can_modify", "boolean"),
    )
    made = branches.requested_pull(request.world, request.caller, request.repository, request.json)
    body = pulls.pull(request.world, made.subject)
    return Answer(201, body, headers={"Location": body["url"]})


REPO = "/repos/{owner}/{repo}"

ROUTES = (
    Route("GET", f"{REPO}/git/ref/{{ref:path}}", get_ref, "contents=read"),
    Route("POST", f"{REPO}/git/refs", create_ref, "contents=write"),
    Route("DELETE", f"{REPO}/git/refs/heads/{{branch:path}}", delete_ref, "contents=write"),
    Route("GET", f"{REPO}/commits", list_commits, "contents=read", ("sha",), paged=True),
    Route("POST", f"{REPO}/pulls", create_pull, "pull_requests=write"),
)
