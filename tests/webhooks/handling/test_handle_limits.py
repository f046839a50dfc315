"""Stories of a job with unusual pull requests: forks, renamed and lost repositories, budgets, questions, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from reviewer.llm.errors import ModelError, NoCredit
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.usage import Attempt
from tests.fakes.github import World, faults
from tests.fixtures.scenarios import DEFAULT, DELETE, acting, carry_out, model, watched
from tests.webhooks.handling.expectations import expect_all
from webhooks.github.credentials import Credentials
from webhooks.github.errors import NotFound
from webhooks.github.repository import connect
from webhooks.handling.handle import JobEnding


def test_a_model_that_cannot_be_used_ends_where_people_see_it(github: World) -> None:
    """A failed check run that says why and what to do; a command gets a reply as well, once."""

    def broke(prompts):
        return [NoCredit("The account has no credit left. Top it up.") for _ in prompts]

    outcome = carry_out(github, github.opened, broke)
    assert outcome.state is JobEnding.FAILED
    check = github.expect_check("failure")
    assert "no credit left" in check.output["summary"]
    asked = github.comment(github.pull, "/review", by="alice")
    for _ in range(2):
        carry_out(github, asked, broke)
    github.expect_comment("no credit left")
    github.expect_check("failure")


def test_a_deleted_fork_can_still_be_reviewed(github: World) -> None:
    """`head.repo` is null; the diff is there, and that is enough."""
    fork = github.fork(github.repo, by="stan")
    fork.commit({"src/new.py": "def f():\n    return 1 / 0\n"}, branch="idea")
    opened = github.open_pull(github.repo, "idea", fork=fork, by="stan")
    github.delete_fork(github.pull)
    zero = {**DELETE, "path": "src/new.py", "quote": "    return 1 / 0", "line": 2, "suggestion": None}
    carry_out(github, opened, model(zero))
    expect_all(github, comments=1)


def test_an_empty_pull_request_gets_a_check_run_and_no_comment(github: World) -> None:
    """Nothing changed: nothing is asked, nothing is said in the conversation."""
    github.repo.commit({}, "Empty", branch="empty")
    opened = github.open_pull(github.repo, "empty")
    outcome = carry_out(github, opened, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert outcome.state is JobEnding.REVIEWED
    assert "Nothing" in github.expect_check("neutral").output["title"]


def test_a_repository_that_is_gone_is_no_failure(github: World) -> None:
    """Uninstalled meanwhile: the job ends with its reason and without a crash."""
    github.uninstall(github.installation)
    outcome = carry_out(github, github.opened, model(DELETE))
    assert outcome.state in (JobEnding.IGNORED, JobEnding.FAILED)
    assert outcome.reason


def test_a_renamed_repository_is_followed(github: World) -> None:
    """The delivery names the old repository; reads and writes reach the new one."""
    github.rename_repository(github.repo, "store")
    carry_out(github, github.opened, model(DELETE))
    expect_all(github, comments=1)


@pytest.mark.parametrize(
    "trouble", [faults.server_error(404, "Not Found"), faults.server_error(501), faults.html_error()]
)
def test_without_graphql_files_are_read_one_by_one(github: World, trouble: faults.Trouble) -> None:
    """Settings, guidance and the file of a suggestion come over REST: only those that are there, and when needed."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  fail_level: error\n"})
    pushed = github.push(github.pull, {"x.md": "x\n"})
    github.fault("POST /graphql$", trouble, times=None)
    outcome = carry_out(github, pushed, model(DELETE))
    assert outcome.conclusion == "failure"
    review = github.expect_review(comments=1)
    assert "```suggestion" in review.comments[0].body
    github.expect_comment("KeyError")
    github.expect_check("failure")
    assert len([call for call in github.calls_to("GET /contents/") if "/.github/contents" not in call.path]) <= 5


