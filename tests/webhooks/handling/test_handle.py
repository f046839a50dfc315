"""Stories of a job: what stands on the pull request in the end, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reviewer.domain.severity import FailLevel
from reviewer.llm.errors import ModelError, ModelUnavailable
from reviewer.llm.messages import Prompt, Reply
from tests.fakes.github import World, default_world, faults
from tests.fakes.github.model.example import CART_AFTER
from tests.fixtures.scenarios import DEFAULT, DELETE, acting, carry_out, model, watched
from tests.webhooks.handling.expectations import expect_all
from webhooks.github.errors import GitHubUnavailable
from webhooks.handling.handle import JobEnding


def test_a_pull_request_is_reviewed(github: World) -> None:
    """One review with comments on the right lines, one summary with tests and bill, one check run, 16 calls."""
    github.visit(github.pull)  # as whoever opened it does
    outcome = carry_out(github, github.opened, model(DELETE, DEFAULT), again=False)
    assert (outcome.state, outcome.conclusion) == (JobEnding.REVIEWED, "neutral")
    review, summary, check = expect_all(github)
    places = [(c.thread.place.path, c.thread.place.line, c.thread.place.side) for c in review.comments]
    lines = CART_AFTER.split("\n")
    removed = lines.index("        del self.items[sku]") + 1
    assert sorted(places) == [("src/cart.py", removed, "RIGHT"), ("src/discounts.py", 6, "RIGHT")]
    assert "```suggestion\n        self.items.pop(sku, None)\n```" in review.comments[0].body
    assert review.commit_id == github.pull.head
    for text in ("2 findings", "tests/test_discounts.py", "not run", "assets/logo.png", "MiniMax-M2.1", "KeyError"):
        assert text in summary.body
    assert check.external_id == f"octo-org/shop#1@{github.pull.head}"
    assert len(github.calls) <= 16


def test_doing_it_again_posts_nothing_twice(github: World) -> None:
    """A job that is carried out again from the top finds everything there, and tells what stands without paying."""
    first = carry_out(github, github.opened, model(DELETE, DEFAULT))
    expect_all(github)
    again = carry_out(github, github.opened, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    github.expect_check("neutral")
    assert again.conclusion == first.conclusion
    assert again.review is not None
    assert first.review is not None
    assert [one.anchor for one in again.review.findings] == [one.anchor for one in first.review.findings]


@pytest.mark.parametrize("request_", ["POST /pulls/1/reviews$", "POST /issues/1/comments$"])
def test_a_write_whose_answer_was_lost_is_not_repeated(github: World, request_: str) -> None:
    """GitHub stored it and the connection broke: the next round finds it by its mark."""
    github.fault(request_, faults.reset_after())
    outcome = carry_out(github, github.opened, model(DELETE, DEFAULT))
    assert outcome.state is JobEnding.REVIEWED
    expect_all(github)


@pytest.mark.parametrize(
    "trouble", [faults.reset_before(), faults.html_error(502), faults.secondary_limit(retry_after=0)]
)
def test_a_write_that_failed_is_made_up_for(github: World, trouble: faults.Trouble) -> None:
    """A reset before the write, a proxy's error page and a rate limit cost a round, nothing else."""
    github.fault("POST /pulls/1/reviews$", trouble)
    carry_out(github, github.opened, model(DELETE, DEFAULT))
    expect_all(github)


def test_the_head_is_looked_at_again_after_a_pause(github: World) -> None:
    """GitHub asks to wait with the review, and somebody pushes meanwhile: nothing is posted on the old head."""
    limit = replace(
        faults.secondary_limit(retry_after=1),
        before=lambda world, _: world.push(world.pull, {"src/extra.py": "x = 1\n"}),
    )
    github.fault("POST /pulls/1/reviews$", limit)
    outcome = carry_out(github, github.opened, model(DELETE))
    assert outcome.state is JobEnding.SUPERSEDED
    assert len(github.calls_to("POST /pulls/1/reviews$")) == 1
    github.expect_check("cancelled", name="reviewer")


