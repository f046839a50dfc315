"""The places where the double of GitHub accepts a comment, against hunks worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.github import World

BEFORE = [f"line {n}" for n in range(1, 41)]

#: Line 5 changed; 30 and 31 removed; two lines added after the old 33. With three lines of context, by hand:
#:   @@ -2,7 +2,7 @@    old 2-8, new 2-8
#:   @@ -27,10 +27,10 @@ old 27-36, new 27-36; the added ones are new 32 and 33
AFTER = [*BEFORE[:4], "five", *BEFORE[5:29], *BEFORE[31:33], "new a", "new b", *BEFORE[33:]]

RIGHT = {*range(2, 9), *range(27, 37)}
LEFT = {5, 30, 31}


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture
def github(github: World) -> World:
    repo = github.create_repository("octo-org/lines", {"a.txt": text(BEFORE), "gone.txt": "1\n2\n"})
    changes = {"a.txt": text(AFTER), "gone.txt": None, "logo.png": b"\0\1", "dir/b name.txt": "x"}
    repo.commit(changes, "Change", branch="topic")
    github.open_pull(repo, "topic")
    return github


@pytest.fixture
def api(github: World) -> Iterator[httpx.Client]:
    github.limits.contents_per_minute = 1000
    with github.client(github.token()) as client:
        client.base_url = f"{github.url}/repos/octo-org/lines/pulls/1"
        yield client


def review(api: httpx.Client, *comments: dict[str, Any], **more: Any) -> httpx.Response:
    said = [{"body": "Hm", "path": "a.txt"} | comment for comment in comments]
    return api.post("/reviews", json={"event": "COMMENT", "body": "Review", "comments": said} | more)


def errors(response: httpx.Response) -> list[Any]:
    assert response.status_code == 422, response.text
    return response.json()["errors"]


@pytest.mark.parametrize(("side", "accepted"), [("RIGHT", RIGHT), ("LEFT", LEFT)])
def test_lines_of_the_hunks_and_no_others(github: World, api: httpx.Client, side: str, accepted: set[int]) -> None:
    """Of all line numbers exactly those of the hunks are accepted, removed lines on the left only."""
    answers = {line: review(api, {"line": line, "side": side}).status_code for line in range(1, 45)}
    assert {line for line, status in answers.items() if status == 200} == accepted
    assert set(answers.values()) == {200, 422}
    github.forgive()


@pytest.mark.parametrize(
    "range_",
    [
        {"start_line": 2, "line": 8},
        {"start_line": 27, "line": 36},
        {"start_line": 30, "line": 31, "side": "LEFT", "start_side": "LEFT"},
        {"start_line": 30, "line": 31, "side": "LEFT"},
        {"start_line": 31, "start_side": "LEFT", "line": 32, "side": "RIGHT"},
    ],
)
def test_a_range_within_one_hunk(github: World, api: httpx.Client, range_: dict[str, Any]) -> None:
    """A range may span a whole hunk, and may begin on the left and end on the right."""
    assert review(api, range_).status_code == 200
    place = github.expect_review(comments=1).comments[0].thread.place
    assert (place.start_line, place.line) == (range_["start_line"], range_["line"])


@pytest.mark.parametrize(
    ("range_", "message"),
    [
        ({"start_line": 8, "line": 27}, "start line must be part of the same hunk as the line."),
        ({"start_line": 1, "line": 3}, "start line must be part of the same hunk as the line."),
        ({"start_line": 3, "line": 3}, "start line must precede the end line."),
        ({"start_line": 4, "line": 3}, "start line must precede the end line."),
        ({"start_line": 32, "line": 31, "side": "LEFT", "start_side": "RIGHT"}, "start line must precede"),
        ({"start_line": 8, "line": 9}, "Line could not be resolved"),
        ({"line": 9}, "Line could not be resolved"),
        ({"line": 3, "path": "b.txt"}, "Path could not be resolved"),
        ({"line": 1, "path": "logo.png"}, "Line could not be resolved"),
        ({"line": 1, "path": "gone.txt"}, "Line could not be resolved"),
        ({"position": 22}, "position is invalid"),
    ],
)
def test_refusals_in_githubs_words(api: httpx.Client, range_: dict[str, Any], message: str) -> None:
    """What is not a place is refused with the message GitHub has for it, as a string."""
    assert message in errors(review(api, range_))[0]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (
            {"line": 9},
            (
                "Pull request review thread line must be part of the diff and "
                "Pull request review thread diff hunk can't be blank"
            ),
        ),
        (
            {"start_line": 8, "line": 9},
            (
                "Pull request review thread line must be part of the diff, Pull request review thread start line must "
                "be part of the same hunk as the line., and Pull request review thread diff hunk can't be blank"
            ),
        ),
        (
            {"line": 3, "path": "b.txt"},
            "Pull request review thread path is invalid and Pull request review thread diff hunk can't be blank",
        ),
    ],
)
def test_refusals_in_the_older_words(github: World, api: httpx.Client, comment: dict[str, Any], message: str) -> None:
    """On request the double speaks as GitHub did until 2025."""
    github.old_wording = True
    assert errors(review(api, comment)) == [message]


def test_one_bad_comment_refuses_all(github: World, api: httpx.Client) -> None:
    """A review is stored with all its comments or not at all."""
    assert errors(review(api, {"line": 5}, {"line": 9}, {"line": 6})) == ["Line could not be resolved"]
    assert api.get("/reviews").json() == api.get("/comments").json() == []
    assert not github.repo.pulls[0].threads


def test_removed_and_spaced_names(github: World, api: httpx.Client) -> None:
    """A removed file takes comments on the left, and a name with a space is a name like any other."""
    comments = ({"path": "gone.txt", "line": 2, "side": "LEFT"}, {"path": "dir/b name.txt", "line": 1})
    assert review(api, *comments).status_code == 200
    github.expect_review(comments=2)


def test_legacy_positions(github: World, api: httpx.Client) -> None:
    """A position counts lines below the first header of the file, later headers included."""
    assert review(api, {"position": 1}, {"position": 4}, {"position": 10}).status_code == 200
    places = [comment.thread.place for comment in github.expect_review().comments]
    assert [(place.side, place.line) for place in places] == [("RIGHT", 2), ("LEFT", 5), ("RIGHT", 27)]
    assert "is invalid" in errors(review(api, {"position": 9}))[0]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ({"line": 5, "subject_type": "line"}, '"subject_type" is not a permitted key.'),
        ({"line": 5, "position": 1}, "More than one subschema"),
        ({}, '"line" wasn\'t supplied.'),
        ({"line": "5"}, "For 'properties/line', \"5\" is not an integer."),
        ({"line": 5, "start_line": None}, "For 'properties/start_line', nil is not an integer."),
        ({"line": 5, "side": "MIDDLE"}, 'is not a member of ["LEFT", "RIGHT"].'),
    ],
)
def test_bodies_that_do_not_fit(api: httpx.Client, comment: dict[str, Any], message: str) -> None:
    """A body with unknown keys or wrong types is refused in the message, with no errors beside it."""
    response = review(api, comment)
    assert response.status_code == 422
    assert response.json()["message"].startswith("Invalid request.\n\n")
    assert message in response.json()["message"]
    assert "errors" not in response.json()


def test_single_comments_have_objects_as_errors(github: World, api: httpx.Client) -> None:
    """The comments endpoint refuses the same places with error objects, and takes whole files."""
    sha = github.repositories[1].pulls[0].head
    body = {"body": "Hm", "path": "a.txt", "commit_id": sha}
    assert errors(api.post("/comments", json=body | {"line": 9})) == [
        {
            "resource": "PullRequestReviewComment",
            "code": "custom",
            "field": "pull_request_review_thread.line",
            "message": "pull_request_review_thread.line could not be resolved",
        }
    ]
    made = api.post("/comments", json=body | {"subject_type": "file"})
    assert (made.status_code, made.json()["subject_type"], made.json()["line"]) == (201, "file", None)
    assert "is not a member of" in api.post("/comments", json=body | {"subject_type": "FILE"}).json()["message"]
    github.expect_review_comment("Hm")


def test_older_commits_of_the_pull_request(github: World, api: httpx.Client) -> None:
    """A comment is held against the diff at the commit it names, which has to be part of the pull request."""
    pull = github.repositories[1].pulls[0]
    first = pull.head
    github.push(pull, {"a.txt": text(BEFORE)})
    assert errors(review(api, {"line": 5})) == ["Path could not be resolved"]
    assert review(api, {"line": 5}, commit_id=first).status_code == 200
    assert api.get("/comments").json()[0]["line"] is None
    github.expect_review()
    github.force_push(pull, {"a.txt": text(AFTER)})
    message = "Start commit oid is not part of the pull request"
    assert errors(review(api, {"line": 5}, commit_id=first)) == [message]


def test_comments_move_and_become_outdated(github: World, api: httpx.Client) -> None:
    """A comment follows its line through a push, and loses it when the line itself was changed."""
    pull = github.repositories[1].pulls[0]
    first = pull.head
    assert review(api, {"line": 5}, {"line": 32, "start_line": 31}).status_code == 200
    github.expect_review()
    github.push(pull, {"a.txt": text(["line 0", *AFTER])})
    shown = [(one["line"], one["start_line"], one["original_line"]) for one in api.get("/comments").json()]
    assert shown == [(6, None, 5), (33, 32, 32)]
    github.push(pull, {"a.txt": text(["line 0", *AFTER]).replace("five", "5")})
    outdated, moved = api.get("/comments").json()
    assert (outdated["line"], outdated["position"], outdated["commit_id"]) == (None, None, first)
    assert (moved["line"], moved["commit_id"], moved["original_commit_id"]) == (33, pull.head, first)
