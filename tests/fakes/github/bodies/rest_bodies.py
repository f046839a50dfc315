"""Write the JSON of accounts, repositories, Apps, issues, comments and check runs, as the REST API does.

It has the keys that GitHub's published description requires. Reads the world, never changes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.fakes.github.model.records import Records
from tests.fakes.github.model.state import (
    App,
    CheckRun,
    CommitStatus,
    Installation,
    Issue,
    IssueComment,
    Label,
    Pull,
    Reaction,
    Repository,
    User,
    iso,
    node_id,
)

EMOJI = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")

#: key -> path below the repository; the ones that end in a template are GitHub's own spelling.
REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def user(world: Records, account: User) -> dict[str, Any]:
    """Return a simple user."""
    url = f"{world.url}/users/{account.login}"
    slug = account.login.removesuffix("[bot]")
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.html}/apps/{slug}" if account.kind == "Bot" else f"{world.html}/{account.login}",
        **{key: url + path for key, path in USER_URLS.items()},
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def repo_url(world: Records, repository: Repository) -> str:
    return f"{world.url}/repos/{repository.full_name}"


def repo_html(world: Records, repository: Repository) -> str:
    return f"{world.html}/{repository.full_name}"


def repository(world: Records, repo: Repository) -> dict[str, Any]:
    """Return a repository as it is embedded and in webhooks."""
    url, html = repo_url(world, repo), repo_html(world, repo)
    opened = sum(issue.state == "open" for issue in repo.issues.values())
    forks = sum(other.parent is repo and not other.deleted for other in world.repositories)
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "visibility": "private" if repo.private else "public",
        "owner": user(world, repo.owner),
        "html_url": html,
        "description": None,
        "fork": repo.parent is not None,
        "url": url,
        **{key: url + path for key, path in REPOSITORY_URLS.items()},
        "git_url": f"git://github.com/{repo.full_name}.git",
        "ssh_url": f"git@github.com:{repo.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": "Python",
        "license": None,
        "topics": [],
        "forks": forks,
        "forks_count": forks,
        "stargazers_count": 0,
        "watchers_count": 0,
        "watchers": 0,
        "size": 108,
        "default_branch": repo.default_branch,
        "open_issues": opened,
        "open_issues_count": opened,
        "has_issues": True,
        "has_projects": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "has_downloads": True,
        "archived": repo.archived,
        "disabled": False,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "pushed_at": iso(repo.created_at),
        "created_at": iso(repo.created_at),
        "updated_at": iso(repo.created_at),
    }


def full_repository(world: Records, repo: Repository, role: str) -> dict[str, Any]:
    """Return what GET on a repository answers, with the caller's own permissions."""
    ranks = ("read", "triage", "write", "maintain", "admin")
    held = ranks[: ranks.index(role) + 1] if role in ranks else ()
    names = {"read": "pull", "triage": "triage", "write": "push", "maintain": "maintain", "admin": "admin"}
    body = repository(world, repo) | {"subscribers_count": 0, "network_count": 0}
    body["permissions"] = {names[rank]: rank in held for rank in ranks}
    if repo.parent is not None:
        body["parent"] = body["source"] = repository(world, repo.parent)
    return body


def app(world: Records, one: App) -> dict[str, Any]:
    """Return an App ("integration")."""
    return {
        "id": one.id,
        "slug": one.slug,
        "node_id": node_id("A", one.id),
        "client_id": one.client_id,
        "owner": user(world, one.owner),
        "name": one.name,
        "description": None,
        "external_url": "https://example.com",
        "html_url": f"{world.html}/apps/{one.slug}",
        "created_at": iso(one.created_at),
        "updated_at": iso(one.created_at),
        "permissions": dict(one.permissions),
        "events": list(one.events),
    }


