"""Write the JSON of pull requests, their files, commits, reviews and review comments, as the REST API does.

Every number in it is computed from git. Reads the world, never changes it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.fakes.github.bodies import rest_bodies
from tests.fakes.github.bodies.patches import ChangedFile, changed_files, position_of
from tests.fakes.github.model.git import GitRepository
from tests.fakes.github.model.records import Limits, Records
from tests.fakes.github.model.state import Pull, Repository, Review, ReviewComment, Thread, iso, node_id

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None}
SIGNED = {
    "verified": True,
    "reason": "valid",
    "signature": "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
    "payload": "tree",
}


def files_of(pull: Pull, head: str | None = None) -> tuple[ChangedFile, ...]:
    """Return the files of the three-dot diff of a pull request, at its head or at another of its commits."""
    return changed_files(pull.repository.git, pull.merge_base(head), head or pull.head)


def pull_url(world: Records, pull: Pull) -> str:
    return f"{rest_bodies.repo_url(world, pull.repository)}/pulls/{pull.number}"


def _end(world: Records, pull: Pull, *, head: bool) -> dict[str, Any]:
    repo = pull.head_repository if head else pull.repository
    owner = pull.head_user if head else pull.repository.owner
    ref = pull.head_ref if head else pull.base_ref
    return {
        "label": pull.head_label if head else f"{owner.login}:{ref}",
        "ref": ref,
        "sha": pull.head if head else pull.base,
        "user": rest_bodies.user(world, owner),
        "repo": rest_bodies.repository(world, repo) if repo else None,
    }


def _urls(world: Records, pull: Pull) -> dict[str, str]:
    url, html = pull_url(world, pull), rest_bodies.issue_html(world, pull.issue)
    repo = rest_bodies.repo_url(world, pull.repository)
    return {
        "url": url,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": rest_bodies.issue_url(world, pull.issue),
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{repo}/pulls/comments{{/number}}",
        "comments_url": f"{rest_bodies.issue_url(world, pull.issue)}/comments",
        "statuses_url": f"{repo}/statuses/{pull.head}",
    }


def pull_simple(world: Records, pull: Pull) -> dict[str, Any]:
    """Return a pull request as lists and review events have it: without counts and without `mergeable`."""
    issue, urls = pull.issue, _urls(world, pull)
    link_names = ("html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses")
    links = {name: {"href": urls[f"{name}_url"]} for name in link_names} | {"self": {"href": urls["url"]}}
    return {
        **urls,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "number": pull.number,
        "state": issue.state,
        "locked": issue.locked,
        "title": issue.title,
        "user": rest_bodies.user(world, issue.user),
        "body": issue.body,
        "labels": [rest_bodies.label(world, pull.repository, label) for label in issue.labels],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso(issue.closed_at),
        "merged_at": iso(pull.merged_at),
        "merge_commit_sha": pull.merge_commit,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _end(world, pull, head=True),
        "base": _end(world, pull, head=False),
        "_links": links,
        "author_association": rest_bodies.association(pull.repository, issue.user),
        "auto_merge": None,
        "draft": pull.draft,
    }


def _checks_pass(one: Pull) -> bool:
    """Whether no check of the head failed or still runs: the latest of each name and App."""
    runs = [run for run in one.repository.check_runs.values() if run.head_sha == one.head]
    latest = {(run.name, run.app.id): run for run in runs}.values()
    return all(run.conclusion in ("success", "neutral", "skipped") for run in latest)


def pull(world: Records, one: Pull) -> dict[str, Any]:
    """Return a whole pull request. `mergeable` is null until GitHub has computed it for this head."""
    files = files_of(one)
    known = one.mergeable_for == (one.base, one.head)
    clean = one.repository.git.merge_tree(one.base, one.head) is not None if known else None
    mergeable = clean if one.issue.state == "open" else None
    passing = "clean" if _checks_pass(one) else "unstable"
    states = {None: "unknown", True: "draft" if one.draft else passing, False: "dirty"}
    return pull_simple(world, one) | {
        "merged": one.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": states[mergeable],
        "merged_by": rest_bodies.user(world, one.merged_by) if one.merged_by else None,
        "comments": len(one.issue.comments),
        "review_comments": len(one.review_comments()),
        "maintainer_can_modify": one.head_repository is not one.repository,
        "commits": len(one.commits()),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def files(world: Records, repo: Repository, changed: tuple[ChangedFile, ...], head: str) -> list[dict[str, Any]]:
    """Return the list of files: `patch` is absent where it is too large or there is none to show."""
    budget = world.limits.patches_bytes
    entries = []
    for file in changed[: world.limits.files]:
        entry = _file(world, repo, file, head)
        patch = file.patch
        if patch is not None and _shown(world.limits, file, len(patch)) and len(patch) <= budget:
            budget -= len(patch)
            entry["patch"] = patch.decode(errors="replace")
        entries.append(entry)
    return entries


def _shown(limits: Limits, file: ChangedFile, size: int) -> bool:
    return size <= limits.patch_bytes and file.additions + file.deletions <= limits.patch_lines


def _file(world: Records, repo: Repository, file: ChangedFile, head: str) -> dict[str, Any]:
    path, html = quote(file.filename, errors="surrogateescape"), rest_bodies.repo_html(world, repo)
    shown = file.filename.encode("utf-8", "surrogateescape").decode(errors="replace")
    entry = {
        "sha": file.blob,
        "filename": shown,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{html}/blob/{head}/{path}",
        "raw_url": f"{html}/raw/{head}/{path}",
        "contents_url": f"{rest_bodies.repo_url(world, repo)}/contents/{path}?ref={head}",
    }
    return entry | ({"previous_filename": file.previous} if file.previous else {})


def commit(world: Records, repo: Repository, sha: str) -> dict[str, Any]:
    """Return a commit without its files."""
    info = repo.git.commit_info(sha)
    url, html = rest_bodies.repo_url(world, repo), rest_bodies.repo_html(world, repo)
    who = {"name": info.author, "email": info.email, "date": iso(info.date)}
    known = world.users.get(info.author.lower())
    author = rest_bodies.user(world, known) if known else None
    signed = sha in repo.signed
    # What is made over the API is committed, and signed, by GitHub itself.
    by = {"name": "GitHub", "email": "noreply@github.com", "date": who["date"]} if signed else who
    return {
        "sha": sha,
        "node_id": node_id("C", sha),
        "url": f"{url}/commits/{sha}",
        "html_url": f"{html}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{sha}",
            "author": who,
            "committer": by,
            "message": info.message,
            "comment_count": 0,
            "tree": {"sha": info.tree, "url": f"{url}/git/trees/{info.tree}"},
            "verification": SIGNED if signed else UNSIGNED,
        },
        "author": author,
        "committer": rest_bodies.user(world, world.user("web-flow")) if signed else author,
        "parents": [
            {"sha": one, "url": f"{url}/commits/{one}", "html_url": f"{html}/commit/{one}"} for one in info.parents
        ],
    }


def review(world: Records, one: Review, *, lower: bool = False) -> dict[str, Any]:
    """Return a review; webhooks write its state in lower case."""
    html = f"{rest_bodies.issue_html(world, one.pull.issue)}#pullrequestreview-{one.id}"
    body = {
        "id": one.id,
        "node_id": node_id("PRR", one.id),
        "user": rest_bodies.user(world, one.user),
        "body": one.body,
        "state": one.state.lower() if lower else one.state,
        "html_url": html,
        "pull_request_url": pull_url(world, one.pull),
        "author_association": rest_bodies.association(one.pull.repository, one.user),
        "_links": {"html": {"href": html}, "pull_request": {"href": pull_url(world, one.pull)}},
        "commit_id": one.commit_id,
    }
    return body if one.submitted_at is None else body | {"submitted_at": iso(one.submitted_at)}


def lines_now(thread: Thread) -> tuple[int | None, int | None]:
    """Return (line, start_line) of a thread at the pull request's head; (None, None) once it is outdated.

    A thread is outdated when a later commit touched its lines, or when they have left the diff.
    """
    place, pull = thread.place, thread.pull
    if place.line is None:
        return None, None
    made_for = thread.comments[0].commit_id
    moved = [_moved(pull, made_for, place.path, line, place.side) for line in (place.line, place.start_line) if line]
    if None in moved or position_of(files_of(pull), place.path, moved[0], place.side) is None:
        return None, None
    return moved[0], moved[1] if place.start_line else None


def _moved(pull: Pull, made_for: str, path: str, line: int, side: str) -> int | None:
    then, now = made_for, pull.head
    if side == "LEFT":
        then, now = pull.merge_base(made_for), pull.merge_base()
    if then == now:
        return line
    return _follow(pull.repository.git, then, now, path, line)


def _follow(git: GitRepository, then: str, now: str, path: str, line: int) -> int | None:
    shift = 0
    for old_start, old_count, _, new_count in git.changed_lines(then, now, path):
        if old_count and old_start <= line < old_start + old_count:
            return None
        # With a count of 0 the hunk stands after the line it names.
        if line >= old_start + old_count + (0 if old_count else 1):
            shift += new_count - old_count
    return line + shift


def review_comment(world: Records, one: ReviewComment) -> dict[str, Any]:
    """Return a review comment; `line` and `position` are null once it is outdated, the `original_` ones stay."""
    thread, pull_request = one.thread, one.thread.pull
    place = thread.place
    url = f"{rest_bodies.repo_url(world, pull_request.repository)}/pulls/comments/{one.id}"
    html = f"{rest_bodies.issue_html(world, pull_request.issue)}#discussion_r{one.id}"
    line, start_line = lines_now(thread)
    outdated = place.line is not None and line is None
    body = {
        "id": one.id,
        "node_id": node_id("PRRC", one.id),
        "url": url,
        "html_url": html,
        "pull_request_url": pull_url(world, pull_request),
        "pull_request_review_id": one.review.id,
        "user": rest_bodies.user(world, one.user),
        "body": one.body,
        "path": place.path,
        "diff_hunk": one.diff_hunk,
        "position": _position(pull_request, thread, pull_request.head, line),
        "original_position": _position(pull_request, thread, one.commit_id, place.line) or 1,
        "commit_id": one.commit_id if outdated else pull_request.head,
        "original_commit_id": one.commit_id,
        "line": line,
        "original_line": place.line,
        "start_line": start_line,
        "original_start_line": place.start_line,
        "side": place.side,
        "start_side": place.start_side,
        "subject_type": place.subject_type,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
        "author_association": rest_bodies.association(pull_request.repository, one.user),
        "_links": {
            "self": {"href": url},
            "html": {"href": html},
            "pull_request": {"href": pull_url(world, pull_request)},
        },
        "reactions": rest_bodies.rollup(url, one.reactions),
    }
    return body | ({"in_reply_to_id": one.in_reply_to} if one.in_reply_to else {})


def _position(pull_request: Pull, thread: Thread, sha: str, line: int | None) -> int | None:
    if thread.place.subject_type == "file":
        return 1
    return position_of(files_of(pull_request, sha), thread.place.path, line, thread.place.side)
