"""Reading a repository: itself, contents, trees, blobs, commits, comparisons, and who may do what in it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from tests.fakes.github import refusals
from tests.fakes.github.bodies import pulls, rest_bodies
from tests.fakes.github.bodies.patches import changed_files
from tests.fakes.github.model.branches import guarded
from tests.fakes.github.model.git import GitFailed, GitRepository, TreeEntry
from tests.fakes.github.model.state import LEGACY, Repository, node_id
from tests.fakes.github.refusals import Refusal
from tests.fakes.github.routes.routing import Answer, Request, Route

#: What GitHub puts into the address of an archive, so that its host for archives needs no other token.
ARCHIVE_TOKEN = "AAAAARCHIVE"

TYPES = {"tree": "dir", "blob": "file", "commit": "submodule"}


def get_repository(request: Request) -> Answer:
    caller, repo = request.caller, request.repository
    role = repo.role(caller.user) if caller.kind == "user" and caller.user else "read"
    return Answer(body=rest_bodies.full_repository(request.world, repo, role))


def list_branches(request: Request) -> Answer:
    def branch(item: tuple[str, str]) -> dict[str, Any]:
        url = f"{rest_bodies.repo_url(request.world, request.repository)}/commits/{item[1]}"
        return {
            "name": item[0],
            "commit": {"sha": item[1], "url": url},
            "protected": guarded(request.repository, item[0]),
        }

    return request.page(sorted(request.repository.git.branches().items()), branch)


def get_permission(request: Request) -> Answer:
    """Say what a user may do; `maintain` and `triage` are folded in `permission` and kept in `role_name`.

    https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    account = request.world.users.get(request.params["username"].lower())
    if account is None:
        raise refusals.not_found()
    role = request.repository.role(account)
    user = rest_bodies.user(request.world, account) | {"role_name": role}
    return Answer(body={"permission": LEGACY[role], "role_name": role, "user": user})


# -- contents ---------------------------------------------------------------------------------------------------


def _commit(request: Request, name: str | None) -> str:
    repo = request.repository
    found = repo.git.resolve(name or repo.default_branch)
    if found is None and name:
        found = repo.git.resolve(f"refs/{name.removeprefix('refs/')}")
    if found is None:
        raise Refusal(404, f"No commit found for the ref {name}")
    return found


def get_contents(request: Request) -> Answer:
    """Return a file, a directory, a symbolic link's target, or a submodule, as JSON, raw or object.

    https://docs.github.com/rest/repos/contents#get-repository-content
    """
    git = request.repository.git
    path = request.params.get("path", "").strip("/")
    commit = _commit(request, request.query.get("ref"))
    entry = git.at(commit, path)
    if entry is not None and entry.mode == "120000":
        entry = _followed(git, commit, entry) or entry
    if entry is None:
        raise refusals.not_found()
    ref = request.query.get("ref") or request.repository.default_branch
    if entry.kind == "tree":
        return _directory(request, entry, path, ref)
    if entry.kind == "blob":
        return _file(request, entry, path, ref)
    return Answer(body=_named(request, entry, path, ref) | {"submodule_git_url": "https://github.com/octo-org/sub.git"})


def _followed(git: GitRepository, commit: str, link: TreeEntry) -> TreeEntry | None:
    """Return what a symbolic link in the repository points to; GitHub answers with the target's content."""
    parts = link.path.split("/")[:-1]
    for part in git.blob(link.sha).decode(errors="replace").split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    found = git.at(commit, "/".join(parts))
    return found if found and found.kind == "blob" else None


def _named(request: Request, entry: TreeEntry, path: str, ref: str, *, listed: bool = False) -> dict[str, Any]:
    world, repo = request.world, request.repository
    url, html = rest_bodies.repo_url(world, repo), rest_bodies.repo_html(world, repo)
    shown = quote(path, errors="surrogateescape")
    own = f"{url}/contents/{shown}?ref={ref}"
    git_url = f"{url}/git/{'trees' if entry.kind == 'tree' else 'blobs'}/{entry.sha}"
    page = f"{html}/{'tree' if entry.kind == 'tree' else 'blob'}/{ref}/{shown}"
    kind = "symlink" if entry.mode == "120000" else TYPES[entry.kind]
    # Until 2026-03-10 a directory listing calls a submodule a file.
    if listed and kind == "submodule" and request.headers.get("x-github-api-version") != "2026-03-10":
        kind = "file"
    return {
        "type": kind,
        "size": entry.size or 0,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": entry.sha,
        "url": own,
        "git_url": git_url,
        "html_url": page,
        "download_url": f"https://raw.githubusercontent.com/{repo.full_name}/{ref}/{shown}" if entry.size else None,
        "_links": {"self": own, "git": git_url, "html": page},
    }


