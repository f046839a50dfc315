"""Stories of what happens besides pushes and comments: another base, "Re-run", a merge queue, a skip."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.github import Delivery, World, faults
from tests.fakes.github.model.example import CHANGES
from tests.fakes.github.model.state import CheckRun, Pull
from tests.fixtures.scenarios import DELETE, acting, carry_out, job_of, model, watched
from webhooks.handling.handle import JobEnding
from webhooks.handling.job_context import BaseChanged

pytestmark = pytest.mark.slow

GATE = {".github/reviewer.yml": "review:\n  fail_level: error\n"}
LATE = {"src/late.py": "def late():\n    return 1 / 0\n"}
ZERO = {**DELETE, "path": "src/late.py", "line": 2, "quote": "    return 1 / 0", "title": "Divides by zero",
        "suggestion": None}  # fmt: skip


def stacked(github: World) -> tuple[Pull, Delivery]:
    """Open a pull request on the branch of another: only `src/late.py` is its own."""
    github.push_to_base(github.repo, GATE)
    github.repo.commit(GATE, "Add settings", branch="discounts")
    github.repo.commit(LATE, "Add late", branch="late", parent="discounts")
    opened = github.open_pull(github.repo, "late", base="discounts", title="Add late")
    return opened.subject, opened


# -- another base -------------------------------------------------------------------------------------------------


def test_another_base_is_another_diff(github: World) -> None:
    """What is only now part of the change is reviewed; what was reviewed is not paid for again; the check follows."""
    pull, opened = stacked(github)
    carry_out(github, opened, model(), again=False)
    github.expect_comment("No findings in 1 file reviewed", on=pull)
    github.expect_check("success", on=pull)
    ask, prompts = watched(model(DELETE, ZERO))
    edited = github.edit(pull, base="main")
    outcome = carry_out(github, edited, ask, again=False)
    assert (outcome.state, outcome.conclusion) == (JobEnding.REVIEWED, "failure")
    shown = "".join(prompt.messages[1].content for prompt in prompts)
    assert "del self.items[sku]" in shown
    assert "+    return 1 / 0" not in shown
    assert [c.thread.place.path for c in github.expect_review(on=pull, comments=1).comments] == ["src/cart.py"]
    assert "The base is now `main`: 6 files" in github.expect_comment("1 open finding", on=pull).body
    github.expect_check("failure", on=pull)


def test_findings_that_leave_with_the_base_are_closed_as_such(github: World) -> None:
    """Nobody mended anything: they are not called fixed, no longer fail the check, and come back with their files."""
    pull, opened = stacked(github)
    github.edit(pull, base="main")
    carry_out(github, opened, model(DELETE, ZERO))
    github.expect_review(on=pull, comments=2)
    github.expect_comment("2 findings", on=pull)
    github.expect_check("failure", on=pull)
    ask, prompts = watched(model(ZERO))
    carry_out(github, github.edit(pull, base="discounts"), ask)
    assert "del self.items[sku]" not in "".join(prompt.messages[1].content for prompt in prompts)
    github.expect_review_comment("No longer part of this pull request: its base is now `discounts`", on=pull)
    summary = github.expect_comment("1 open finding", on=pull)
    assert "1 no longer part of this pull request" in summary.body
    assert "fixed" not in summary.body.partition("\n")[2].partition("\n")[2]
    github.expect_check("failure", on=pull)
    carry_out(github, github.push(pull, {**LATE, "src/late.py": "def late():\n    return 2\n"}), model(still="refuted"))
    github.forgive()
    carry_out(github, github.edit(pull, base="main"), model(DELETE))
    (comment,) = github.expect_review(on=pull, comments=1).comments
    assert "is back" not in comment.body
    github.expect_comment("1 open finding", on=pull)
    github.expect_check("failure", on=pull)


def test_another_base_is_seen_where_trees_are_compared(github: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files to remember: the head's tree is the same, so the bases' trees tell what is another change."""
    monkeypatch.setattr("webhooks.publishing.markers.summary.MAX_FILES", 0)
    pull, opened = stacked(github)
    carry_out(github, opened, model())
    github.forgive()
    ask, prompts = watched(model(DELETE))
    carry_out(github, github.edit(pull, base="main"), ask)
    shown = "".join(prompt.messages[1].content for prompt in prompts)
    assert "del self.items[sku]" in shown
    assert "+    return 1 / 0" not in shown
    github.expect_review(on=pull, comments=1)
    github.expect_comment("1 open finding", on=pull)
    github.expect_check("failure", on=pull)


