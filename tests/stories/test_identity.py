"""Stories of who we are: every kind of token knows its own comments again, and takes nobody else's for its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from reviewer.llm.messages import Ask
from tests.fakes.github import World, default_world, faults
from tests.fakes.github.model.example import CART_AFTER
from tests.fixtures.scenarios import DELETE, carry_out, model, watched
from webhooks.github.errors import GitHubUnavailable

pytestmark = pytest.mark.slow

#: What an organization's App is usually given: no check runs.
PLAIN = {"contents": "read", "metadata": "read", "pull_requests": "write", "issues": "write"}

TOKENS: dict[str, Callable[[World], str]] = {
    "the workflow's own": lambda world: world.actions_token(world.repo),
    "the workflow's own, without checks": lambda world: world.actions_token(world.repo, PLAIN),
    "an organization's App": lambda world: world.app_token("acme-review", world.repo, PLAIN),
    "an organization's App, with checks": lambda world: world.app_token("acme-review", world.repo),
    "a person's": lambda world: world.user_token("mona"),
    "the App": lambda _: "",
}


def break_graphql(world: World) -> None:
    world.fault("POST /graphql$", faults.server_error(404, "Not Found"), times=None)


def answer_errors(world: World) -> None:
    errors = [{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}]
    answer = faults.Reply(200, json.dumps({"data": {"viewer": None}, "errors": errors}).encode())
    world.fault("POST /graphql$", faults.Trouble("errors under 200", answer), times=None)


def break_user(world: World) -> None:
    world.fault("GET /user$", faults.server_error(403, "Resource not accessible"), times=None)


def break_everything(world: World) -> None:
    break_graphql(world)
    break_user(world)
    world.fault("GET /app$", faults.server_error(404, "Not Found"), times=None)


TROUBLES: dict[str, Callable[[World], None]] = {
    "all is well": lambda _: None,
    "GraphQL is blocked": break_graphql,
    "GraphQL answers errors": answer_errors,
    "nobody tells who we are": break_everything,
}


def over(world: World) -> None:
    """End the trouble, and leave what was written to the assertions of the test."""
    world.faults.clear()
    world.forgive()


def pushes(world: World, ask: Ask, token: str) -> None:
    """Review, then review two more pushes that leave the defect as it is."""
    carry_out(world, world.opened, ask, token=token)
    for number in range(2):
        carry_out(world, world.push(world.pull, {f"src/extra{number}.py": "x = 1\n"}), ask, token=token)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", TOKENS)
def test_three_pushes_leave_one_comment_and_one_summary(github: World, kind: str, trouble: str) -> None:
    """Nothing is posted twice, and what was reviewed is not paid for again, whatever the token."""
    TROUBLES[trouble](github)
    ask, prompts = watched(model(DELETE))
    pushes(github, ask, TOKENS[kind](github))
    over(github)
    (thread,) = github.pull.threads.values()
    assert len(thread.comments) == 1
    assert len(github.pull.issue.comments) == 1
    shown = [prompt for prompt in prompts if "del self.items[sku]" in prompt.messages[1].content]
    first = [prompt for prompt in shown if "extra" not in prompt.messages[1].content]
    assert shown == first, "the file was shown again"
    assert not github.pull.issue.reactions


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("trouble", ["all is well", "nobody tells who we are"])
@pytest.mark.parametrize("kind", [kind for kind in TOKENS if "without" not in kind and kind != "a person's"])
def test_a_killed_job_finds_its_check_run_again(github: World, kind: str, trouble: str) -> None:
    """It is completed by the next try: none is left in progress, and a newer one of another job does not hide it."""
    TROUBLES[trouble](github)
    token = TOKENS[kind](github)
    fault = github.fault("POST /issues/1/comments$", faults.server_error(500), times=None)
    with pytest.raises(GitHubUnavailable):
        carry_out(github, github.opened, model(DELETE), token=token)
    github.faults.remove(fault)
    asked = github.comment(github.pull, "/review", by="alice")
    carry_out(github, asked, model(DELETE), token=token)
    carry_out(github, github.opened, model(DELETE), token=token)
    over(github)
    runs = list(github.repo.check_runs.values())
    assert [run.status for run in runs] == ["completed"] * len(runs)
    assert len({run.external_id for run in runs}) == len(runs) == (0 if kind == "an organization's App" else 2)
    assert len(github.pull.issue.comments) == 2, "the command and the summary"


@pytest.mark.parametrize("trouble", ["all is well", "nobody tells who we are"])
@pytest.mark.parametrize("kind", TOKENS)
def test_a_question_is_answered_once(github: World, kind: str, trouble: str) -> None:
    """A job that is carried out again finds its answer."""
    TROUBLES[trouble](github)
    asked = github.comment(github.pull, "/ask Why?", by="alice")
    token = TOKENS[kind](github)
    for _ in range(2):
        carry_out(github, asked, model(), token=token)
    over(github)
    assert len(github.pull.issue.comments) == 2


@pytest.mark.parametrize("kind", ["the workflow's own, without checks", "an organization's App", "a person's"])
@pytest.mark.parametrize("forger", ["stan", "github-actions[bot]", "acme-review", "acme-review[bot]", "parrot[bot]"])
def test_marks_of_others_are_not_ours(github: World, kind: str, forger: str) -> None:
    """The comment of anybody but us, with our marks to the letter, is left alone, and hides nothing."""
    carry_out(github, github.opened, model(DELETE))
    (summary,) = github.pull.issue.comments.values()
    (thread,) = github.pull.threads.values()
    texts = summary.body, thread.comments[0].body
    github.forgive()
    for run in list(github.repo.check_runs):
        del github.repo.check_runs[run]
    github.pull.issue.comments.clear()
    github.pull.threads.clear()
    token = TOKENS[kind](github)
    author = github.tokens[token].user
    assert author is not None
    github.user(forger, kind="Bot" if forger.endswith("[bot]") else "User")
    github.comment(github.pull, texts[0], by=forger)
    github.review_comment(github.pull, texts[1], by=forger, path="src/cart.py", line=27)
    pushed = github.push(github.pull, {"src/cart.py": CART_AFTER + "\n# end\n"})
    carry_out(github, pushed, model(DELETE), token=token)
    github.forgive()
    authors = sorted(comment.user.login for comment in github.pull.issue.comments.values())
    assert authors == sorted({forger, author.login}), "its own summary, where the forged one is somebody else's"


def test_words_of_the_person_whose_token_we_use_count(github: World) -> None:
    """With a personal token our comments are that person's; what the person writes without our marks is not ours."""
    token = github.user_token("mona")
    carry_out(github, github.opened, model(DELETE), token=token)
    (thread,) = github.pull.threads.values()
    github.reply(thread.comments[0], "By design.", by="mona")
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model(DELETE), token=token)
    github.forgive()
    (summary,) = github.pull.issue.comments.values()
    assert "1 finding dismissed by people" in summary.body


