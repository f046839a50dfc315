"""The permissions and events of the GitHub App, each with what it is for. Pure.

The one place that names them: the tokens of a job, the manifest of the set-up page, the line at the start, `reviewer
doctor --app` and the table in docs/install.md are all made from these two lists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_RANK = MappingProxyType({"read": 1, "write": 2, "admin": 3})


@dataclass(frozen=True, slots=True)
class AppPermission:
    """A permission under the name of GitHub's API, the title on its page, the level, and what it is for."""

    name: str
    title: str
    level: str
    purpose: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class AppEvent:
    """An event to subscribe to. `permission` is the one without which GitHub does not offer it."""

    name: str
    title: str
    permission: str
    purpose: str
    is_optional: bool = False


PERMISSIONS = (
    AppPermission("metadata", "Metadata", "read", "see the repositories (GitHub always grants it)"),
    AppPermission("contents", "Contents", "read", "read the code around a change, and the settings"),
    AppPermission("pull_requests", "Pull requests", "write", "read the change, post the review"),
    AppPermission("issues", "Issues", "write", "post the summary, answer commands, react to comments"),
    AppPermission("checks", "Checks", "write", "show the check `reviewer`"),
    AppPermission(
        "contents", "Contents", "write", "resolve threads that are fixed, commit suggested tests", is_optional=True
    ),
    AppPermission("actions", "Actions", "read", "read the logs of failed jobs for `/ci`", is_optional=True),
    AppPermission("merge_queues", "Merge queues", "read", "answer merge queues", is_optional=True),
)

EVENTS = (
    AppEvent("pull_request", "Pull request", "pull_requests", "review what is opened and pushed"),
    AppEvent("issue_comment", "Issue comment", "issues", "carry out commands in comments"),
    AppEvent(
        "pull_request_review_comment",
        "Pull request review comment",
        "pull_requests",
        "carry out commands in the threads of a review",
        is_optional=True,
    ),
    AppEvent("merge_group", "Merge group", "merge_queues", "answer merge queues", is_optional=True),
)

#: What a review, a command and their comments and check runs need.
REQUIRED: Mapping[str, str] = MappingProxyType({each.name: each.level for each in PERMISSIONS if not each.is_optional})


@dataclass(frozen=True, slots=True)
class AppExtras:
    """What an operator may choose beside what is required."""

    writes_contents: bool = False
    merge_queues: bool = False
    reads_logs: bool = True


def chosen_permissions(extras: AppExtras = AppExtras()) -> dict[str, str]:
    """Return the permissions of a new App. `metadata` is left out: GitHub adds it."""
    chosen = {name: level for name, level in REQUIRED.items() if name != "metadata"}
    if extras.writes_contents:
        chosen["contents"] = "write"
    if extras.merge_queues:
        chosen["merge_queues"] = "read"
    if extras.reads_logs:
        chosen["actions"] = "read"
    return chosen


def chosen_events(extras: AppExtras = AppExtras()) -> list[str]:
    """Return the events of a new App: those that its permissions allow. Others would make GitHub refuse it."""
    held = chosen_permissions(extras)
    return [event.name for event in EVENTS if event.permission in held]


def missing_permissions(held: Mapping[str, Any], *, optional: bool = False) -> list[str]:
    """Return the permissions that are not held, each as `checks: write`; with `optional`, only those nobody needs."""
    return [
        f"{each.name}: {each.level}"
        for each in PERMISSIONS
        if each.is_optional is optional and _RANK.get(str(held.get(each.name)), 0) < _RANK[each.level]
    ]


def not_granted(held: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return what the App asks accounts for, nobody needs, and this account has not granted."""
    left_out = missing_permissions(asked, optional=True)
    return [name for name in missing_permissions(held, optional=True) if name not in left_out]


def missing_events(subscribed: Collection[str], *, optional: bool = False) -> list[str]:
    """Return the names of the events that are not subscribed to; with `optional`, only those nobody needs."""
    return [each.name for each in EVENTS if each.is_optional is optional and each.name not in subscribed]


def with_purpose(missing: str) -> str:
    """Return what `missing_permissions` or `missing_events` named, with what it is for."""
    purposes = {f"{each.name}: {each.level}": each.purpose for each in PERMISSIONS}
    purposes |= {each.name: each.purpose for each in EVENTS}
    return f"{missing} ({purposes[missing]})" if missing in purposes else missing


def markdown_table() -> str:
    """Return the two lists as a table for the documentation."""
    rows = ["| on GitHub's page | choose | for |", "|---|---|---|"]
    rows += _rows("Permission", ((each.title, _level(each), each) for each in PERMISSIONS))
    rows += _rows("Event", ((each.title, "subscribe", each) for each in EVENTS))
    return "\n".join(rows)


def _level(permission: AppPermission) -> str:
    return "read and write" if permission.level == "write" else "read-only"


def _rows(kind: str, entries: Iterable[tuple[str, str, AppPermission | AppEvent]]) -> list[str]:
    return [
        f"| {kind} *{title}* | {choice}{' (optional)' if each.is_optional else ''} | {each.purpose} |"
        for title, choice, each in entries
    ]
