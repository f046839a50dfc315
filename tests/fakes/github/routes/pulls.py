"""Reading pull requests: the list, one of them as JSON, diff or patch, its files and its commits."""

from __future__ import annotations

from tests.fakes.github.bodies import pulls
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model.state import Pull
from tests.fakes.github.refusals import diff_too_large
from tests.fakes.github.routes.routing import Answer, Request, Route


def list_pulls(request: Request) -> Answer:
    state = request.query.get("state", "open")
    head, base = request.query.get("head"), request.query.get("base")
    found = [
        pull
        for pull in request.repository.pulls
        if state in ("all", pull.issue.state) and head in (None, pull.head_label) and base in (None, pull.base_ref)
    ]
    if request.query.get("sort", "created") == "updated":
        found.sort(key=lambda pull: pull.issue.updated_at)
    if request.query.get("direction", "desc") == "desc":
        found.reverse()
    return request.page(found, lambda pull: pulls.pull_simple(request.world, pull))


def get_pull(request: Request) -> Answer:
    """Return a pull request; as a diff or patch where the `Accept` header asks for one.

    https://docs.github.com/rest/pulls/pulls#get-a-pull-request
    """
    pull = request.pull
    if request.media in ("diff", "patch"):
        return _text(request, pull)
    body = pulls.pull(request.world, pull)
    # The first request for a head starts the test merge; the next one sees its result.
    pull.mergeable_for = (pull.base, pull.head)
    return Answer(body=body)


def _text(request: Request, pull: Pull) -> Answer:
    git, limits = pull.repository.git, request.world.limits
    files = pulls.files_of(pull)
    if len(files) > limits.diff_files:
        raise diff_too_large(_sorry("files", limits.diff_files))
    diff = git.diff(pull.merge_base(), pull.head)
    if sum(len(hunk.raw) for file in files for hunk in file.hunks) > limits.diff_lines:
        raise diff_too_large(_sorry("lines", limits.diff_lines))
    if len(diff) > limits.diff_bytes:
        raise diff_too_large(_sorry("bytes", limits.diff_bytes))
    text = diff if request.media == "diff" else git.format_patch(pull.merge_base(), pull.head)
    return Answer(raw=text, headers={"Content-Type": f"application/vnd.github.{request.media}; charset=utf-8"})


def _sorry(unit: str, limit: int) -> str:
    return (
        f"Sorry, the diff exceeded the maximum number of {unit} ({limit}). Consider using 'List pull requests files' "
        "API or locally cloning the repository instead."
    )


def list_files(request: Request) -> Answer:
    """List the files, at most 3000; a page is a slice of the list at the head of the moment."""
    pull = request.pull
    files = pulls.files(request.world, pull.repository, pulls.files_of(pull), pull.head)
    return request.page(files, lambda entry: entry)


def list_commits(request: Request) -> Answer:
    pull = request.pull
    commits = pull.commits()[:250]
    return request.page(commits, lambda sha: pulls.commit(request.world, pull.repository, sha))


def update_pull(request: Request) -> Answer:
    """Change the title or text."""
    check(request.json, Field("title"), Field("body"), Field("state", choices=("open", "closed")), Field("base"))
    issue = request.pull.issue
    issue.title = request.json.get("title", issue.title)
    issue.body = request.json.get("body", issue.body)
    return Answer(body=pulls.pull(request.world, request.pull))


PULL = "/repos/{owner}/{repo}/pulls/{number}"
LISTED = ("state", "head", "base", "sort", "direction")

ROUTES = (
    Route("GET", "/repos/{owner}/{repo}/pulls", list_pulls, "pull_requests=read", LISTED, paged=True),
    Route("GET", PULL, get_pull, "pull_requests=read;contents=read"),
    Route("PATCH", PULL, update_pull, "pull_requests=write"),
    Route("GET", f"{PULL}/files", list_files, "pull_requests=read", paged=True),
    Route("GET", f"{PULL}/commits", list_commits, "pull_requests=read", paged=True),
)
