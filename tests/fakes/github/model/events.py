"""Build the payloads of GitHub's events from the state, and the delivery of each.

A payload shows the world at that moment. Nothing is sent here, except in the background if the hook is automatic.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.fakes.github.bodies import pulls, rest_bodies
from tests.fakes.github.model.deliveries import Delivery
from tests.fakes.github.model.records import Records
from tests.fakes.github.model.state import (
    CheckRun,
    Installation,
    IssueComment,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Thread,
    User,
    iso,
    node_id,
)


def emit(  # every event has exactly these parts
    world: Records, event: str, action: str | None, repo: Repository | None, sender: User, subject: Any, **keys: Any
) -> Delivery:
    """Return the signed delivery of an event, and remember it. `keys` are what only this event has."""
    payload: dict[str, Any] = {"action": action} if action else {}
    payload |= keys
    if repo is not None:
        payload["repository"] = rest_bodies.repository(world, repo)
        if repo.owner.kind == "Organization":
            payload["organization"] = _organization(world, repo.owner)
        found = world.installation_of(repo)
        if found is not None:
            payload["installation"] = {"id": found.id, "node_id": node_id("MDIz", found.id)}
    payload["sender"] = rest_bodies.user(world, sender)
    delivery = world.log.make(event, payload, guid=str(uuid.uuid4()), subject=subject)
    world.deliveries.append(delivery)
    if world.hook.automatic and _subscribed(world, event, payload):
        world.log.send_later(delivery)
    return delivery


def _subscribed(world: Records, event: str, payload: dict[str, Any]) -> bool:
    # These events come to every App and cannot be deselected.
    if event in ("installation", "installation_repositories", "ping", "github_app_authorization"):
        return True
    installation = world.installations.get(payload.get("installation", {}).get("id", 0))
    return installation is not None and installation.suspended_at is None and event in installation.app.events


def _organization(world: Records, account: User) -> dict[str, Any]:
    url = f"{world.url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("O", account.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "description": "",
    }


def pull_request(world: Records, action: str, pull: Pull, sender: User, **more: Any) -> Delivery:
    """Return a `pull_request` event."""
    body = pulls.pull(world, pull)
    return emit(
        world, "pull_request", action, pull.repository, sender, pull, number=pull.number, pull_request=body, **more
    )


def issue_comment(world: Records, action: str, comment: IssueComment, sender: User, **more: Any) -> Delivery:
    """Return an `issue_comment` event; for a pull request its issue has `pull_request`, and no head sha anywhere."""
    issue = comment.issue
    keys = {"issue": rest_bodies.issue(world, issue), "comment": rest_bodies.issue_comment(world, comment)}
    return emit(world, "issue_comment", action, issue.repository, sender, comment, **keys, **more)


def review(world: Records, action: str, one: Review, sender: User) -> Delivery:
    """Return a `pull_request_review` event; its pull request is the short one."""
    keys = {
        "review": {**pulls.review(world, one, lower=True), "submitted_at": iso(one.submitted_at)},
        "pull_request": pulls.pull_simple(world, one.pull),
    }
    return emit(world, "pull_request_review", action, one.pull.repository, sender, one, **keys)


def review_comment(world: Records, action: str, one: ReviewComment, sender: User, **more: Any) -> Delivery:
    """Return a `pull_request_review_comment` event; its pull request is the short one."""
    pull = one.thread.pull
    keys = {
        "comment": pulls.review_comment(world, one),
        "pull_request": pulls.pull_simple(world, pull),
    }
    return emit(world, "pull_request_review_comment", action, pull.repository, sender, one, **keys, **more)


def thread(world: Records, action: str, one: Thread, sender: User) -> Delivery:
    """Return a `pull_request_review_thread` event."""
    comments = [pulls.review_comment(world, comment) for comment in one.comments]
    keys = {
        "thread": {"node_id": one.node_id, "comments": comments},
        "pull_request": pulls.pull_simple(world, one.pull),
    }
    return emit(world, "pull_request_review_thread", action, one.pull.repository, sender, one, **keys)


def _suite(world: Records, run: CheckRun) -> dict[str, Any]:
    """Return the check suite of a run as it stands in a `check_run` event."""
    return {
        "id": run.suite,
        "node_id": node_id("CS", run.suite),
        "head_branch": next((pull.head_ref for pull in rest_bodies.pulls_of(run)), None),
        "head_sha": run.head_sha,
        "status": run.status,
        "conclusion": run.conclusion,
        "url": f"{rest_bodies.repo_url(world, run.repository)}/check-suites/{run.suite}",
        "before": None,
        "after": run.head_sha,
        "pull_requests": [rest_bodies.pull_minimal(world, pull) for pull in rest_bodies.pulls_of(run)],
        "app": rest_bodies.app(world, run.app),
        "created_at": iso(run.started_at),
        "updated_at": iso(run.started_at),
    }


def check_run(world: Records, action: str, run: CheckRun, sender: User, **more: Any) -> Delivery:
    """Return a `check_run` event."""
    body = rest_bodies.check_run(world, run) | {"check_suite": _suite(world, run)}
    return emit(world, "check_run", action, run.repository, sender, run, check_run=body, **more)


def check_suite(world: Records, action: str, run: CheckRun, sender: User) -> Delivery:
    """Return a `check_suite` event for the suite of a run. It names none of its runs."""
    runs = [one for one in run.repository.check_runs.values() if one.suite == run.suite]
    body = _suite(world, run) | {
        "status": "queued",
        "conclusion": None,
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{rest_bodies.repo_url(world, run.repository)}/check-suites/{run.suite}/check-runs",
        "head_commit": _commit(run.repository, run.head_sha),
        "rerequestable": True,
        "runs_rerequestable": True,
    }
    return emit(world, "check_suite", action, run.repository, sender, run, check_suite=body)


def _commit(repository: Repository, sha: str) -> dict[str, Any]:
    info = repository.git.commit_info(sha)
    person = {"name": "Mona", "email": "mona@example.com"}
    return {
        "id": sha,
        "tree_id": repository.git.resolve(sha, "tree"),
        "message": info.message,
        "timestamp": "2026-01-01T00:00:00Z",
        "author": person,
        "committer": person,
    }


def merge_group(world: Records, action: str, repository: Repository, group: dict[str, str], sender: User) -> Delivery:
    """Return a `merge_group` event. `group` has the two shas and refs; the number of a pull request is in one of them.

    https://docs.github.com/webhooks/webhook-events-and-payloads#merge_group
    """
    body = {**group, "head_commit": _commit(repository, group["head_sha"])}
    return emit(world, "merge_group", action, repository, sender, group, merge_group=body)


def installation(world: Records, action: str, one: Installation, sender: User) -> Delivery:
    """Return an `installation` event: repositories in the shortest form there is."""
    keys = {
        "installation": rest_bodies.installation(world, one),
        "repositories": [_named(repo) for repo in world.repositories if one.covers(repo)],
        "requester": None,
    }
    return emit(world, "installation", action, None, sender, one, **keys)


def installation_repositories(
    world: Records, action: str, one: Installation, changed: list[Repository], sender: User
) -> Delivery:
    """Return an `installation_repositories` event."""
    keys = {
        "installation": rest_bodies.installation(world, one),
        "repository_selection": "all" if one.repositories is None else "selected",
        "repositories_added": [_named(repo) for repo in changed if action == "added"],
        "repositories_removed": [_named(repo) for repo in changed if action == "removed"],
        "requester": None,
    }
    return emit(world, "installation_repositories", action, None, sender, one, **keys)


def _named(repo: Repository) -> dict[str, Any]:
    node = node_id("R", repo.id)
    return {
        "id": repo.id,
        "node_id": node,
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
    }


def ping(world: Records) -> Delivery:
    """Return the event sent when a hook is made; an App's has neither repository nor sender."""
    hook = world.hook
    payload = {
        "zen": "Design for failure.",
        "hook_id": hook.id,
        "hook": {
            "type": "App",
            "id": hook.id,
            "name": "web",
            "active": True,
            "app_id": hook.app_id,
            "events": list(world.app.events),
            "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": hook.url},
            "created_at": iso(world.now()),
            "updated_at": iso(world.now()),
            "deliveries_url": f"{world.url}/app/hook/deliveries",
        },
    }
    delivery = world.log.make("ping", payload, guid=str(uuid.uuid4()), subject=hook)
    world.deliveries.append(delivery)
    return delivery
