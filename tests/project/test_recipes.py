"""The workflows that the documentation recommends: which events start them, and what ends what."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.fakes.expressions import Open, evaluate, holds, interpolate
from tests.paths import ROOT
from webhooks.events.commands import NoCommand, parse_commands
from webhooks.handling.commands.table import COMMANDS, SYNTAX

FENCE = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SEES = (
    "/review", " /review", "   /review", "\n/review", "Mended the loop.\n\n/review", "/review\r\n", "/Review",
    "/REVIEW full", "> quoted\n\n/review", "- a list\n\n/ask Why?", "/ask why is /tests slow",
    "Look at src/tests/x.py\n\n/review", "/refactor", "Hello\n/Refactor", "/tests", " /Tests commit",
    "\n\n/tests pull", "Please:\n/TESTS", "/prove", "/fix all", "Thanks.\n/Fix",
)  # fmt: skip
CHAT = ("Thanks!", "and/or", "I like it.", "", "https://example.com/a/b", "a / b")


def blocks(page: str) -> list[dict[str, Any]]:
    """Return the YAML on a page of the documentation."""
    found = [yaml.safe_load(block) for block in FENCE.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))]
    # YAML reads `on` as a boolean.
    return [{"on" if key is True else key: value for key, value in block.items()} for block in found]


def workflow(page: str) -> dict[str, Any]:
    """Return the first complete workflow on a page."""
    return next(found for found in blocks(page) if "jobs" in found)


MAIN, TESTS = workflow("install.md"), workflow("tests.md")


def event(name: str, run: int = 1, **payload: Any) -> dict[str, Any]:
    """Return the context `github` of a run."""
    return {"github": Open({"event_name": name, "run_id": run, "event": Open(nested(payload))})}


def nested(value: Any) -> Any:
    """Return a payload as contexts, in which a member that is missing is null."""
    return {key: Open(nested(item)) if isinstance(item, dict) else item for key, item in value.items()}


def comment(body: str, association: str = "NONE", number: int = 5) -> dict[str, Any]:
    fields = {"id": number, "body": body, "author_association": association}
    return event(
        "issue_comment", number, action="created", issue={"number": 7, "pull_request": {"url": "x"}}, comment=fields
    )


def edit(*, base: bool, run: int = 1, name: str = "pull_request") -> dict[str, Any]:
    changes = {"base": {"ref": {"from": "dev"}}} if base else {"title": {"from": "x"}}
    return event(name, run, action="edited", pull_request={"number": 7}, changes=changes)


def push(run: int = 1) -> dict[str, Any]:
    return event("pull_request", run, action="synchronize", pull_request={"number": 7})


def label(name: str, run: int = 1) -> dict[str, Any]:
    return event("pull_request_target", run, action="labeled", pull_request={"number": 7}, label={"name": name})


def starts(recipe: dict[str, Any], contexts: dict[str, Any]) -> bool:
    (job,) = recipe["jobs"].values()
    return holds(job["if"], contexts, failed=False)


def group(contexts: dict[str, Any]) -> str:
    return interpolate(MAIN["concurrency"]["group"], contexts)


def commands_of(recipe: dict[str, Any]) -> set[str]:
    (job,) = recipe["jobs"].values()
    return set(job["steps"][-1]["with"]["commands"].split())


@pytest.mark.parametrize("body", SEES)
def test_every_command_that_the_app_sees_starts_its_workflow(body: str) -> None:
    """Wherever it stands and however it is written; the other workflow leaves it alone, should it start too."""
    requests = parse_commands(body, SYNTAX)
    assert not isinstance(requests, NoCommand)
    request = requests[0]
    (own,) = [recipe for recipe in (MAIN, TESTS) if request.command in commands_of(recipe)]
    assert starts(own, comment(body, "MEMBER"))


def test_every_command_has_its_workflow() -> None:
    """One of the two, and not both."""
    assert commands_of(MAIN) | commands_of(TESTS) == {command.name for command in COMMANDS}
    assert not commands_of(MAIN) & commands_of(TESTS)


@pytest.mark.parametrize("body", CHAT)
def test_chat_starts_nothing(body: str) -> None:
    """Neither of the two; nor does a comment on an issue."""
    assert not starts(MAIN, comment(body))
    assert not starts(TESTS, comment(body, "OWNER"))
    issue = event("issue_comment", action="created", issue={"number": 7}, comment={"id": 5, "body": "/review"})
    assert not starts(MAIN, issue)


@pytest.mark.parametrize("association", ["NONE", "CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN"])
def test_strangers_install_nothing(association: str) -> None:
    """The workflow that runs code of the pull request is closed to them; the other asks for their permission."""
    assert not starts(TESTS, comment("/tests", association))


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_only_a_new_base_counts_among_edits(name: str) -> None:
    """It starts the job; an edit of the title does not, and its skipped job passes for no review."""
    assert "edited" in MAIN["on"]["pull_request"]["types"]
    (job,) = MAIN["jobs"].values()
    assert starts(MAIN, edit(base=True, name=name))
    assert not starts(MAIN, edit(base=False, name=name))
    names = [interpolate(job["name"], contexts) for contexts in (push(), edit(base=True), edit(base=False))]
    assert names == ["review", "review", "edited"]


def test_what_ends_what() -> None:
    """A push ends the review before it, as a new base does; titles, comments and merge groups end nothing."""
    queue = [event("merge_group", action="checks_requested", merge_group={"head_sha": sha}) for sha in ("a", "b")]
    assert group(push(1)) == group(push(2)) == group(edit(base=True))
    apart = [group(each) for each in (push(), edit(base=False, run=1), edit(base=False, run=2), *queue,
                                      comment("/review", number=5), comment("/review", number=6))]  # fmt: skip
    assert len(set(apart)) == len(apart)
    assert all(starts(MAIN, each) for each in (push(), *queue))
    assert "merge_group" in MAIN["on"]


def test_a_label_ends_no_review() -> None:
    """Bots set labels right after a pull request is opened: where `labeled` is among the types, its review goes on."""
    opened = event("pull_request_target", action="opened", pull_request={"number": 7})
    others = [label("dependencies", run=2), label("size: L", run=3)]
    assert len({group(each) for each in (opened, *others)}) == 3
    assert group(label("reviewer: review")) == group(opened)
    assert [starts(MAIN, each) for each in (opened, label("reviewer: review"), *others)] == [True, True, False, False]
    (job,) = MAIN["jobs"].values()
    assert [interpolate(job["name"], each) for each in (opened, *others)] == ["review", "labeled", "labeled"]


def test_forks_are_told_of_a_new_base_too() -> None:
    """The recipe for forks listens to the same actions."""
    (forks,) = [found["on"] for found in blocks("install.md") if "pull_request_target" in found.get("on", {})]
    assert forks["pull_request_target"]["types"] == MAIN["on"]["pull_request"]["types"]


def test_expressions_are_known_to_the_double() -> None:
    """`contains` does not mind capitals, as at GitHub."""
    assert evaluate("contains('Please /Review', '/review')", {})
