"""Stories of a pull request over several pushes: what is reviewed again, posted, open and fixed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from tests.fakes.github import World, default_world, faults
from tests.fakes.github.model.example import CART, CART_AFTER, CHANGES, DISCOUNTS
from tests.fakes.github.model.state import ReviewComment, Thread
from tests.fixtures.scenarios import DEFAULT, DELETE, carry_out, is_reexamination, model, watched
from webhooks.github.errors import GitHubUnavailable
from webhooks.handling.handle import JobEnding
from webhooks.publishing.markers.summary import read_ledger

pytestmark = pytest.mark.slow

GUARDED = CART_AFTER.replace(
    "        del self.items[sku]", "        if sku in self.items:\n            del self.items[sku]"
)
REWRITTEN = CART_AFTER.replace(
    "        del self.items[sku]", "        self.items = {k: v for k, v in self.items.items() if k != sku}"
)
ERRORS_FAIL = {".github/reviewer.yml": "review:\n  fail_level: error\n"}


@pytest.fixture
def github(github: World) -> World:
    """Give a world with one open pull request, reviewed once: an error in src/cart.py is open."""
    github.push_to_base(github.repo, ERRORS_FAIL)
    carry_out(github, github.push(github.pull, {"notes.txt": "x\n"}), model(DELETE))
    github.expect_review(comments=1)
    github.forgive()
    return github


def first_comment(github: World) -> ReviewComment:
    """Return the comment of the first review."""
    return github.repo.pulls[0].review_comments()[0]


def thread(github: World) -> Thread:
    """Return the thread of the first review's comment."""
    return first_comment(github).thread


def grant_contents(github: World) -> None:
    """Give the App the permission to resolve a thread."""
    github.installation.permissions["contents"] = "write"


def test_a_push_is_read_and_nothing_else(github: World) -> None:
    """Only the file that changed is in the prompts; the finding elsewhere stays open, unasked, and fails."""
    ask, prompts = watched(model())
    outcome = carry_out(github, github.push(github.pull, {"src/extra.py": "def f():\n    return 1\n"}), ask)
    shown = "".join(prompt.messages[1].content for prompt in prompts if not is_reexamination(prompt))
    assert "FILE src/extra.py" in shown or "src/extra.py" in shown
    assert "del self.items[sku]" not in shown
    assert not any(is_reexamination(prompt) for prompt in prompts)
    assert outcome.conclusion == "failure"
    summary = github.expect_comment("1 open finding (1 error) in 7 of 8 files reviewed")
    assert f"#discussion_r{first_comment(github).id}" in summary.body
    assert "0 of the open findings are new" in summary.body
    github.expect_check("failure")


@pytest.mark.parametrize("how", ["rebase", "merge of the base", "the same again"])
def test_other_commits_with_the_same_change_are_not_read_again(github: World, how: str) -> None:
    """A rebase, a merge of the base and a force-push of the same: no call, the open blocker stays."""
    onto = github.push_to_base(github.repo, {"other.py": "y = 2\n"})
    changes = {**CHANGES, "notes.txt": "x\n"}
    if how == "merge of the base":
        pushed = github.update_branch(github.pull)
    else:
        pushed = github.force_push(github.pull, changes, onto=onto if how == "rebase" else None)
    outcome = carry_out(github, pushed, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert (outcome.state, outcome.conclusion) == (JobEnding.REVIEWED, "failure")
    summary = github.expect_comment("1 open finding")
    assert f"head={github.pull.head}" in summary.body
    assert "0 files changed since" in summary.body
    github.expect_check("failure")


def test_a_rebase_that_changes_one_file_has_that_file_read(github: World) -> None:
    """Force-pushed onto a new base with one file different: that file, and no other, is in the prompts."""
    onto = github.push_to_base(github.repo, {"other.py": "y = 2\n"})
    changes = {**CHANGES, "notes.txt": "x\n", "src/discounts.py": DISCOUNTS.replace('"SUMMER": 25', '"SUMMER": 30')}
    ask, prompts = watched(model(DEFAULT))
    carry_out(github, github.force_push(github.pull, changes, onto=onto), ask)
    shown = "".join(prompt.messages[1].content for prompt in prompts)
    assert "SUMMER" in shown
    assert "del self.items[sku]" not in shown
    assert github.expect_review(comments=1).comments[0].thread.place.path == "src/discounts.py"
    github.expect_comment("2 open findings")
    github.expect_check("failure")


def test_a_fixed_finding_is_resolved(github: World) -> None:
    """Its code changed and the model says it is gone: the thread is resolved, the gate opens, the summary names it."""
    grant_contents(github)
    ask, prompts = watched(model(still="refuted"))
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": REWRITTEN}), ask)
    assert sum(is_reexamination(prompt) for prompt in prompts) == 1
    assert outcome.conclusion == "success"
    github.expect_resolved(thread(github))
    summary = github.expect_comment("No open findings")
    assert "1 fixed" in summary.body
    assert f"in {github.pull.head[:7]}" in summary.body
    github.expect_check("success")


def test_without_the_right_to_resolve_a_reply_says_so_once(github: World) -> None:
    """`contents: read`: one reply `Fixed in`, which later pushes do not repeat."""
    carry_out(github, github.push(github.pull, {"src/cart.py": REWRITTEN}), model(still="refuted"))
    head = github.pull.head[:7]
    assert github.expect_review_comment(f"Fixed in {head}.").thread is thread(github)
    assert thread(github).resolved_by is None
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model(still="refuted"))
    github.expect_comment("1 fixed")
    github.expect_check("success")
    github.expect_check("success")