def _directory(request: Request, tree: TreeEntry, path: str, ref: str) -> Answer:
    entries = request.repository.git.tree(tree.sha)[:1000]
    listed = [_named(request, one, f"{path}/{one.path}".strip("/"), ref, listed=True) for one in entries]
    if request.media == "object":
        return Answer(body=_named(request, tree, path, ref) | {"entries": listed})
    return Answer(body=listed)


def _file(request: Request, entry: TreeEntry, path: str, ref: str) -> Answer:
    limits, size = request.world.limits, entry.size or 0
    if size > limits.blob_bytes:
        raise _too_big("This API returns blobs up to 100 MB in size.")
    content = request.repository.git.blob(entry.sha)
    if request.media == "raw":
        return Answer(raw=content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
    body = _named(request, entry, path, ref)
    if size <= limits.content_bytes:
        return Answer(body=body | {"encoding": "base64", "content": base64.encodebytes(content).decode()})
    if request.media == "object":
        return Answer(body=body | {"encoding": "none", "content": ""})
    raise _too_big(
        "This API returns blobs up to 1 MB in size. The requested blob is too large to fetch via the API, but you can "
        "use the Git Data API to request blobs up to 100 MB in size."
    )


def _too_big(message: str) -> Refusal:
    return Refusal(403, message, [{"resource": "Blob", "field": "data", "code": "too_large"}])


def get_tree(request: Request) -> Answer:
    """Return a tree by the sha of a tree or commit or by a branch; any `recursive` value means yes."""
    repo = request.repository
    sha = repo.git.resolve(request.params["sha"], "tree")
    if sha is None:
        raise refusals.not_found()
    entries = repo.git.tree(sha, recursive="recursive" in request.query)
    shown = entries[: request.world.limits.tree_entries]
    url = rest_bodies.repo_url(request.world, repo)

    def item(one: TreeEntry) -> dict[str, Any]:
        body = {"path": one.path, "mode": one.mode, "type": one.kind, "sha": one.sha}
        if one.kind != "commit":
            body["url"] = f"{url}/git/{one.kind}s/{one.sha}"
        return body | ({"size": one.size} if one.size is not None else {})

    tree = [item(one) for one in shown]
    return Answer(
        body={"sha": sha, "url": f"{url}/git/trees/{sha}", "tree": tree, "truncated": len(shown) < len(entries)}
    )


def get_blob(request: Request) -> Answer:
    git, sha = request.repository.git, request.params["sha"]
    try:
        content = git.blob(sha)
    except GitFailed:
        raise refusals.not_found() from None
    if len(content) > request.world.limits.blob_bytes:
        raise _too_big("This API returns blobs up to 100 MB in size.")
    if request.media == "raw":
        return Answer(raw=content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
    return Answer(
        body={
            "sha": sha,
            "node_id": node_id("B", sha),
            "url": f"{rest_bodies.repo_url(request.world, request.repository)}/git/blobs/{sha}",
            "size": len(content),
            "encoding": "base64",
            "content": base64.encodebytes(content).decode(),
        }
    )


def get_tarball(request: Request) -> Answer:
    """Redirect to the archive: https://docs.github.com/rest/repos/contents#download-a-repository-archive-tar ."""
    repo = request.repository
    sha = repo.git.resolve(request.params["ref"])
    if sha is None:
        raise refusals.not_found()
    where = f"{request.world.url}/_codeload/{repo.full_name}/legacy.tar.gz/{sha}?token={ARCHIVE_TOKEN}"
    return Answer(302, raw=b"", headers={"Location": where})


def download_archive(request: Request) -> Answer:
    """Send a commit packed by git. GitHub's host for archives knows the token of the address, and needs no other."""
    owner, name, _, sha = request.params["path"].split("/")
    repo = request.world.find_repository(f"{owner}/{name}")
    if repo is None or request.query.get("token") != ARCHIVE_TOKEN:
        raise refusals.not_found()
    if "authorization" in request.headers:
        request.world.violations.append("a token was sent to the host for archives, whose address has one of its own")
    prefix = f"{owner}-{name}-{sha[:7]}/"
    packed = repo.git.run("archive", "--format=tar.gz", f"--prefix={prefix}", sha)
    return Answer(raw=packed, headers={"Content-Type": "application/x-gzip"})


# -- commits ----------------------------------------------------------------------------------------------------


def get_commit(request: Request) -> Answer:
    """Return a commit with its files, or its diff."""
    repo = request.repository
    sha = repo.git.resolve(request.params["ref"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {request.params['ref']}")
    parents = repo.git.commit_info(sha).parents
    base = parents[0] if parents else repo.git.run("hash-object", "-t", "tree", "/dev/null").decode().strip()
    if request.media in ("diff", "patch"):
        return Answer(raw=repo.git.diff(base, sha), headers={"Content-Type": _text(request.media)})
    changed = changed_files(repo.git, base, sha)
    added, removed = sum(file.additions for file in changed), sum(file.deletions for file in changed)
    body = pulls.commit(request.world, repo, sha)
    body["stats"] = {"total": added + removed, "additions": added, "deletions": removed}
    files = pulls.files(request.world, repo, changed[: request.world.limits.diff_files], sha)
    return Answer(body=body | {"files": files})


def _text(media: str) -> str:
    return f"application/vnd.github.{media}; charset=utf-8"


def compare(request: Request) -> Answer:
    """Compare two commits, `BASE...HEAD`, three-dot; either may be `OWNER:ref` of the same network.

    https://docs.github.com/rest/commits/commits#compare-two-commits
    """
    repo, git = request.repository, request.repository.git
    base_name, dots, head_name = request.params["basehead"].partition("...")
    base, head = _end(request, base_name), _end(request, head_name)
    if not dots or base is None or head is None:
        raise refusals.not_found()
    start = git.merge_base(base, head)
    if start is None:
        raise Refusal(404, f"No common ancestor between {base_name} and {head_name}.")
    if request.media in ("diff", "patch"):
        raw = git.diff(start, head) if request.media == "diff" else git.format_patch(start, head)
        return Answer(raw=raw, headers={"Content-Type": _text(request.media)})
    return Answer(body=_comparison(request, repo, (base, start, head)))


def _end(request: Request, name: str) -> str | None:
    repo = request.repository
    owner, colon, ref = name.rpartition(":")
    if not colon:
        return repo.git.resolve(name)
    account = owner.partition(":")[0].lower()
    family = (other for other in request.world.repositories if repo in (other, other.parent))
    fork = next((other for other in family if other.owner.login.lower() == account and not other.deleted), None)
    found = fork.git.resolve(ref) if fork else None
    if fork is not None and fork is not repo and ref in fork.git.branches():
        repo.git.fetch(fork.git, f"refs/heads/{ref}", f"refs/network/{fork.id}/{ref}")
    return found


def _comparison(request: Request, repo: Repository, ends: tuple[str, str, str]) -> dict[str, Any]:
    world, git, (base, start, head) = request.world, repo.git, ends
    ahead, behind = git.between(base, head), git.between(head, base)
    status = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind"}.get((bool(ahead), bool(behind)), "diverged")
    url = f"{rest_bodies.repo_url(world, repo)}/compare/{request.params['basehead']}"
    html = f"{rest_bodies.repo_html(world, repo)}/compare/{request.params['basehead']}"
    changed = changed_files(git, start, head)[: world.limits.compare_files]
    page = request.page(ahead[:250] if "page" not in request.query else ahead, lambda sha: sha)
    shown = page.body if "page" in request.query or "per_page" in request.query else ahead[:250]
    body = {
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": pulls.commit(world, repo, base),
        "merge_base_commit": pulls.commit(world, repo, start),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [pulls.commit(world, repo, sha) for sha in shown],
    }
    # The files come with the first page only.
    first = request.query.get("page", "1") == "1"
    return body | {"files": pulls.files(world, repo, changed, head) if first else []}


ROUTES = (
    Route("GET", "/repos/{owner}/{repo}", get_repository, "metadata=read"),
    Route("GET", "/repos/{owner}/{repo}/branches", list_branches, "contents=read", ("protected",), paged=True),
    Route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", get_permission, "metadata=read"),
    Route("GET", "/repos/{owner}/{repo}/contents", get_contents, "contents=read", ("ref",)),
    Route("GET", "/repos/{owner}/{repo}/contents/{path:path}", get_contents, "contents=read", ("ref",)),
    Route("GET", "/repos/{owner}/{repo}/git/trees/{sha:path}", get_tree, "contents=read", ("recursive",)),
    Route("GET", "/repos/{owner}/{repo}/tarball/{ref:path}", get_tarball, "contents=read"),
    Route("GET", "/_codeload/{path:path}", download_archive, query=("token",)),
    Route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", get_blob, "contents=read"),
    Route("GET", "/repos/{owner}/{repo}/commits/{ref:path}", get_commit, "contents=read", paged=True),
    Route("GET", "/repos/{owner}/{repo}/compare/{basehead:path}", compare, "contents=read", paged=True),
)