def test_an_edit_of_title_or_text_costs_nothing(github: World) -> None:
    """No job is made of it."""
    for edited in (github.edit(github.pull, title="x"), github.edit(github.pull, body="y")):
        with pytest.raises(AssertionError, match="base not changed"):
            job_of(edited)


def test_a_new_base_during_the_review_is_reviewed_too(github: World) -> None:
    """Nothing is posted about the old diff; the next try takes the new one, also where nobody listens to the edit."""
    pull, opened = stacked(github)
    ask = acting(lambda: github.edit(pull, base="main"), model(ZERO))
    with pytest.raises(BaseChanged):
        carry_out(github, opened, ask)
    carry_out(github, opened, model(DELETE, ZERO))
    github.expect_review(on=pull, comments=2)
    github.expect_comment("2 findings", on=pull)
    github.expect_check("failure", on=pull)


def test_the_two_diffs_of_a_head_have_two_jobs(github: World) -> None:
    """The keys differ, an edit that was overtaken by another does nothing, and going back is a third job."""
    pull, opened = stacked(github)
    to_main, back = github.edit(pull, base="main"), github.edit(pull, base="discounts")
    keys = [job_of(delivery).key for delivery in (opened, to_main, back)]
    assert len(set(keys)) == 3
    assert carry_out(github, to_main, model(DELETE)).reason == "the base has changed again"
    carry_out(github, back, model())
    github.expect_comment("No findings in 1 file reviewed", on=pull)
    github.expect_check("success", on=pull)


def test_a_late_list_of_github_is_waited_out(github: World) -> None:
    """Right after the edit the API may still show the older base."""
    pull, opened = stacked(github)
    carry_out(github, opened, model())
    github.forgive()
    edited = github.edit(pull, base="main")
    github.fault(f"GET /pulls/{pull.number}$", faults.stale_base("discounts"))
    carry_out(github, edited, model(DELETE))
    github.expect_review(on=pull, comments=1)
    github.expect_comment("1 open finding", on=pull)
    github.expect_check("failure", on=pull)


# -- Re-run -------------------------------------------------------------------------------------------------------


def failed_check(github: World) -> CheckRun:
    """Review with a model that finds a defect, at a gate; return the red check run."""
    github.push_to_base(github.repo, GATE)
    carry_out(github, github.opened, model(DELETE))
    github.expect_review(comments=1)
    github.expect_comment("1 finding")
    return github.expect_check("failure")


BUTTONS: dict[str, Callable[[World, CheckRun, str], Delivery]] = {
    "Re-run": lambda world, run, by: world.rerequest(run, by=by),
    "Re-run all checks": lambda world, run, by: world.rerequest_suite(run, by=by),
}


@pytest.mark.parametrize("button", BUTTONS)
def test_the_button_is_the_command(github: World, button: str) -> None:
    """The whole pull request is reviewed again, as with `/review`, in a check run of its own."""
    run = failed_check(github)
    ask, prompts = watched(model())
    outcome = carry_out(github, BUTTONS[button](github, run, "alice"), ask, again=False)
    assert outcome.state is JobEnding.REVIEWED
    assert any("del self.items[sku]" in prompt.messages[1].content for prompt in prompts)
    github.expect_comment("1 finding")
    again = github.expect_check("failure")
    assert again is not run
    assert again.head_sha == run.head_sha


def test_a_check_run_of_the_app_has_buttons_that_are_commands(github: World) -> None:
    """One button reviews everything once more, one closes threads of what is fixed; a workflow's run has none."""
    github.push_to_base(github.repo, GATE)
    carry_out(github, github.opened, model(DELETE), has_buttons=True)
    github.expect_review(comments=1)
    github.expect_comment("1 finding")
    run = github.expect_check("failure")
    assert [action["identifier"] for action in run.actions] == ["review", "resolve"]
    ask, prompts = watched(model())
    assert (
        carry_out(github, github.request_action(run, "review", by="alice"), ask, again=False).state
        is JobEnding.REVIEWED
    )
    assert any("del self.items[sku]" in prompt.messages[1].content for prompt in prompts)
    github.expect_comment("1 finding")
    assert not github.expect_check("failure").actions
    ask, prompts = watched(model())
    assert carry_out(github, github.request_action(run, "resolve", by="alice"), ask).state is JobEnding.ANSWERED
    assert not prompts
    github.expect_comment("1 open finding")
    assert run.conclusion == "failure"
    github.forgive()