def test_a_finding_whose_code_was_taken_back_is_fixed_without_asking(github: World) -> None:
    """The file left the change: nobody has to be asked."""
    grant_contents(github)
    ask, prompts = watched(model())
    carry_out(github, github.push(github.pull, {"src/cart.py": CART}), ask)
    assert not any(is_reexamination(prompt) for prompt in prompts)
    github.expect_resolved(thread(github))
    github.expect_comment("1 fixed")
    github.expect_check("success")


@pytest.mark.parametrize("still", ["confirmed", "uncertain"])
def test_a_defect_that_only_moved_stays_open(github: World, still: str) -> None:
    """The lines are rewritten (the thread is outdated, its line null), the defect stays: open, not repeated."""
    ask, prompts = watched(model(still=still))
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": REWRITTEN}), ask)
    asked = next(prompt for prompt in prompts if is_reexamination(prompt)).messages[1].content
    assert "del self.items[sku]" in asked  # what was quoted then
    assert "if k != sku" in asked  # what stands there now
    assert "let it pass" in asked  # what was said
    assert outcome.conclusion == "failure"
    assert thread(github).resolved_by is None
    github.expect_comment("1 open finding")
    github.expect_check("failure")
    ask, prompts = watched(model(still=still))
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), ask)
    assert not any(is_reexamination(prompt) for prompt in prompts)
    github.expect_comment("1 open finding")
    github.expect_check("failure")


@pytest.mark.parametrize("again", [True, False])
def test_a_finding_moves_with_its_file(github: World, again: bool) -> None:  # noqa: FBT001
    """The file is renamed: the finding is not repeated, whether the model finds it anew or not, and stays open."""
    moved = {**DELETE, "path": "src/basket.py"}
    pushed = github.push(github.pull, {"src/cart.py": None, "src/basket.py": CART_AFTER})
    carry_out(github, pushed, model(*[moved] * again))
    assert "src/basket.py" in github.expect_comment("1 open finding").body
    github.expect_check("failure")
    pushed = github.push(github.pull, {"src/basket.py": CART_AFTER + "\n# end\n"})
    carry_out(github, pushed, model(moved))
    github.expect_comment("1 open finding")
    github.expect_check("failure")


def test_a_remedy_next_to_the_code_is_seen(github: World) -> None:
    """The quoted line stands, but a guard was put before it: it is judged again."""
    grant_contents(github)
    carry_out(github, github.push(github.pull, {"src/cart.py": GUARDED}), model(still="refuted"))
    github.expect_resolved(thread(github))
    github.expect_comment("1 fixed")
    github.expect_check("success")


def test_a_regression_is_called_one(github: World) -> None:
    """Fixed and back: a new comment says in which commit it was fixed; it counts as open again."""
    grant_contents(github)
    carry_out(github, github.push(github.pull, {"src/cart.py": REWRITTEN}), model(still="refuted"))
    github.expect_resolved(thread(github))
    fixed_in = github.pull.head[:7]
    github.expect_comment("1 fixed")
    github.expect_check("success")
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": CART_AFTER}), model(DELETE))
    assert outcome.conclusion == "failure"
    review = github.expect_review(comments=1)
    assert f"This was fixed in {fixed_in} and is back." in review.comments[0].body
    assert f"fixed in {fixed_in} and back" in github.expect_comment("1 open finding").body
    github.expect_check("failure")
    carry_out(github, github.push(github.pull, {"src/cart.py": CART_AFTER + "\n# end\n"}), model(DELETE))
    github.expect_comment("1 open finding")
    github.expect_check("failure")


