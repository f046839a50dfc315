"""Stories of the Action: run the real `action.yml` step by step in bash, against doubles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import Delivery, World
from tests.fakes.model import FakeModel, error
from tests.fakes.runner import Event, Run, Runner, Step
from tests.fixtures.scenarios import DEFAULT, DELETE, TEST
from tests.paths import ROOT
from webhooks.handling.commands.table import COMMANDS

pytestmark = pytest.mark.slow

Act = Callable[..., Run]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """Run the Action once for an event that asks for nothing: the other stories use its install step."""
    home = tmp_path_factory.mktemp("runner")
    payload = {"action": "labeled", "repository": {"full_name": "o/r"}, "sender": {"login": "mona"}}
    done = Runner(home, home, "http://127.0.0.1:9", seconds=300).run(ROOT, {"runapi-key": ""}, Event("label", payload))
    assert not done.failed, done.log
    assert done.outputs["findings"] == "0"
    return done.steps[1]


def find(model: FakeModel, *findings: dict[str, Any]) -> None:
    """Make the model find these, confirm them all and suggest a test."""
    verdicts = [{"id": n, "verdict": "confirmed", "reason": "r"} for n in range(1, len(findings) + 1)]
    model.script("findings", json.dumps({"summary": "Adds discount codes.", "findings": findings}))
    model.script("tests", TEST)
    if findings:
        model.script("verify", json.dumps({"verdicts": verdicts}))


@pytest.fixture
def act(installed: Step, github: World, model: FakeModel, tmp_path: Path) -> Act:
    """Return a function that runs the Action for a delivery, as a workflow would."""

    def run(delivery: Delivery, *, token: str = "", event: str = "", key: str | None = None, **inputs: str) -> Run:
        runner = Runner(tmp_path, tmp_path, github.url, secrets=(model.key,), ran={"install": installed})
        given = {"runapi-key": model.key if key is None else key, "base-url": model.base_url}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        token = token or github.actions_token(github.repo)
        return runner.run(ROOT, given, Event(event or delivery.event, delivery.payload, token=token))

    return run


@pytest.mark.timeout(400)
def test_a_pull_request_is_reviewed(act: Act, github: World, model: FakeModel) -> None:
    """Review, summary and check run as the App posts them; outputs, SARIF and job summary beside."""
    find(model, DELETE, DEFAULT)
    done = act(github.deliveries[-1])
    assert not done.failed, done.log
    review = github.expect_review(comments=2)
    assert review.user.login == "github-actions[bot]"
    github.expect_comment("tests/test_discounts.py")
    github.expect_check("neutral", name="reviewer")
    assert done.outputs["findings"] == "2"
    assert str(review.id) in done.outputs["review-url"]
    assert 0 < float(done.outputs["cost-usd"]) < 0.01
    sarif = json.loads(Path(done.outputs["sarif-file"]).read_text("utf-8"))
    assert len(sarif["runs"][0]["results"]) == 2
    assert "KeyError" in done.summary
    assert done.annotations == []
    assert model.key not in done.log


def test_findings_at_the_fail_level_fail_the_step(act: Act, github: World, model: FakeModel) -> None:
    """`fail-level: error` turns an error into exit 1 and a failed check run, after everything was posted."""
    find(model, DELETE)
    done = act(github.deliveries[-1], fail_level="error")
    assert done.steps[-1].exit_code == 1
    github.expect_review(comments=1)
    github.expect_comment("1 error")
    github.expect_check("failure")


def test_a_fork_without_a_key_is_told_what_to_do(act: Act, github: World) -> None:
    """No secrets, read-only token: a notice and a summary, nothing posted, no red cross."""
    fork = github.fork(github.repo, by="stan")
    fork.commit({"a.py": "x = 1\n"}, branch="idea")
    opened = github.open_pull(github.repo, "idea", fork=fork, by="stan")
    done = act(opened, token=github.read_only_token(github.repo), key="")
    assert not done.failed
    assert done.annotations[0].level == "notice"
    assert "pull_request_target" in done.summary


def test_with_the_rights_of_the_base_a_fork_excuses_nothing(act: Act, github: World) -> None:
    """Under `pull_request_target` there are secrets: a missing key is this repository's mistake, and red."""
    fork = github.fork(github.repo, by="stan")
    fork.commit({"a.py": "x = 1\n"}, branch="idea")
    opened = github.open_pull(github.repo, "idea", fork=fork, by="stan")
    done = act(opened, event="pull_request_target", key="")
    assert done.failed
    assert "runapi-key" in done.annotations[0].message
    assert "recipe" not in done.summary