def test_ceilings_that_cannot_be_kept_are_said(github: World) -> None:
    """Without a record of what was spent, the summary says that these budgets do not hold."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "budget:\n  per_month_usd: 10\n"})
    carry_out(github, github.push(github.pull, {"x.md": "x\n"}), model())
    github.expect_check("success")
    github.expect_comment("there is no record of what was spent")


def test_three_thousand_files_are_reviewed_and_the_rest_is_named(github: World) -> None:
    """GitHub refuses the diff and lists 3,000 files at most: they are read, and what is missing is said."""
    files = {f"src/p{n % 50}/m{n}.py": f"def f{n}(x):\n    return x / {n}\n" for n in range(3010)}
    github.repo.commit(files, "Many", branch="many")
    outcome = carry_out(github, github.open_pull(github.repo, "many"), model())
    assert outcome.review is not None
    assert outcome.review.files_reviewed == 3000
    assert len(github.calls_to("GET /pulls/2/files")) == 30
    github.expect_comment("3,000 of 3,010 changed files")
    github.expect_check("success")


def test_a_question_is_answered_once(github: World) -> None:
    """`/ask` is answered in a comment with its price; carried out again, nothing is said twice or besides."""
    asked = github.comment(github.pull, "/ask Who calls `remove`, @stan?", by="alice")
    seen: list[Prompt] = []

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        seen.extend(prompts)
        bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100, Decimal("0.00021")),)
        return [Reply("Nobody, see `src/cart.py:27`. @octocat", model="MiniMax-M2.1", attempts=bill) for _ in prompts]

    outcome = carry_out(github, asked, ask)
    assert (outcome.state, outcome.reason) == (JobEnding.ANSWERED, "")
    carry_out(github, asked, ask)
    answer = github.expect_comment("Nobody, see [`src/cart.py:27`]")
    assert "> Who calls `remove`," in answer.body
    assert "@octocat" not in answer.body
    assert "@stan" not in answer.body
    assert "1 call, 1,000 prompt and 100 completion tokens, $0.0002" in answer.body
    system, user = (message.content for message in seen[0].messages)
    assert "# Task:" not in system
    assert "\n# Task: ask\n" in user
    assert "del self.items[sku]" in user
    assert user.rstrip().split("\n")[-2] == "| Who calls `remove`, @stan?"


def test_a_question_that_cannot_be_answered(github: World) -> None:
    """Where the model fails, the asker is told why, once, also when the job is tried again."""
    asked = github.comment(github.pull, "/ask Why?", by="alice")
    for _ in range(2):
        outcome = carry_out(github, asked, lambda prompts: [NoCredit("The credit is used up.") for _ in prompts])
        assert outcome.state is JobEnding.FAILED
        assert len(github.pull.issue.comments) == 2
    github.expect_comment("The credit is used up")


@pytest.mark.parametrize("by", ["rita", "stan"])
def test_questions_need_write_permission(github: World, by: str) -> None:
    """A question costs money: of those who may not write it is not answered, but they are told so."""
    asked = github.comment(github.pull, "/ask Why?", by=by)
    assert carry_out(github, asked, lambda _: 1 / 0).state is JobEnding.IGNORED  # type: ignore[arg-type,return-value]
    github.expect_comment("can be used by people with write access")


def test_a_token_that_ends_in_the_middle_of_a_job(github: World) -> None:
    """GitHub refuses it: a new one is fetched once, and the job goes on, also where it had to write."""
    revoke = acting(github.revoke_tokens, model(DELETE))
    github.fault("POST /reviews$", faults.meanwhile(lambda world: world.revoke_tokens()))
    carry_out(github, github.opened, revoke)
    expect_all(github, comments=1)
    assert len([call for call in github.calls_to("POST /access_tokens$") if call.status == 201]) == 3


def test_jobs_share_a_token(github: World) -> None:
    """Two jobs of one repository fetch one token; another repository has a token of its own."""
    credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
    number, installation = github.pull.number, github.installation.id
    for _ in range(2):
        assert connect(credentials, "octo-org/shop", installation).pull(number).state == "open"
    assert len(github.calls_to("POST /access_tokens$")) == 1
    other = github.create_repository("octo-org/secret", {"a.py": ""}, private=True)
    with pytest.raises(NotFound):
        connect(credentials, "octo-org/none", installation).pull(1)
    # Refused for that repository; a token to look for its new name; a fresh token is not to blame.
    assert len(github.calls_to("POST /access_tokens$")) == 3
    assert connect(credentials, other.full_name, installation).names("main") is not None


def test_a_token_that_stays_refused_is_no_loop(github: World) -> None:
    """Where a new token is refused as well, the job ends with what to check."""
    github.fault("GET /pulls/1$", faults.server_error(401, "Bad credentials"), times=2)
    outcome = carry_out(github, github.opened, model(DELETE))
    assert outcome.state is JobEnding.FAILED
    assert "Check GITHUB_APP_ID" in outcome.reason
    assert len(github.calls_to("POST /access_tokens$")) == 2


def test_a_suspended_installation_is_said(github: World) -> None:
    """GitHub gives no token: the job ends with that as its reason, after one try."""
    github.suspend(github.installation)
    outcome = carry_out(github, github.opened, model(DELETE))
    assert outcome.state is JobEnding.FAILED
    assert "This installation has been suspended" in outcome.reason
    assert len(github.calls_to("POST /access_tokens$")) == 1


def test_a_repository_that_is_renamed_in_the_middle_is_followed(github: World) -> None:
    """It has another name by the time that the model answers: what is written reaches it, once."""
    carry_out(github, github.opened, acting(lambda: github.rename_repository(github.repo, "store"), model(DELETE)))
    expect_all(github, comments=1)


def test_a_repository_that_is_made_private_in_the_middle_is_reviewed(github: World) -> None:
    """The installation covers it still."""

    def hide() -> None:
        github.repo.private = True

    carry_out(github, github.opened, acting(hide, model(DELETE)))
    expect_all(github, comments=1)


@pytest.mark.parametrize("act", ["delete", "withdraw", "uninstall"])
def test_a_repository_that_is_lost_in_the_middle(github: World, act: str) -> None:
    """Deleted, or out of the App's sight: the job ends with its reason, in words, and is not tried again and again."""

    def lose() -> None:
        if act == "delete":
            github.repo.deleted = True
        elif act == "withdraw":
            github.repo.private = True
            github.remove_repositories(github.installation, github.repo)
        else:
            github.uninstall(github.installation)

    outcome = carry_out(github, github.opened, acting(lose, model(DELETE)))
    github.forgive()  # the check run that was begun is out of reach
    assert outcome.state is JobEnding.FAILED
    assert "It is gone, or out of reach of this token." in outcome.reason
    assert github.calls_to("POST /reviews$", status=200) == []