def installation(world: Records, one: Installation) -> dict[str, Any]:
    """Return an installation as `GET /app/installations` and the installation events have it."""
    return {
        "id": one.id,
        "node_id": node_id("MDIz", one.id),
        "account": user(world, one.account),
        "repository_selection": "all" if one.repositories is None else "selected",
        "access_tokens_url": f"{world.url}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{world.url}/installation/repositories",
        "html_url": f"{world.html}/organizations/{one.account.login}/settings/installations/{one.id}",
        "app_id": one.app.id,
        "app_slug": one.app.slug,
        "client_id": one.app.client_id,
        "target_id": one.account.id,
        "target_type": one.account.kind,
        "permissions": dict(one.permissions),
        "events": list(one.app.events),
        "created_at": iso(one.created_at),
        "updated_at": iso(one.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": iso(one.suspended_at),
    }


def association(repo: Repository, account: User) -> str:
    """Return `author_association`: how GitHub sees the author, which is not what the author may do."""
    if account is repo.owner:
        return "OWNER"
    if account.login in repo.permissions:
        return "MEMBER" if repo.owner.kind == "Organization" else "COLLABORATOR"
    merged = any(pull.merged_at and pull.user is account for pull in repo.pulls)
    return "CONTRIBUTOR" if merged else "NONE"


def label(world: Records, repo: Repository, one: Label) -> dict[str, Any]:
    url = f"{repo_url(world, repo)}/labels/{one.name}"
    return {
        "id": one.id,
        "node_id": node_id("LA", one.id),
        "url": url,
        "name": one.name,
        "color": one.color,
        "description": None,
        "default": False,
        "archived_at": None,
        "archived_by": None,
    }


def reaction(world: Records, one: Reaction) -> dict[str, Any]:
    return {
        "id": one.id,
        "node_id": node_id("REA", one.id),
        "user": user(world, one.user),
        "content": one.content,
        "created_at": iso(one.created_at),
    }


def rollup(url: str, reactions: Iterable[Reaction]) -> dict[str, Any]:
    """Return the counts of reactions that stand in every comment."""
    given = [one.content for one in reactions]
    return {"url": f"{url}/reactions", "total_count": len(given), **{name: given.count(name) for name in EMOJI}}


def issue_url(world: Records, one: Issue) -> str:
    return f"{repo_url(world, one.repository)}/issues/{one.number}"


def issue_html(world: Records, one: Issue) -> str:
    kind = "pull" if one.pull else "issues"
    return f"{repo_html(world, one.repository)}/{kind}/{one.number}"


def issue(world: Records, one: Issue) -> dict[str, Any]:
    """Return an issue; `pull_request` stands in it for a pull request only."""
    url, html = issue_url(world, one), issue_html(world, one)
    body = {
        "id": one.id,
        "node_id": node_id("PR", one.pull.id) if one.pull else node_id("I", one.id),
        "url": url,
        "repository_url": repo_url(world, one.repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": html,
        "number": one.number,
        "state": one.state,
        "state_reason": None,
        "title": one.title,
        "body": one.body,
        "user": user(world, one.user),
        "labels": [label(world, one.repository, each) for each in one.labels],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": one.locked,
        "active_lock_reason": None,
        "comments": len(one.comments),
        "closed_at": iso(one.closed_at),
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
        "author_association": association(one.repository, one.user),
        "performed_via_github_app": None,
        "reactions": rollup(url, one.reactions),
    }
    return body | _pull_keys(world, one.pull, html) if one.pull else body


def _pull_keys(world: Records, pull: Pull, html: str) -> dict[str, Any]:
    api = f"{repo_url(world, pull.repository)}/pulls/{pull.number}"
    links = {"url": api, "html_url": html, "diff_url": f"{html}.diff", "patch_url": f"{html}.patch"}
    return {"draft": pull.draft, "pull_request": links | {"merged_at": iso(pull.merged_at)}}


def issue_comment(world: Records, one: IssueComment) -> dict[str, Any]:
    repo = one.issue.repository
    url = f"{repo_url(world, repo)}/issues/comments/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("IC", one.id),
        "url": url,
        "html_url": f"{issue_html(world, one.issue)}#issuecomment-{one.id}",
        "issue_url": issue_url(world, one.issue),
        "user": user(world, one.user),
        "body": one.body,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
        "author_association": association(repo, one.user),
        "performed_via_github_app": app(world, one.app) if one.app else None,
        "reactions": rollup(url, one.reactions),
    }


def pull_minimal(world: Records, pull: Pull) -> dict[str, Any]:
    """Return the short form of a pull request that stands in check runs."""

    def end(ref: str, sha: str, repo: Repository) -> dict[str, Any]:
        return {"ref": ref, "sha": sha, "repo": {"id": repo.id, "url": repo_url(world, repo), "name": repo.name}}

    return {
        "id": pull.id,
        "number": pull.number,
        "url": f"{repo_url(world, pull.repository)}/pulls/{pull.number}",
        "head": end(pull.head_ref, pull.head, pull.head_repository or pull.repository),
        "base": end(pull.base_ref, pull.base, pull.repository),
    }


def pulls_of(run: CheckRun) -> list[Pull]:
    """Return the open pull requests of a check run; those of forks are never listed.

    https://docs.github.com/rest/checks/runs#create-a-check-run
    """
    return [
        pull
        for pull in run.repository.pulls
        if pull.head == run.head_sha and pull.head_repository is run.repository and pull.issue.state == "open"
    ]


def check_run(world: Records, run: CheckRun) -> dict[str, Any]:
    url = f"{repo_url(world, run.repository)}/check-runs/{run.id}"
    html = f"{repo_html(world, run.repository)}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CR", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": html,
        "details_url": run.details_url or html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": iso(run.started_at),
        "completed_at": iso(run.completed_at),
        "output": {
            "title": run.output.get("title"),
            "summary": run.output.get("summary"),
            "text": run.output.get("text"),
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite},
        "app": app(world, run.app),
        "pull_requests": [pull_minimal(world, pull) for pull in pulls_of(run)],
    }


def annotation(world: Records, run: CheckRun, one: dict[str, Any]) -> dict[str, Any]:
    optional = {name: one.get(name) for name in ("start_column", "end_column", "title", "raw_details")}
    blob = f"{repo_html(world, run.repository)}/blob/{run.head_sha}/{one['path']}"
    needed = {name: one[name] for name in ("path", "start_line", "end_line", "annotation_level", "message")}
    return {**needed, **optional, "blob_href": blob}


def status(world: Records, repo: Repository, one: CommitStatus) -> dict[str, Any]:
    return {
        "url": f"{repo_url(world, repo)}/statuses/{one.sha}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{one.creator.id}?v=4",
        "id": one.id,
        "node_id": node_id("SC", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.created_at),
        "creator": user(world, one.creator),
    }
