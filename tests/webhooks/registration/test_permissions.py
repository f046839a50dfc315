"""Permissions and events of the App: one list for GitHub, the operator and the documentation."""

from __future__ import annotations

from tests.paths import ROOT
from webhooks.github.tokens import TO_REVIEW
from webhooks.registration.permissions import (
    AppExtras,
    chosen_events,
    chosen_permissions,
    markdown_table,
    missing_events,
    missing_permissions,
    not_granted,
    with_purpose,
)


def test_documentation_has_the_table():
    """docs/install.md holds the table as it is made from the lists."""
    assert markdown_table() in (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_new_app_misses_nothing_that_is_required():
    """An App with the chosen permissions and events lacks only what is optional, and that by name."""
    held = chosen_permissions() | {"metadata": "read"}
    assert missing_permissions(held) == []
    assert missing_events(chosen_events()) == []
    assert missing_permissions(held, optional=True) == ["contents: write", "merge_queues: read"]
    assert "actions: read" in missing_permissions(chosen_permissions(AppExtras(reads_logs=False)), optional=True)
    assert missing_events(chosen_events(), optional=True) == ["merge_group"]


def test_extras_add_permission_and_event_together():
    """GitHub refuses an event whose permission is not asked for: both come, or none."""
    extras = AppExtras(writes_contents=True, merge_queues=True)
    assert chosen_permissions(extras)["contents"] == "write"
    assert missing_permissions(chosen_permissions(extras) | {"metadata": "read"}, optional=True) == []
    assert missing_events(chosen_events(extras), optional=True) == []
    assert "merge_group" not in chosen_events()


def test_what_an_account_has_not_granted_yet():
    """Of what reviews work without, only what the App asks for is missing there; each has its purpose."""
    asked = chosen_permissions(AppExtras(writes_contents=True))
    held = {**TO_REVIEW, "checks": "read"}
    assert not_granted(held, asked) == ["contents: write", "actions: read"]
    assert not_granted(held, TO_REVIEW) == []
    assert with_purpose("actions: read") == "actions: read (read the logs of failed jobs for `/ci`)"
    assert with_purpose("merge_group") == "merge_group (answer merge queues)"


def test_what_is_missing_is_named_with_its_level():
    """A level that is too low counts as missing; a higher one does not."""
    held = {**TO_REVIEW, "checks": "read", "contents": "admin"}
    assert missing_permissions(held) == ["checks: write"]
    assert missing_permissions({}) == [f"{name}: {level}" for name, level in TO_REVIEW.items()]
    assert missing_events(["issue_comment"]) == ["pull_request"]