def test_reads_survive_passing_failures(github: World) -> None:
    """Each kind of read may fail once."""
    for request in ("GET /pulls/1$", "GET /issues/1/comments", "GET /pulls/1/comments", "POST /graphql"):
        github.fault(request, faults.html_error(503))
    carry_out(github, github.opened, model(DELETE, DEFAULT))
    expect_all(github)


def test_lasting_failure_of_github_leaves_the_job_for_later(github: World) -> None:
    """A retryable error leaves handle(), nothing is posted, and the next try completes."""
    github.fault("GET /pulls/1$", faults.server_error(500), times=4)
    with pytest.raises(GitHubUnavailable):
        carry_out(github, github.opened, model(DELETE))
    carry_out(github, github.opened, model(DELETE))
    expect_all(github, comments=1)


def test_a_push_does_not_repeat_what_was_said(github: World) -> None:
    """The comment on unchanged code stands; only the new finding is posted; the summary is edited in place."""
    carry_out(github, github.opened, model(DELETE))
    expect_all(github, comments=1)
    pushed = github.push(github.pull, {"src/extra.py": "def f():\n    return 1 / 0\n"})
    extra = {**DELETE, "path": "src/extra.py", "quote": "    return 1 / 0", "line": 2, "title": "Divides by zero",
             "suggestion": None}  # fmt: skip
    outcome = carry_out(github, pushed, model(DELETE, extra))
    review = github.expect_review(comments=1)
    assert review.comments[0].thread.place.path == "src/extra.py"
    summary = github.expect_comment("2 open findings (2 errors) in 6 of 7 files reviewed")
    assert "1 file changed since" in summary.body
    assert "1 of the open findings is new" in summary.body
    assert outcome.review is not None
    assert {one.anchor.path for one in outcome.review.findings} == {"src/cart.py", "src/extra.py"}
    github.expect_check("neutral")
    ours = [c for c in github.pull.issue.comments.values() if c.user.login == "minimax-reviewer[bot]"]
    assert len(ours) == 1


def test_forged_marks_of_others_do_not_count(github: World) -> None:
    """Somebody posts our marks: the review is posted all the same, and their comment is left alone."""
    carry_out(github, github.opened, model(DELETE))
    review, summary, _ = expect_all(github, comments=1)
    with default_world() as other:
        opened = other.deliveries[-1]
        other.comment(other.pull, summary.body, by="stan")
        carry_out(other, opened, model(DELETE))
        expect_all(other, comments=1)
    assert review.comments


def test_a_head_that_moves_while_the_model_thinks_is_not_posted(github: World) -> None:
    """Nothing is said about the old head; its check run ends as cancelled."""
    ask = acting(lambda: github.push(github.pull, {"a.py": "x = 1\n"}), model(DELETE))
    old = github.pull.head
    outcome = carry_out(github, github.opened, ask)
    assert outcome.state is JobEnding.SUPERSEDED
    check = github.expect_check("cancelled")
    assert check.head_sha == old


def test_a_late_older_delivery_does_nothing(github: World) -> None:
    """The head that the API reports is the truth."""
    github.push(github.pull, {"a.py": "x = 1\n"})
    outcome = carry_out(github, github.opened, model(DELETE))
    assert (outcome.state, outcome.reason) == (JobEnding.SUPERSEDED, "the head has moved on")


def test_a_stale_answer_of_the_api_is_waited_out(github: World) -> None:
    """Right after a push the API may show the older head for a moment."""
    pushed = github.push(github.pull, {"a.py": "x = 1\n"})
    github.fault("GET /pulls/1$", faults.stale_head())
    carry_out(github, pushed, model())
    github.expect_comment("No findings")
    github.expect_check("success")


def test_a_job_that_is_no_longer_wanted_stops_before_it_pays(github: World) -> None:
    """An operator's cancel or a newer job: no call, nothing posted."""
    outcome = carry_out(github, github.opened, model(DELETE), is_wanted=lambda: False)
    assert outcome.state is JobEnding.SUPERSEDED
    github.expect_check("cancelled")