def dismissals() -> dict[str, object]:
    """Return the ways in which people dismiss a finding."""
    return {
        "resolved by a person": lambda world: world.resolve(thread(world), by="alice"),
        "reply of a writer": lambda world: world.reply(first_comment(world), "This is intended.", by="mona"),
        "reply of the author": lambda world: world.reply(first_comment(world), "won't fix", by="alice"),
        "thumb down": lambda world: world.react(first_comment(world), "-1", by="octocat"),
        "deleted": lambda world: world.delete_review_comment(first_comment(world), by="octocat"),
    }


@pytest.mark.parametrize("how", dismissals())
@pytest.mark.parametrize("then", ["same code", "moved code", "reworded"])
def test_what_people_dismissed_stays_silent(github: World, how: str, then: str) -> None:
    """However it was turned down: not said again, not counted, also when code or words change."""
    dismissals()[how](github)  # type: ignore[operator]
    changed = {
        "same code": CART_AFTER + "\n# end\n",
        "moved code": "# A cart.\n"
        + CART_AFTER.replace("        del self.items[sku]", "        del self.items[sku.strip()]"),
        "reworded": CART_AFTER + "\n# end\n",
    }[then]
    again = {
        "same code": DELETE,
        "moved code": {**DELETE, "quote": "        del self.items[sku.strip()]", "suggestion": None},
        "reworded": {**DELETE, "title": "KeyError for an unknown sku"},
    }[then]
    ask, prompts = watched(model(again))
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": changed}), ask)
    assert not any(is_reexamination(prompt) for prompt in prompts)
    assert outcome.conclusion == "success"
    assert "1 finding dismissed by people" in github.expect_comment("No open findings").body
    github.expect_check("success")


@pytest.mark.parametrize(
    ("by", "text"),
    [
        ("stan", "false positive"),
        ("rita", "won't fix"),
        ("alice", "Is this intended?"),
        ("alice", "That is not intended."),
    ],
)
def test_not_every_reply_is_a_dismissal(github: World, by: str, text: str) -> None:
    """Strangers and readers decide nothing; a question or a denial is none."""
    github.reply(first_comment(github), text, by=by)
    github.react(first_comment(github), "-1", by="stan")
    outcome = carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model())
    assert outcome.conclusion == "failure"
    github.expect_comment("1 open finding")
    github.expect_check("failure")


def test_a_thread_that_is_opened_again_counts_again(github: World) -> None:
    """Whoever reopens a resolved thread wants it to be dealt with."""
    github.resolve(thread(github), by="alice")
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model())
    github.expect_comment("dismissed by people")
    github.expect_check("success")
    github.unresolve(thread(github), by="mona")
    outcome = carry_out(github, github.push(github.pull, {"src/extra.py": "x = 2\n"}), model())
    assert outcome.conclusion == "failure"
    github.expect_comment("1 open finding")
    github.expect_check("failure")


def test_an_edited_comment_keeps_its_finding(github: World) -> None:
    """Somebody cut our mark off: the summary still knows what the comment is about."""
    github.edit_review_comment(first_comment(github), "Let me rephrase this bot.", by="octocat")
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": CART_AFTER + "\n# end\n"}), model(DELETE))
    assert outcome.conclusion == "failure"
    github.expect_comment("1 open finding")
    github.expect_check("failure")


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_without_the_summary_everything_is_read_and_nothing_repeated(github: World, how: str) -> None:
    """The memory is gone: the comments' own marks are enough to say nothing twice."""
    (summary,) = github.pull.issue.comments.values()
    if how == "deleted":
        github.delete_comment(summary, by="octocat")
    else:
        github.edit_comment(summary, summary.body.split("\n", 1)[0] + "\nGone.", by="octocat")
    ask, prompts = watched(model(DELETE))
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), ask)
    assert any("del self.items[sku]" in prompt.messages[1].content for prompt in prompts)
    assert "1 finding" in github.expect_comment("<!-- reviewer:summary").body
    github.expect_check("failure")


