"""Check runs, commit statuses and SARIF uploads over REST."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import uuid
from datetime import datetime
from typing import Any

from tests.fakes.github import refusals
from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.bodies.fields import Field, check
from tests.fakes.github.model import events
from tests.fakes.github.model.state import CheckRun, CommitStatus
from tests.fakes.github.refusals import Refusal, field_error, invalid_request, validation_failed
from tests.fakes.github.routes.routing import Answer, Request, Route

#: What GitHub puts into the address of a log, so that its storage needs no other token.
LOG_TOKEN = "LOGTOKEN"

CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
ANNOTATION = (
    Field("path", required=True),
    Field("start_line", "integer", required=True),
    Field("end_line", "integer", required=True),
    Field("start_column", "integer"),
    Field("end_column", "integer"),
    Field("annotation_level", required=True, choices=("notice", "warning", "failure")),
    Field("message", required=True),
    Field("title", longest=255),
    Field("raw_details"),
)
ACTION = (
    Field("label", required=True, longest=20),
    Field("description", required=True, longest=40),
    Field("identifier", required=True, longest=20),
)


def _output(*, title_required: bool) -> Field:
    keys = (
        Field("title", required=title_required),
        Field("summary", required=True, longest=65_535),
        Field("text", longest=65_535),
        Field("annotations", "array", longest=50, items=ANNOTATION),
        Field("images", "array"),
    )
    return Field("output", "object", items=keys)


SHARED = (
    Field("status", choices=STATUSES),
    Field("conclusion", choices=CONCLUSIONS),
    Field("external_id"),
    Field("details_url"),
    Field("started_at"),
    Field("completed_at"),
    Field("actions", "array", longest=3, items=ACTION),
)


def create_run(request: Request) -> Answer:
    """Create a check run; only Apps may.

    https://docs.github.com/rest/checks/runs#create-a-check-run
    """
    body, repo = request.json, request.repository
    check(body, Field("name", required=True), Field("head_sha", required=True), *SHARED, _output(title_required=True))
    if request.caller.app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    if repo.git.resolve(body["head_sha"]) != body["head_sha"]:
        raise Refusal(422, f"No commit found for SHA: {body['head_sha']}")
    _check_body(body)
    world = request.world
    run = CheckRun(
        world.next_id(), repo, request.caller.app, body["name"], body["head_sha"], _suite(request), world.now()
    )
    _apply(request, run, body)
    repo.check_runs[run.id] = run
    events.check_run(world, "completed" if run.status == "completed" else "created", run, run.app.bot)
    world.wrote("check run", run, "created")
    return Answer(201, rest_bodies.check_run(world, run))


def _suite(request: Request) -> int:
    """Return the check suite of the App for that commit; there is one for each pair."""
    repo, sha = request.repository, request.json["head_sha"]
    same = (run.suite for run in repo.check_runs.values() if run.head_sha == sha and run.app is request.caller.app)
    return next(same, request.world.next_id())


def update_run(request: Request) -> Answer:
    """Change a check run; annotations are added to those it has."""
    body, run = request.json, _run(request)
    check(body, Field("name"), *SHARED, _output(title_required=False))
    if run.app is not request.caller.app:
        number = request.caller.app.id if request.caller.app else 0
        message = f"Invalid app_id `{number}` - check run can only be modified by the GitHub App that created it."
        raise Refusal(403, message)
    _check_body(body)
    was = run.status
    _apply(request, run, body)
    if run.status == "completed" and was != "completed":
        events.check_run(request.world, "completed", run, run.app.bot)
    request.world.wrote("check run", run, "edited")
    return Answer(body=rest_bodies.check_run(request.world, run))


def _check_body(body: dict[str, Any]) -> None:
    if body.get("status") == "completed" and "conclusion" not in body:
        raise invalid_request('"conclusion" wasn\'t supplied.')
    if "conclusion" in body and body.get("status", "completed") != "completed":
        raise invalid_request("For 'properties/status', a conclusion needs the status \"completed\".")
    for one in body.get("output", {}).get("annotations", ()):
        _check_annotation(one)
    for name in ("started_at", "completed_at"):
        _check_time(name, body.get(name))


def _check_annotation(one: dict[str, Any]) -> None:
    columns = [name for name in ("start_column", "end_column") if name in one]
    if columns and one["start_line"] != one["end_line"]:
        raise invalid_request(f"{columns[0]} is only supported when start_line and end_line are equal.")
    if one["start_line"] < 1 or one["end_line"] < one["start_line"]:
        raise invalid_request("end_line must be greater than or equal to start_line, and both at least 1.")
    for name in ("message", "raw_details"):
        if len(one.get(name, "").encode()) > 65_536:
            raise invalid_request(f"{name} is too long: the maximum is 64 KB.")


def _check_time(name: str, text: str | None) -> None:
    if text is None:
        return
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise invalid_request(f"For 'properties/{name}', {json.dumps(text)} is not a date-time.") from None


def _apply(request: Request, run: CheckRun, body: dict[str, Any]) -> None:
    run.name = body.get("name", run.name)
    run.external_id = body.get("external_id", run.external_id)
    run.details_url = body.get("details_url", run.details_url)
    run.actions = body.get("actions", run.actions)
    output = dict(body.get("output", {}))
    run.annotations += output.pop("annotations", [])
    run.output |= output
    run.conclusion = body.get("conclusion", run.conclusion)
    run.status = "completed" if "conclusion" in body else body.get("status", run.status)
    if run.status == "completed":
        run.completed_at = run.completed_at or request.world.now()
    else:
        run.conclusion, run.completed_at = None, None


def _run(request: Request) -> CheckRun:
    found = request.repository.check_runs.get(request.number("check_run_id"))
    if found is None:
        raise refusals.not_found()
    return found


def get_run(request: Request) -> Answer:
    return Answer(body=rest_bodies.check_run(request.world, _run(request)))


def list_annotations(request: Request) -> Answer:
    run = _run(request)
    return request.page(run.annotations, lambda one: rest_bodies.annotation(request.world, run, one))


def list_runs(request: Request) -> Answer:
    """List the check runs of a commit; by default only the latest of each name and App."""
    repo, query = request.repository, request.query
    sha = repo.git.resolve(request.params["ref"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {request.params['ref']}")
    runs = [run for run in repo.check_runs.values() if run.head_sha == sha]
    if query.get("filter", "latest") == "latest":
        runs = list({(run.name, run.app.id): run for run in runs}.values())
    runs = [
        run
        for run in runs
        if query.get("check_name") in (None, run.name)
        and query.get("status") in (None, run.status)
        and query.get("app_id") in (None, str(run.app.id))
    ]
    return request.page(runs, lambda run: rest_bodies.check_run(request.world, run), within="check_runs")


def create_status(request: Request) -> Answer:
    """https://docs.github.com/rest/commits/statuses#create-a-commit-status."""
    body, repo = request.json, request.repository
    states = ("error", "failure", "pending", "success")
    check(
        body, Field("state", required=True, choices=states), Field("target_url"), Field("description"), Field("context")
    )
    if len(body.get("description", "")) > 140:
        message = "description is too long (maximum is 140 characters)"
        raise validation_failed(field_error("Status", "description", "custom", message))
    sha = repo.git.resolve(request.params["sha"])
    if sha is None or request.caller.user is None:
        raise Refusal(422, f"No commit found for SHA: {request.params['sha']}")
    status = CommitStatus(
        request.world.next_id(),
        sha,
        body["state"],
        body.get("context", "default"),
        body.get("description"),
        body.get("target_url"),
        request.caller.user,
        request.world.now(),
    )
    repo.statuses.append(status)
    request.world.wrote("status", status, "created")
    return Answer(201, rest_bodies.status(request.world, repo, status))