def test_linked_issues_tell_what_is_meant(github: World) -> None:
    """The issue that the description closes is in the prompts; a pull request, a missing one and strangers are not."""
    repo = github.pull.repository
    issue = github.open_issue(repo, title="Codes can be used twice", body="A code shall work once.")
    body = f"Fixes #{issue.number}, fixes #{github.pull.number}, fixes #999, fixes other/repo#1"
    github.edit(github.pull, body=body)
    ask, prompts = watched(model())
    outcome = carry_out(github, github.opened, ask)
    assert outcome.state is JobEnding.REVIEWED
    github.expect_comment("No findings")
    github.expect_check("success")
    assert all("| Codes can be used twice\n|\n| A code shall work once." in one.messages[1].content for one in prompts)
    assert len(github.calls_to("GET /issues/[0-9]+$")) == 3


def test_an_issue_that_cannot_be_read_is_no_obstacle(github: World) -> None:
    """Without the permission the pull request is reviewed all the same."""
    issue = github.open_issue(github.pull.repository, title="Codes can be used twice")
    github.edit(github.pull, body=f"Fixes #{issue.number}")
    github.installation.permissions.pop("issues")
    outcome = carry_out(github, github.opened, model())
    assert outcome.state is JobEnding.REVIEWED
    assert len(github.calls_to(f"GET /issues/{issue.number}$", status=403)) == 1
    github.expect_comment("No findings")
    github.expect_check("success")


def test_refactor_looks_for_simpler_code_in_all_of_it(github: World) -> None:
    """`/refactor` has every part with added code looked through; the summary lists defects and simpler code apart."""
    simpler = DELETE | {"category": "refactoring", "title": "Say less", "line": 6,
                        "path": "src/discounts.py", "quote": DEFAULT["quote"],
                        "suggestion": "def discount_for(code, pieces):"}  # fmt: skip
    ask, prompts = watched(model(DELETE, simpler))
    outcome = carry_out(github, github.comment(github.pull, "/refactor", by="alice"), ask)
    assert outcome.state is JobEnding.REVIEWED
    assert [one.task.value for one in prompts].count("refactor") == 1
    assert "At most 10 proposals" in next(one for one in prompts if one.task.value == "refactor").messages[1].content
    _, summary, _ = expect_all(github)
    defects, _, apart = summary.body.partition("Could be simpler:")
    assert ("KeyError" in defects, "Say less" in defects, "Say less" in apart) == (True, False, True)