@pytest.mark.parametrize("button", BUTTONS)
def test_pressed_twice_it_reviews_twice(github: World, button: str) -> None:
    """Each press is a job of its own; the same delivery sent again is not."""
    run = failed_check(github)
    first, second = (BUTTONS[button](github, run, "alice") for _ in range(2))
    assert job_of(first).key != job_of(second).key
    for delivery in (first, second):
        ask, prompts = watched(model())
        carry_out(github, delivery, ask)
        assert prompts
    ask, prompts = watched(model())
    carry_out(github, second, ask)
    assert not prompts
    github.forgive()


@pytest.mark.parametrize("button", BUTTONS)
def test_after_a_push_the_new_head_is_reviewed(github: World, button: str) -> None:
    """The suite of the old head does not wait for ever: its run is completed again as it was."""
    run = failed_check(github)
    github.push(github.pull, {"src/extra.py": "x = 1\n"})
    outcome = carry_out(github, BUTTONS[button](github, run, "alice"), model())
    assert outcome.head_sha == github.pull.head != run.head_sha
    github.expect_comment("1 ")
    assert github.expect_check("failure", within=1).head_sha in (run.head_sha, github.pull.head)
    assert github.expect_check("failure", within=1).head_sha in (run.head_sha, github.pull.head)
    assert (run.status, run.conclusion) == ("completed", "failure")


