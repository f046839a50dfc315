"""Settings that cannot be read are not absent: they come by another way, or nothing is reviewed and that is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.github import World, faults
from tests.fakes.github.faults import Reply, Trouble
from tests.fakes.github.model.git import Entry
from tests.fixtures.scenarios import DELETE, carry_out, model, watched
from webhooks.github.errors import GitHubError
from webhooks.handling.handle import JobEnding

PATH = ".github/reviewer.yml"
NARROW = "review:\n  exclude: ['src/**']\n"
OFF = "review:\n  auto: false\n"


def answer(body: Any, status: int = 200) -> Trouble:
    """Answer with this JSON instead of the query's own result."""
    return Trouble(
        f"{status} {str(body)[:60]}", Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
    )


def null(kind: str = "", **more: Any) -> dict[str, Any]:
    """Return an answer in which every field is null, with an error of that type for each, or without any."""
    data = {"data": {"repository": {f"f{n}": None for n in range(80)}}}
    error = {"type": kind, "path": ["repository", "f0"], "message": "Resource not accessible by integration", **more}
    return data | ({"errors": [error]} if kind or more else {})


#: GraphQL is not to be had.
NO_GRAPHQL = faults.server_error(404, "Not Found")

#: Ways in which GraphQL does not say what the settings are.
GRAPHQL = {
    "a forbidden field": answer(null("FORBIDDEN")),
    "a field that is not found": answer(null("NOT_FOUND")),
    "a field that fails inside": answer(null("INTERNAL")),
    "an error without a type": answer(null(message="Something went wrong while executing your query.")),
    "an error without a path": answer(null("SERVICE_UNAVAILABLE", path=None)),
    "nulls without an error": answer(null()),
    "no repository": answer({"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "message": "gone"}]}),
    "no repository, no error": answer({"data": {"repository": None}}),
    "no data": answer({"data": None, "errors": [{"message": "timeout"}]}),
    "errors only": answer({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}),
    "an empty object": answer({}),
    "an empty repository": answer({"data": {"repository": {}}}),
    "a list": answer([]),
    "a word": answer("nothing"),
    "a number for each file": answer({"data": {"repository": {f"f{n}": 5 for n in range(80)}}}),
    "a text that is none": answer({"data": {"repository": {f"f{n}": {"text": 5} for n in range(80)}}}),
    "no JSON": Trouble("text", Reply(200, b"<html>", {"Content-Type": "text/html"})),
    "400": answer({"message": "Problems parsing JSON"}, 400),
    "401": answer({"message": "Bad credentials"}, 401),
    "403": answer({"message": "Resource not accessible by integration"}, 403),
    "404": answer({"message": "Not Found"}, 404),
    "410": answer({"message": "Gone"}, 410),
    "451": answer({"message": "Unavailable"}, 451),
    "a page of a proxy": faults.html_error(501),
    "a secondary limit": faults.secondary_limit(429, retry_after=60),
}


@pytest.mark.parametrize("name", GRAPHQL)
@pytest.mark.parametrize("text", [NARROW, OFF])
def test_what_graphql_does_not_say_is_asked_over_rest(github: World, name: str, text: str) -> None:
    """Excluded files stay out of every prompt, and `auto: false` holds."""
    github.push_to_base(github.repo, {PATH: text})
    github.fault("POST /graphql$", GRAPHQL[name], times=None)
    ask, seen = watched(model())
    outcome = carry_out(github, github.opened, ask)
    assert not any("del self.items[sku]" in message.content for prompt in seen for message in prompt.messages)
    if text == OFF:
        assert (outcome.state, outcome.reason) == (JobEnding.IGNORED, "automatic reviews are off")
        github.expect_check("neutral")
    else:
        assert outcome.state is JobEnding.REVIEWED
        assert "review.exclude" in github.expect_comment("<!-- reviewer:summary").body
        github.expect_check("success")


@pytest.mark.parametrize("name", ["a forbidden field", "nulls without an error", "404"])
def test_settings_that_are_absent_stay_absent(github: World, name: str) -> None:
    """The folder was listed without them: the review is made."""
    github.fault("POST /graphql$", GRAPHQL[name], times=None)
    carry_out(github, github.opened, model(DELETE))
    github.expect_review(comments=1)
    github.expect_comment("KeyError")
    github.expect_check("neutral")


#: Ways in which REST does not say it either.
REST = {
    "403": faults.server_error(403, "Resource not accessible by integration"),
    "404": faults.server_error(404, "Not Found"),
    "451": faults.server_error(451, "Repository access blocked"),
    "410": faults.server_error(410, "Gone"),
    "400": faults.server_error(400, "Problems"),
    "422": faults.server_error(422, "Unprocessable"),
}


@pytest.mark.parametrize("name", REST)
@pytest.mark.parametrize("where", [r"/contents/$", r"/contents/\.github/?$", r"/contents/\.github/reviewer\.yml$"])
def test_what_rest_refuses_too_is_not_reviewed(github: World, where: str, name: str) -> None:
    """Nothing is asked; the check run says why, and what to grant where a right is missing."""
    github.push_to_base(github.repo, {PATH: NARROW})
    github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    github.fault(f"GET {where}", REST[name], times=None)
    ask, seen = watched(model(DELETE))
    outcome = carry_out(github, github.opened, ask)
    assert (outcome.state, seen) == (JobEnding.FAILED, [])
    text = github.expect_check("failure").output["summary"]
    assert "could not be read" in text
    assert ("contents: read" in text) is (name in ("403", "404", "451", "410"))


@pytest.mark.parametrize("trouble", [faults.primary_limit(600), faults.secondary_limit(403, retry_after=60)])
def test_a_passing_failure_leaves_the_job_for_later(github: World, trouble: Trouble) -> None:
    """The settings are read when it has passed, and hold."""
    github.push_to_base(github.repo, {PATH: NARROW})
    github.fault("POST /graphql$", trouble, times=1)
    github.fault("GET /contents/$", trouble, times=1)
    ask, seen = watched(model())
    with pytest.raises(GitHubError, match="could not be read") as caught:
        carry_out(github, github.opened, ask)
    assert caught.value.retryable
    assert seen == []
    carry_out(github, github.opened, ask)
    github.expect_check("success")
    github.expect_comment("review.exclude")


def test_without_the_right_to_read_contents_nothing_is_reviewed(github: World) -> None:
    """The App can read the diff, but not the settings: it says which right it needs."""
    github.push_to_base(github.repo, {PATH: NARROW})
    github.installation.permissions.pop("contents")
    ask, seen = watched(model(DELETE))
    assert carry_out(github, github.opened, ask).state is JobEnding.FAILED
    assert seen == []
    assert "contents: read" in github.expect_check("failure").output["summary"]


@pytest.mark.parametrize("command", ["/review", "/ask Why?", "/tests", "/refactor"])
def test_who_asks_is_answered(github: World, command: str) -> None:
    """A command is answered in a comment, once, also when its job is tried again."""
    github.push_to_base(github.repo, {PATH: "review: [\n"})
    asked = github.comment(github.pull, command, by="alice")
    for _ in range(2):
        assert carry_out(github, asked, lambda _: 1 / 0).state is JobEnding.FAILED  # type: ignore[arg-type,return-value]
        assert len(github.pull.issue.comments) == 2
    github.expect_reaction("eyes", on=asked.subject)
    body = github.expect_comment(f"Comment `{command}` to try again.").body
    assert ".github/reviewer.yml:2" in body
    assert ("**Not reviewed** at" in body, f"**`{command.split(maxsplit=1)[0]}` was not carried out** at" in body) == (
        command == "/review",
        command != "/review",
    )


@pytest.mark.parametrize(("command", "by"), [("/config", "stan"), ("/dismiss all", "alice")])
def test_who_asks_for_what_costs_nothing_is_answered_too(github: World, command: str, by: str) -> None:
    """Commands without the model need the settings as well: where GitHub does not show them, that is the answer."""
    github.installation.permissions.pop("contents")
    asked = github.comment(github.pull, command, by=by)
    assert carry_out(github, asked, model()).state is JobEnding.FAILED
    github.expect_reaction("eyes", on=asked.subject)
    assert "contents: read" in github.expect_comment(f"Comment `{command}` to try again.").body


def test_a_reader_may_not_ask_where_no_setting_says_so(github: World) -> None:
    """`review.ask` cannot be read, so its default holds: the reader is refused, and not met with silence."""
    github.installation.permissions.pop("contents")
    assert carry_out(github, github.comment(github.pull, "/ask Why?", by="stan"), model()).state is JobEnding.IGNORED
    github.expect_comment("can be used by people with write access")
    asked = github.comment(github.pull, "/help", by="stan")
    assert carry_out(github, asked, model()).state is JobEnding.ANSWERED
    assert "`/ask QUESTION`" not in github.expect_comment("What `stan` can ask for here").body
    github.expect_reaction("eyes", on=asked.subject)
    github.expect_reaction("rocket", on=asked.subject)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("review:\n  exclude: {a: b}\n", ".github/reviewer.yml:2: `review.exclude`"),
        ("review:\n  exclude:\n  - *.md\n", "not valid YAML"),
        ("budget:\n  per_pull_usd: five\n", "`budget.per_pull_usd`"),
        ("# " + "x" * 70_000, "larger than 64,000 bytes"),
        ("# " + "x" * 600_000, "larger than 64,000 bytes"),
        (b"\0\1\2", "not valid YAML"),
        (b"review:\n  exclude: ['\xff\xfe']\n" + b"\0" * 10, "UTF-8 text"),
        (Entry("../elsewhere.yml", "120000"), "a link"),
        (Entry("0" * 39 + "1", "160000"), "file"),
        ("review:\n  auto: maybe\n", "`review.auto`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("over_rest", [False, True])
def test_a_file_that_does_not_tell_what_is_allowed(
    github: World,
    content: Any,
    words: str,
    over_rest: bool,  # noqa: FBT001
) -> None:
    """Nothing is asked, and the check run names the line."""
    github.push_to_base(github.repo, {PATH: content})
    if over_rest:
        github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    ask, seen = watched(model(DELETE))
    assert carry_out(github, github.opened, ask).state is JobEnding.FAILED
    assert seen == []
    assert words in github.expect_check("failure").output["summary"].replace("\\", "")


@pytest.mark.parametrize("over_rest", [False, True])
@pytest.mark.parametrize("path", [".github/reviewer.yaml", ".github/Reviewer.yml", ".GitHub/reviewer.yml"])
def test_other_names_of_the_file_are_read(github: World, path: str, over_rest: bool) -> None:  # noqa: FBT001
    """`exclude` holds, whichever ending or case the name has, and a mistake is named with that name."""
    github.push_to_base(github.repo, {path: NARROW + "  colour: blue\n"})
    if over_rest:
        github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    ask, seen = watched(model())
    carry_out(github, github.opened, ask)
    assert not any("del self.items[sku]" in message.content for prompt in seen for message in prompt.messages)
    assert f"{path}:3" in github.expect_comment("review.exclude").body.replace("\\", "")
    github.expect_check("success")


@pytest.mark.parametrize(
    ("path", "text", "is_named"),
    [
        (".github/reviewer.yaml", NARROW, True),
        ("reviewer.yml", NARROW, True),
        (".reviewer.yml", "budget:\n  per_review_usd: 0.05\n", True),
        (".github/.reviewer.yaml", NARROW, True),
        ("reviewer.yml", "on: push\njobs: {}\n", False),
        ("src/reviewer.yml", NARROW, False),
    ],
)
@pytest.mark.parametrize("over_rest", [False, True])
def test_files_that_look_like_settings_are_named(
    github: World,
    path: str,
    text: str,
    is_named: bool,  # noqa: FBT001
    over_rest: bool,  # noqa: FBT001
) -> None:
    """They are not read beside `.github/reviewer.yml`, and the summary says so; files about other things are not."""
    github.push_to_base(github.repo, {PATH: "review:\n  max_comments: 5\n", path: text})
    if over_rest:
        github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    carry_out(github, github.opened, model(DELETE))
    github.expect_review(comments=1)
    body = github.expect_comment("<!-- reviewer:summary").body.replace("\\", "")
    assert ("not read" in body) is is_named
    assert (path in body) is is_named
    github.expect_check("neutral")


@pytest.mark.parametrize("over_rest", [False, True])
def test_settings_that_were_deleted_on_the_branch_are_absent(github: World, over_rest: bool) -> None:  # noqa: FBT001
    """Also where the branch has no other guidance: its older commit does not count."""
    github.push_to_base(github.repo, {PATH: OFF, "AGENTS.md": None})
    pushed = github.push(github.pull, {"src/more.py": "more = 1\n"})
    github.push_to_base(github.repo, {PATH: None})
    if over_rest:
        github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    assert carry_out(github, pushed, model()).state is JobEnding.REVIEWED
    github.expect_comment("No findings")
    github.expect_check("success")


@pytest.mark.parametrize("over_rest", [False, True])
def test_a_folder_with_a_thousand_files_hides_nothing(github: World, over_rest: bool) -> None:  # noqa: FBT001
    """REST lists a thousand names of a folder, which may not be all."""
    many = {f"!{n:04}": "x\n" for n in range(1005)} | {f".github/!{n:04}": "x\n" for n in range(1005)}
    github.push_to_base(github.repo, {**many, PATH: OFF})
    if over_rest:
        github.fault("POST /graphql$", NO_GRAPHQL, times=None)
    assert carry_out(github, github.opened, model(DELETE)).reason == "automatic reviews are off"
    github.expect_check("neutral")