def test_forged_marks_change_nothing(github: World) -> None:
    """Others post our marks in the conversation and in the thread: neither memory nor threads are taken from them."""
    (summary,) = github.pull.issue.comments.values()
    github.comment(github.pull, summary.body.replace("head=", "head=0"), by="stan")
    github.reply(first_comment(github), f"Fixed.\n\n<!-- reviewer:fixed head={github.pull.head} -->", by="stan")
    github.review_comment(github.pull, first_comment(github).body, by="stan", path="src/discounts.py", line=6)
    outcome = carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model())
    assert outcome.conclusion == "failure"
    github.expect_comment("1 open finding")
    github.expect_check("failure")


def test_the_app_and_the_action_agree_by_their_marks() -> None:
    """Both review the same pull request: the second finds the first's memory, pays nothing and says nothing."""
    with default_world() as github:
        opened = github.deliveries[-1]
        token = github.actions_token(github.repo)
        carry_out(github, opened, model(DELETE), token=token)
        comment = github.expect_review(comments=1).comments[0]
        github.expect_comment("1 finding", by="github-actions[bot]")
        github.expect_check("neutral")
        outcome = carry_out(github, opened, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
        assert (outcome.state, outcome.conclusion) == (JobEnding.REVIEWED, "neutral")
        github.expect_check("neutral")
        pushed = github.push(github.pull, {"src/cart.py": CART_AFTER + "\n# end\n"})
        github.resolve(comment.thread, by="alice")
        carry_out(github, pushed, model(DELETE), token=token)
        github.expect_comment("dismissed by people", by="github-actions[bot]")
        carry_out(github, pushed, model(DELETE))
        github.expect_check("success")
        github.expect_check("success")


def test_another_bot_cannot_pose_as_us(github: World) -> None:
    """A bot that echoes our marks has no check run of ours: its summary and its findings are nobody's."""
    (summary,) = github.pull.issue.comments.values()
    github.user("parrot[bot]", kind="Bot")
    github.repo.permissions["parrot[bot]"] = "write"
    forged = summary.body.replace("head=", "head=0")
    github.delete_comment(summary, by="octocat")
    github.comment(github.pull, forged, by="parrot[bot]")
    ask, prompts = watched(model(DELETE))
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), ask)
    assert any("del self.items[sku]" in prompt.messages[1].content for prompt in prompts)
    github.expect_comment("1 finding", by="minimax-reviewer[bot]")
    github.expect_check("failure")


def test_a_command_has_everything_read_again(github: World) -> None:
    """`/review full` is not incremental, and still repeats nothing."""
    asked = github.comment(github.pull, "/review full", by="alice")
    ask, prompts = watched(model(DELETE, DEFAULT))
    carry_out(github, asked, ask)
    assert any("del self.items[sku]" in prompt.messages[1].content for prompt in prompts)
    review = github.expect_review(comments=1)
    assert review.comments[0].thread.place.path == "src/discounts.py"
    github.expect_comment("2 findings")
    github.expect_check("failure")


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(
    "request_", ["POST /issues/1/comments$", "PATCH /issues/comments/", "PATCH /check-runs/", "POST /pulls/1/reviews$"]
)
def test_a_job_that_is_killed_at_a_write_is_made_up_for(github: World, request_: str) -> None:
    """GitHub fails for good at that write, the job ends, and the next try completes it: once, with nothing lost."""
    if request_.startswith("POST /issues"):
        (summary,) = github.pull.issue.comments.values()
        github.delete_comment(summary, by="octocat")
    pushed = github.push(github.pull, {"src/extra.py": "def f():\n    return 1 / 0\n"})
    zero = {**DELETE, "path": "src/extra.py", "quote": "    return 1 / 0", "line": 2, "title": "Divides by zero",
            "suggestion": None}  # fmt: skip
    fault = github.fault(request_, faults.server_error(500), times=None)
    with pytest.raises(GitHubUnavailable):
        carry_out(github, pushed, model(DELETE, zero))
    github.faults.remove(fault)
    outcome = carry_out(github, pushed, model(DELETE, zero))
    assert outcome.conclusion == "failure"
    assert github.expect_review(comments=1).comments[0].thread.place.path == "src/extra.py"
    summary = github.expect_comment("2 ")
    known = read_ledger(summary.body)
    assert known is not None
    assert len(known.entries) == 2
    assert all(one.comment_id for one in known.entries)
    github.expect_check("failure")