def test_a_read_only_token_leaves_annotations(act: Act, github: World, model: FakeModel) -> None:
    """What cannot be posted is annotated on its line and stands in the summary; the step is green."""
    find(model, DELETE)
    done = act(github.deliveries[-1], token=github.read_only_token(github.repo))
    assert not done.failed, done.log
    (first, *_) = [one for one in done.annotations if one.level == "error"]
    assert (first.properties["file"], "KeyError" in first.properties["title"]) == ("src/cart.py", True)
    assert "KeyError" in done.summary


def test_pull_request_target_is_handled_alike(act: Act, github: World, model: FakeModel) -> None:
    """The event of the safe recipe for forks carries the same payload."""
    find(model)
    done = act(github.deliveries[-1], event="pull_request_target")
    assert not done.failed
    github.expect_comment("No findings")
    github.expect_check("success")


def test_a_comment_asks_for_a_review(act: Act, github: World, model: FakeModel) -> None:
    """`/review` by a person with write permission; chatter does nothing."""
    find(model)
    assert not act(github.comment(github.pull, "/review", by="mona")).failed
    github.expect_comment("No findings")
    github.expect_check("success")
    done = act(github.comment(github.pull, "I like it", by="mona"))
    assert not done.failed
    assert "Nothing to do" in done.summary


@pytest.mark.parametrize(("key", "says"), [("", "runapi-key"), ("wrong", "RUNAPI_KEY")])
def test_a_missing_or_wrong_key_fails_loudly(act: Act, github: World, model: FakeModel, key: str, says: str) -> None:
    """On a pull request of the repository's own, nothing reviewed is a failure that says what to set."""
    done = act(github.deliveries[-1], key=key)
    assert done.steps[-1].exit_code == 3
    assert says in done.summary
    assert done.annotations[0].level == "error"
    if key:
        github.expect_check("failure")
        model.calls.clear()


def test_no_credit_fails_loudly(act: Act, github: World, model: FakeModel) -> None:
    """The reason stands in the annotation, the summary and the check run."""
    for task in ("findings", "tests"):
        model.script(task, error(402, "insufficient balance (1008)"))
    done = act(github.deliveries[-1])
    assert done.steps[-1].exit_code == 3
    assert done.annotations[0].level == "error"
    assert "credit" in github.expect_check("failure").output["summary"]


def test_a_bad_fail_level_is_a_usage_error(act: Act, github: World) -> None:
    """A typo in an input is named with what it takes, before anything is paid for."""
    done = act(github.deliveries[-1], fail_level="fatal")
    assert done.steps[-1].exit_code == 2
    assert "fatal" in done.summary


def test_a_merge_group_needs_no_key(act: Act, github: World) -> None:
    """The check that the queue waits for is there at once, and nothing is asked of the model."""
    done = act(github.enqueue(github.pull), key="")
    assert not done.failed, done.log
    assert "merge queue" in done.summary
    github.expect_check("neutral", name="reviewer")


def test_a_skip_leaves_an_open_gate_red(act: Act, github: World, model: FakeModel) -> None:
    """A draft is not reviewed; what the review before it left open fails the step as well as the check run."""
    find(model, DELETE)
    assert act(github.deliveries[-1], fail_level="error").steps[-1].exit_code == 1
    github.expect_review(comments=1)
    github.expect_comment("1 error")
    github.expect_check("failure")
    github.convert_to_draft(github.pull)
    done = act(github.push(github.pull, {"notes.txt": "x\n"}), fail_level="error")
    assert done.steps[-1].exit_code == 1
    assert "draft; 1 finding of the last review still open" in done.summary
    github.expect_check("failure")
    done = act(github.push(github.pull, {"notes.txt": "y\n"}), fail_level="never")
    assert not done.failed
    github.expect_check("neutral")


def test_two_workflows_share_the_commands(act: Act, github: World, model: FakeModel) -> None:
    """Each carries out its own, and says what it leaves to the other; a name that is none is a mistake."""
    asked = github.comment(github.pull, "See src/tests.\n\n/review", by="mona")
    left = act(asked, commands="tests")
    assert not left.failed
    assert "leaves `/review` to another one" in left.summary
    find(model)
    assert not act(asked, commands="review refactor ask").failed
    github.expect_comment("No findings")
    github.expect_check("success")
    done = act(asked, commands="reviews")
    assert done.steps[-1].exit_code == 2
    assert f"it takes some of {', '.join(sorted(command.name for command in COMMANDS))}." in done.summary