@pytest.mark.parametrize("act", ["close", "merge"])
def test_a_closed_pull_request_is_ignored(github: World, act: str) -> None:
    """Closed and merged ones cost nothing."""
    getattr(github, act)(github.pull)
    assert carry_out(github, github.opened, model(DELETE)).reason == "closed"


def test_drafts_and_automatic_reviews_follow_the_settings(github: World) -> None:
    """A draft is left alone until it is ready; `auto: false` leaves everything to commands."""
    github.convert_to_draft(github.pull)
    assert carry_out(github, github.opened, model(DELETE)).reason == "draft"
    github.expect_check("neutral")
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  auto: false\n"})
    github.push(github.pull, {"x.py": "x = 1\n"})
    ready = github.ready_for_review(github.pull)
    assert carry_out(github, ready, model(DELETE)).reason == "automatic reviews are off"
    github.expect_check("neutral")
    asked = github.comment(github.pull, "/review", by="alice")
    carry_out(github, asked, model())
    github.expect_reaction("eyes", on=asked.subject)
    github.expect_comment("No findings")
    github.expect_check("success")


@pytest.mark.parametrize("by", ["rita", "trixie", "stan"])
def test_commands_need_write_permission(github: World, by: str) -> None:
    """Readers, triagers and strangers spend nobody's money. They are told so once, and by nothing but words."""
    for command in ("/review", "/review", "/tests"):
        asked = github.comment(github.pull, command, by=by)
        assert carry_out(github, asked, model(DELETE)).reason == "no write permission"
    told = github.expect_comment("can be used by people with write access to this repository only")
    assert "`/review`" in told.body
    assert not asked.subject.reactions


def test_mended_settings_count_for_open_pull_requests(github: World) -> None:
    """Settings are those of the base branch as it is now, not as it was when the pull request was pushed to."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  auto: false\n"})
    assert carry_out(github, github.opened, model(DELETE)).reason == "automatic reviews are off"
    github.expect_check("neutral")


def test_settings_that_were_taken_away_count_no_longer(github: World) -> None:
    """What the base's older commit had is not gone back to while the branch tells anything itself."""
    github.push_to_base(
        github.repo, {".github/reviewer.yml": "review:\n  auto: false\n", "AGENTS.md": "Mind the locks."}
    )
    pushed = github.push(github.pull, {"src/more.py": "more = 1\n"})
    github.push_to_base(github.repo, {".github/reviewer.yml": None})
    assert carry_out(github, pushed, model(DELETE)).state is JobEnding.REVIEWED
    github.expect_review(comments=1)
    github.expect_comment("1 finding")
    github.expect_check("neutral")


def test_settings_come_from_the_base_and_their_mistakes_are_shown(github: World) -> None:
    """The head's settings do not count; a wrong key is named with its line, the right ones hold."""
    text = "review:\n  fail_level: error\n  colour: blue\n"
    github.push_to_base(github.repo, {".github/reviewer.yml": text})
    pushed = github.push(github.pull, {".github/reviewer.yml": "review:\n  auto: false\n"})
    outcome = carry_out(github, pushed, model(DELETE))
    assert outcome.conclusion == "failure"
    github.expect_review(comments=1)
    assert "reviewer.yml:3" in github.expect_comment("review.colour").body
    github.expect_check("failure")


def test_guidance_of_the_base_reaches_the_model(github: World) -> None:
    """AGENTS.md of the base branch stands in the prompt."""
    seen: list[str] = []

    def ask(prompts):
        seen.extend(prompt.messages[1].content for prompt in prompts)
        return model()(prompts)

    carry_out(github, github.opened, ask)
    assert "Amounts of money are whole cents, never floats." in seen[0]
    github.forgive()