def test_what_github_refuses_as_a_comment_is_an_annotation_once(github: World) -> None:
    """Its place is refused: the check run marks it, also when the answer to that write was lost, and stays one mark."""
    words = "Pull request review thread line must be part of the diff"
    github.fault("POST /pulls/1/reviews$", faults.unprocessable_once(words))
    github.fault("POST /pulls/1/comments$", faults.unprocessable_once(words))
    github.fault("PATCH /check-runs/", faults.reset_after())
    outcome = carry_out(github, github.push(github.pull, {"notes.txt": "y\n", "src/discounts.py": DISCOUNTS + "# x\n"}),
                        model(DEFAULT))  # fmt: skip
    assert outcome.conclusion == "failure"
    check = github.expect_check("failure")
    assert [row["path"] for row in check.annotations] == ["src/discounts.py"]
    github.expect_comment("2 open findings")


@pytest.mark.usefixtures("short_pauses")
def test_a_fix_told_before_a_kill_is_not_told_again(github: World) -> None:
    """The reply was posted, the summary was not: the next try finds the reply."""
    pushed = github.push(github.pull, {"src/cart.py": REWRITTEN})
    fault = github.fault("PATCH /issues/comments/", faults.server_error(500), times=None)
    with pytest.raises(GitHubUnavailable):
        carry_out(github, pushed, model(still="refuted"))
    github.faults.remove(fault)
    carry_out(github, pushed, model(still="refuted"))
    github.expect_review_comment("Fixed in")
    github.expect_comment("1 fixed")
    github.expect_check("success")
    assert len(thread(github).comments) == 2


def test_two_hundred_open_threads_are_read_page_by_page() -> None:
    """All are known after a push: none repeated, all counted, in a bounded number of requests."""
    with default_world() as github:
        github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  max_comments: 40\n"})
        code = {
            f"src/m{n}.py": "".join(f"def f{k}(x):\n    return x / {n}{k}\n\n\n" for k in range(40)) for n in range(5)
        }
        for n in range(5):
            found = [
                {**DELETE, "path": f"src/m{n}.py", "line": 4 * k + 2, "quote": f"    return x / {n}{k}",
                 "title": f"Case {n} {k} divides wrongly", "suggestion": None}
                for k in range(40)
            ]  # fmt: skip
            carry_out(github, github.push(github.pull, {f"src/m{n}.py": code[f"src/m{n}.py"]}), model(*found))
            github.expect_review(comments=40)
        github.forgive()
        before = len(github.calls)
        github.resolve(next(iter(github.pull.threads.values())), by="alice")
        carry_out(github, github.push(github.pull, {"src/x.py": "x = 1\n"}), model())
        github.expect_comment("199 open findings")
        github.expect_check("neutral")
        assert len(github.calls) - before <= 25


def test_without_graphql_the_ledger_still_holds(github: World) -> None:
    """Threads' states are unknown then: what was dismissed by a reply, and what stands open, are known all the same."""
    github.fault("POST /graphql$", faults.server_error(404, "Not Found"), times=None)
    carry_out(github, github.push(github.pull, {"src/cart.py": REWRITTEN}), model(still="refuted"))
    github.expect_review_comment("Fixed in")
    github.expect_comment("1 fixed")
    github.expect_check("success")


def test_suggested_tests_stay_while_their_code_does(github: World) -> None:
    """A push elsewhere keeps the suggestion in the summary; a change of the tested file drops it, and that is said."""
    none = model(DELETE)

    def without_tests(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [
            reply if prompt.task is not Task.TESTS else Reply("NONE", model="m", attempts=reply.attempts)
            for prompt, reply in zip(prompts, none(prompts), strict=True)
        ]

    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), without_tests)
    summary = github.expect_comment("1 open finding")
    assert summary.body.count("tests/test_discounts.py") == 1
    changed = DISCOUNTS.replace('"SUMMER": 25', '"SUMMER": 30')
    carry_out(github, github.push(github.pull, {"src/discounts.py": changed}), without_tests)
    summary = github.expect_comment("1 earlier test suggestion left out")
    assert "tests/test_discounts.py" not in summary.body
    github.forgive()


def test_a_change_too_large_to_remember_is_compared_by_trees(github: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the digests do not fit, two heads' trees tell which files changed."""
    monkeypatch.setattr("webhooks.publishing.markers.summary.MAX_FILES", 0)
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 1\n"}), model())
    reviewed = github.pull.head
    ask, prompts = watched(model())
    carry_out(github, github.push(github.pull, {"src/extra.py": "x = 2\n"}), ask)
    shown = "".join(prompt.messages[1].content for prompt in prompts)
    assert "x = 2" in shown
    assert "del self.items[sku]" not in shown
    assert github.calls_to(f"GET /git/trees/{reviewed}$")
    github.forgive()