def test_an_enterprise_server_is_asked_at_its_own_address() -> None:
    """Its API lies below `/api/v3`, and GraphQL beside that."""
    with default_world(prefix="/api/v3") as world:
        token = world.app_token("acme-review", world.repo, PLAIN)
        pushes(world, model(DELETE), token)
        world.forgive()
        assert len(world.pull.issue.comments) == len(world.pull.threads) == 1
        assert not world.calls_to("GET /user$")


@pytest.mark.usefixtures("short_pauses")
def test_where_it_may_be_known_later_the_job_waits(github: World) -> None:
    """GraphQL fails for now and nothing else tells: the job is tried again, and nothing is posted twice."""
    token = github.app_token("acme-review", github.repo, PLAIN)
    carry_out(github, github.opened, model(DELETE), token=token)
    github.forgive()
    for request in ("POST /graphql$", "GET /user$", "GET /issues/1/reactions"):
        github.fault(request, faults.server_error(502), times=None)
    pushed = github.push(github.pull, {"src/extra.py": "x = 1\n"})
    with pytest.raises(GitHubUnavailable):
        carry_out(github, pushed, model(DELETE), token=token)
    github.faults.clear()
    carry_out(github, pushed, model(DELETE), token=token)
    github.expect_comment("1 open finding", by="acme-review[bot]")