def list_statuses(request: Request) -> Answer:
    repo = request.repository
    sha = repo.git.resolve(request.params["ref"])
    found = [status for status in reversed(repo.statuses) if status.sha == sha]
    return request.page(found, lambda status: rest_bodies.status(request.world, repo, status))


def upload_sarif(request: Request) -> Answer:
    """Take a SARIF file: JSON, gzipped, in base64.

    https://docs.github.com/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
    """
    body, repo = request.json, request.repository
    names = ("commit_sha", "ref", "sarif")
    more = (Field("checkout_uri"), Field("started_at"), Field("tool_name"), Field("validate", "boolean"))
    check(body, *(Field(name, required=True) for name in names), *more)
    if repo.git.resolve(body["commit_sha"]) != body["commit_sha"]:
        raise Refusal(400, f"commit not found for {body['commit_sha']}")
    try:
        sarif = json.loads(gzip.decompress(base64.b64decode(body["sarif"], validate=True)))
    except (binascii.Error, OSError, EOFError, ValueError):
        raise Refusal(400, "Invalid SARIF. JSON syntax error: not base64 of a gzipped JSON file") from None
    number = str(uuid.uuid4())
    repo.sarifs[number] = body | {"sarif": sarif}
    url = f"{rest_bodies.repo_url(request.world, repo)}/code-scanning/sarifs/{number}"
    return Answer(202, {"id": number, "url": url})