@pytest.mark.parametrize("button", BUTTONS)
def test_a_pull_request_of_a_fork_is_found_by_its_head(github: World, button: str) -> None:
    """GitHub lists no pull requests for it in the event."""
    fork = github.fork(github.repo, by="stan")
    fork.commit(CHANGES, "Add codes", branch="idea")
    opened = github.open_pull(github.repo, "idea", fork=fork, by="stan")
    carry_out(github, opened, model())
    github.expect_comment("No findings", on=opened.subject)
    run = github.expect_check("success")
    pressed = BUTTONS[button](github, run, "mona")
    assert not pressed.payload[pressed.event]["pull_requests"]
    outcome = carry_out(github, pressed, model(DELETE))
    assert outcome.state is JobEnding.REVIEWED
    github.expect_review(on=opened.subject, comments=1)
    github.expect_comment("1 finding", on=opened.subject)
    github.expect_check("neutral")


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize("by", ["rita", "stan"])
def test_who_may_not_write_spends_nothing(github: World, button: str, by: str) -> None:
    """GitHub shows the button to people who may write; should anybody else press it, the run stays what it was."""
    run = failed_check(github)
    outcome = carry_out(github, BUTTONS[button](github, run, by), lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert outcome.reason == "no write permission"
    assert github.expect_check("failure") is run


def test_the_run_of_another_app_is_left_alone(github: World) -> None:
    """It has our name and our id, to the letter, and is made by somebody else."""
    run = failed_check(github)
    github.app_token("acme-review", github.repo)
    run.app = github.other_apps["acme-review"]
    for button in BUTTONS.values():
        outcome = carry_out(github, button(github, run, "alice"), lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
        assert (outcome.state, outcome.reason) == (JobEnding.IGNORED, "not our check run")


def test_the_run_of_another_tool_is_no_job(github: World) -> None:
    """What its external id says is not one of ours."""
    run = failed_check(github)
    run.external_id = "ci-42"
    with pytest.raises(AssertionError, match="not our check run"):
        job_of(github.rerequest(run))
    run.external_id = f"octo-org/shop#1@{github.pull.head}"
    github.user("parrot[bot]", kind="Bot")
    for button in BUTTONS.values():
        with pytest.raises(AssertionError, match="bot"):
            job_of(button(github, run, "parrot[bot]"))


# -- merge queues -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["the App", "a workflow"])
def test_a_merge_group_gets_its_check_at_once(github: World, kind: str) -> None:
    """One completed run on its head, which says why nothing is reviewed; it asks nothing of the model."""
    queued = github.enqueue(github.pull)
    token = github.actions_token(github.repo) if kind == "a workflow" else ""
    for _ in range(2):
        outcome = carry_out(github, queued, lambda _: 1 / 0, token=token)  # type: ignore[arg-type,return-value]
    assert (outcome.state, outcome.conclusion) == (JobEnding.IGNORED, "neutral")
    run = github.expect_check("neutral", name="reviewer")
    assert run.head_sha == queued.payload["merge_group"]["head_sha"]
    assert "merge queue" in run.output["title"]
    assert len(github.repo.check_runs) == 1
    assert not job_of(queued).is_automatic


def test_re_run_on_a_merge_group_only_ends_the_wait(github: World) -> None:
    """There is nothing to review, and the suite that GitHub set to *queued* is complete again."""
    queued = github.enqueue(github.pull)
    carry_out(github, queued, model())
    run = github.expect_check("neutral")
    for button in BUTTONS.values():
        outcome = carry_out(github, button(github, run, "alice"), lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
        assert outcome.state is JobEnding.IGNORED
        assert github.expect_check("neutral") is run


# -- skipped on purpose -------------------------------------------------------------------------------------------

SKIPS: dict[str, tuple[str, str]] = {
    "draft": ("", "draft"),
    "auto": ("review:\n  auto: false\n", "automatic reviews are off"),
    "bot": ("review:\n  bots: false\n", "opened by a bot"),
}


def skipped(github: World, why: str) -> tuple[Pull, Delivery]:
    """Open a pull request that the settings leave out."""
    settings, _ = SKIPS[why]
    if settings:
        github.push_to_base(github.repo, {".github/reviewer.yml": settings})
    github.user("renovate[bot]", kind="Bot")
    github.repo.commit(CHANGES, "Add codes", branch="other")
    by = "renovate[bot]" if why == "bot" else "alice"
    opened = github.open_pull(github.repo, "other", by=by, draft=why == "draft")
    return opened.subject, opened


@pytest.mark.parametrize("why", SKIPS)
def test_every_commit_of_a_skipped_pull_request_gets_a_check(github: World, why: str) -> None:
    """At once, neutral, with the reason and what to do; carried out again, there is still one."""
    pull, opened = skipped(github, why)
    pushed = github.push(pull, {"src/more.py": "x = 1\n"})
    for delivery in (opened, pushed, pushed):
        outcome = carry_out(github, delivery, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert outcome.reason == SKIPS[why][1]
    run = github.expect_check("neutral", on=pull)
    assert (run.head_sha, run.output["title"]) == (pull.head, f"Not reviewed: {SKIPS[why][1]}")
    assert "/review" in run.output["summary"]
    assert len(github.repo.check_runs) == 1, "the older head has none: its job saw that the head has moved on"
    asked = github.comment(pull, "/review", by="mona")
    carry_out(github, asked, model())
    github.expect_comment("No findings", on=pull)
    github.expect_check("success", on=pull)


@pytest.mark.parametrize("mended", [False, True])
def test_a_skip_does_not_turn_a_gate_green(github: World, *, mended: bool) -> None:
    """The open finding of the last review fails the check of a commit that is not reviewed, until it is dismissed."""
    failed_check(github)
    github.convert_to_draft(github.pull)
    if mended:
        github.resolve(next(iter(github.pull.threads.values())), by="alice")
    pushed = github.push(github.pull, {"src/more.py": "x = 1\n"})
    outcome = carry_out(github, pushed, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    expected = "neutral" if mended else "failure"
    assert outcome.conclusion == expected
    run = github.expect_check(expected)
    assert run.head_sha == github.pull.head
    assert ("still open" in run.output["title"]) is not mended


def test_only_excluded_files_are_neutral_and_cost_nothing(github: World) -> None:
    """The check says that nothing was reviewed, and which files were left out."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  exclude: ['**']\n"})
    carry_out(github, github.opened, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    run = github.expect_check("neutral")
    assert "Nothing was reviewed" in run.output["title"]
    assert "src/cart.py" in run.output["summary"]


def test_release_notes_alone_cost_nothing_and_the_check_says_so(github: World) -> None:
    """No comment is posted, unless somebody asks for a review: then the summary says it."""
    github.repo.commit({"CHANGELOG.md": "# Changelog\n\n- Refunds keep the discount.\n"}, "Notes", branch="notes")
    opened = github.open_pull(github.repo, "notes", title="Notes")
    outcome = carry_out(github, opened, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert (outcome.state, outcome.sent.summary_url) == (JobEnding.REVIEWED, "")
    run = github.expect_check("neutral")
    assert run.output["title"] == "Nothing here needs a review: release notes"
    assert "CHANGELOG.md" in run.output["summary"]
    pull = github.repo.pulls[-1]
    asked = github.comment(pull, "/review", by="mona")
    outcome = carry_out(github, asked, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    assert outcome.reply == ""
    github.expect_comment("Nothing here needs a review: release notes", on=pull)
    github.expect_check("neutral", on=pull)