def broken(model: FakeModel) -> None:
    """Make the model answer with prose, again when it is asked once more."""
    for task in ("findings", "tests"):
        model.answers(task, lambda _: "I am sorry, I cannot do that today.")


def test_an_outage_is_not_red_where_findings_are_not(act: Act, github: World, model: FakeModel) -> None:
    """Under `never`, which is the default, step and check pass and say so; with a gate they fail."""
    broken(model)
    done = act(github.deliveries[-1])
    assert not done.failed, done.log
    assert (done.outputs["reviewed"], done.outputs["conclusion"]) == ("false", "error")
    assert done.annotations[0].level == "warning"
    assert "Not reviewed" in done.summary
    github.expect_check("neutral")
    done = act(github.push(github.pull, {"x.md": "x\n"}), fail_level="error")
    assert done.steps[-1].exit_code == 3
    github.expect_check("failure")
    model.calls.clear()


@pytest.mark.parametrize("inputs", [{"tests": "onn"}, {"forks": "some"}, {"max_usd_per_month": "ten"}])
def test_a_typo_is_an_error_whatever_comes(act: Act, github: World, inputs: dict[str, str]) -> None:
    """Also for an event that asks for nothing, and on a fork without secrets."""
    chatter = github.comment(github.pull, "I like it", by="mona")
    done = act(chatter, **inputs)
    assert done.steps[-1].exit_code == 2
    assert next(iter(inputs)).replace("_", "-") in done.summary


def test_the_outputs_tell_clean_from_not_reviewed(act: Act, github: World, model: FakeModel) -> None:
    """`success` is said only of what was reviewed."""
    done = act(github.comment(github.pull, "I like it", by="mona"))
    assert (done.outputs["reviewed"], done.outputs["conclusion"]) == ("false", "skipped")
    find(model)
    done = act(github.push(github.pull, {"src/x.py": "x = 1\n"}))
    assert (done.outputs["reviewed"], done.outputs["conclusion"]) == ("true", "success")
    github.expect_comment("No findings")
    github.expect_check("success")


def test_ceilings_are_kept_in_marks(act: Act, github: World, model: FakeModel) -> None:
    """What a run has cost stands in its summary; the next runs count it, on this pull request and in the month."""
    find(model)
    act(github.deliveries[-1])
    assert "<!-- reviewer:bill run=run-" in github.expect_comment("No findings").body
    github.expect_check("success")
    pushed = github.push(github.pull, {"src/x.py": "x = 1\n"})
    for name in ("max_usd_per_pull", "max_usd_per_month"):
        done = act(pushed, **{name: "0.00001"})
        assert not done.failed, done.log
        assert done.outputs["conclusion"] == "error"
        assert "is reached" in github.expect_check("neutral").output["summary"]
        github.expect_comment(f"`{name.replace('_', '-')}`")
    find(model)
    assert act(pushed, max_usd_per_pull="5", max_usd_per_month="5").outputs["reviewed"] == "true"
    assert github.expect_comment("reviewer:summary").body.count("reviewer:bill run=") == 2
    github.expect_check("success")


def test_a_strangers_fork_waits_for_a_maintainer(act: Act, github: World, model: FakeModel) -> None:
    """Under `pull_request_target`: one comment, no call; a label or a command of somebody with write access reviews."""
    fork = github.fork(github.repo, by="stan")
    fork.commit({"a.py": "x = 1\n"}, branch="idea")
    opened = github.open_pull(github.repo, "idea", fork=fork, by="stan")
    pull = github.repo.pulls[-1]
    done = act(opened, event="pull_request_target")
    assert not done.failed
    assert done.outputs["conclusion"] == "skipped"
    github.expect_comment("Somebody with write access can ask")
    github.expect_check("neutral")
    act(github.push(pull, {"a.py": "x = 2\n"}, by="stan"), event="pull_request_target")
    github.expect_check("neutral")
    assert model.calls == []
    find(model)
    assert (
        act(github.label(pull, "reviewer: review", by="alice"), event="pull_request_target").outputs["reviewed"]
        == "true"
    )
    github.expect_comment("No findings")
    github.expect_check("success")