def get_sarif(request: Request) -> Answer:
    if request.params["sarif_id"] not in request.repository.sarifs:
        raise refusals.not_found()
    url = f"{rest_bodies.repo_url(request.world, request.repository)}/code-scanning/analyses"
    return Answer(body={"processing_status": "complete", "analyses_url": url, "errors": None})


REPO = "/repos/{owner}/{repo}"
FILTERS = ("check_name", "status", "filter", "app_id")


def get_log(request: Request) -> Answer:
    """Redirect to the log of a job of GitHub Actions, in a storage whose addresses have tokens of their own.

    https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
    """
    run = request.repository.check_runs.get(request.number("job_id"))
    if run is None or run.app is not request.world.actions_app or not run.log:
        raise refusals.not_found()
    return Answer(302, raw=b"", headers={"Location": f"{request.world.url}/_storage/{run.id}?sig={LOG_TOKEN}"})


def download_log(request: Request) -> Answer:
    """Send a log as the storage does, to whoever has its address."""
    runs = [run for repo in request.world.repositories for run in repo.check_runs.values()]
    run = next((run for run in runs if run.id == request.number("run_id")), None)
    if run is None or request.query.get("sig") != LOG_TOKEN:
        raise refusals.not_found()
    if "authorization" in request.headers:
        request.world.violations.append("a token was sent to the storage of logs, whose address has one of its own")
    return Answer(raw=run.log.encode(), headers={"Content-Type": "text/plain"})


ROUTES = (
    Route("GET", f"{REPO}/actions/jobs/{{job_id}}/logs", get_log, "actions=read"),
    Route("GET", "/_storage/{run_id}", download_log, query=("sig",)),
    Route("POST", f"{REPO}/check-runs", create_run, "checks=write"),
    Route("PATCH", f"{REPO}/check-runs/{{check_run_id}}", update_run, "checks=write"),
    Route("GET", f"{REPO}/check-runs/{{check_run_id}}", get_run, "checks=read"),
    Route("GET", f"{REPO}/check-runs/{{check_run_id}}/annotations", list_annotations, "checks=read", paged=True),
    Route("GET", f"{REPO}/commits/{{ref}}/check-runs", list_runs, "checks=read", FILTERS, paged=True),
    Route("POST", f"{REPO}/statuses/{{sha}}", create_status, "statuses=write"),
    Route("GET", f"{REPO}/commits/{{ref}}/statuses", list_statuses, "statuses=read", paged=True),
    Route("POST", f"{REPO}/code-scanning/sarifs", upload_sarif, "security_events=write"),
    Route("GET", f"{REPO}/code-scanning/sarifs/{{sarif_id}}", get_sarif, "security_events=read"),
)