def test_formatters_of_the_base_reach_the_model(github: World) -> None:
    """Their settings are read with the guidance, in the same query."""
    github.push_to_base(github.repo, {".editorconfig": "[*]\nindent_style = space\nindent_size = 3\n"})
    seen: list[str] = []

    def ask(prompts):
        seen.extend(prompt.messages[1].content for prompt in prompts)
        return model()(prompts)

    carry_out(github, github.opened, ask)
    assert ": 3 spaces" in seen[0]
    github.forgive()


def test_a_diff_that_github_refuses_is_built_from_the_files(github: World) -> None:
    """406, or a diff that cannot be made now: the list of files serves instead."""
    github.limits.diff_files = 1
    outcome = carry_out(github, github.opened, model(DELETE))
    assert outcome.state is JobEnding.REVIEWED
    assert github.calls_to("GET /pulls/1/files")
    expect_all(github, comments=1)


def test_without_permission_to_comment_the_check_run_carries_the_findings(github: World) -> None:
    """403 on the review: annotations on the check run, and no crash."""
    github.installation.permissions["pull_requests"] = "read"
    github.installation.permissions["issues"] = "read"
    outcome = carry_out(github, github.opened, model(DELETE))
    assert "not accessible" in outcome.sent.refused
    check = github.expect_check("neutral")
    assert [(row["path"], row["annotation_level"]) for row in check.annotations] == [("src/cart.py", "failure")]


def test_a_locked_conversation_is_respected(github: World) -> None:
    """The findings are annotations; nothing else is tried."""
    github.lock(github.pull)
    carry_out(github, github.opened, model(DELETE))
    assert github.expect_check("neutral").annotations


def test_without_permission_for_checks_the_review_is_posted_all_the_same(github: World) -> None:
    """No check run, but review and summary; the App finds out who it is by itself."""
    github.installation.permissions.pop("checks")
    carry_out(github, github.opened, model(DELETE))
    github.expect_review(comments=1)
    github.expect_comment("<!-- reviewer:summary")


def test_a_pending_review_of_ours_is_cleared_away(github: World) -> None:
    """What a broken request left behind blocks nothing."""
    github.fault("POST /pulls/1/reviews$", faults.unprocessable_once(
        "User can only have one pending review per pull request"))  # fmt: skip
    carry_out(github, github.opened, model(DELETE))
    expect_all(github, comments=1)


@pytest.mark.parametrize("words", ["Pull request review thread line must be part of the diff", "Validation Failed"])
def test_a_comment_that_github_refuses_costs_only_itself(github: World, words: str) -> None:
    """The comments are posted one by one, whatever GitHub says of the review; the refused one is in the summary."""
    github.fault("POST /pulls/1/reviews$", faults.unprocessable_once(words))
    carry_out(github, github.opened, model(DELETE, DEFAULT))
    github.expect_review_comment("KeyError")
    github.expect_review_comment("used=[]")
    github.expect_comment("<!-- reviewer:summary")
    github.expect_check("neutral")


def test_a_part_without_an_answer_is_no_success(github: World) -> None:
    """It fails the check where findings may, is named as not reviewed yet, and is all that `/review` asks about."""
    large = f"value = '{'some text ' * 13}'\n" * 250
    pushed = github.push(github.pull, {f"{name}/m.py": f"# {name}\n{large}" for name in "ab"})

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        refused = ModelUnavailable("The service is away.")
        return [refused if "+# b" in it.messages[1].content else model()([it])[0] for it in prompts]

    outcome = carry_out(github, pushed, ask, fail_level=FailLevel.ERROR)
    assert (outcome.state, outcome.conclusion) == (JobEnding.REVIEWED, "failure")
    github.expect_check("failure")
    summary = github.expect_comment("<!-- reviewer:summary").body
    assert "1 file of this change is not reviewed yet: `/review`" in summary
    assert "The service is away" in summary
    ask_again, seen = watched(model())
    asked = github.comment(github.pull, "/review", by="alice")
    assert carry_out(github, asked, ask_again, fail_level=FailLevel.ERROR).conclusion == "success"
    assert not any("+# a" in prompt.messages[1].content for prompt in seen)
    github.expect_check("success")
    assert "not reviewed yet" not in github.expect_comment("No open findings").body
