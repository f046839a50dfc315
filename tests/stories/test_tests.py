"""Stories of suggested tests: requested in a comment, run in a sandbox by the Action, shown with their results."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from tests.fakes.github import World
from tests.fixtures.scenarios import DELETE, carry_out, job_of, model
from tests.samples.project_python import project_python
from webhooks.action.inputs import read_inputs
from webhooks.action.workspace import Workspace
from webhooks.events.deliveries import Ignored, decide
from webhooks.handling.commands.table import SYNTAX
from webhooks.handling.handle import JobEnding

pytestmark = pytest.mark.slow

GOOD = """<test path="tests/test_discount_codes.py" covers="src/discounts.py:6-14">
from src.discounts import discount_for


def test_a_code_has_its_percent():
    assert discount_for("WELCOME", 1, used=[]) == 10
    assert discount_for("SUMMER", 10, used=[]) == 25


def test_more_than_ten_pieces_are_cheaper():
    assert discount_for("WELCOME", 11, used=[]) == 15
    assert discount_for("none", 11, used=[]) == 5


def test_a_code_works_once():
    used = []
    assert discount_for("WELCOME", 1, used) == 10
    assert used == ["WELCOME"]
    assert discount_for("WELCOME", 1, used) == 0
</test>"""


@pytest.fixture
def checkout(github: World, tmp_path: Path) -> Path:
    """Check out the pull request's head, as a workflow does."""
    folder = tmp_path / "shop"
    clone = ["git", "clone", "-q", str(github.repo.git.path), str(folder)]
    subprocess.run(clone, check=True, capture_output=True)
    fetch = ["git", "-C", str(folder), "fetch", "-q", "origin", f"refs/pull/{github.pull.number}/head"]
    subprocess.run(fetch, check=True, capture_output=True)
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "FETCH_HEAD"], check=True, capture_output=True)
    return folder


def suggesting(*findings: dict[str, object], test: str = GOOD) -> Ask:
    """Return a model that always suggests that test when asked for tests."""
    other = model(*findings)

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100),)
        answers = other(prompts)
        return [
            Reply(test, model="MiniMax-M2.1", attempts=bill) if prompt.task is Task.TESTS else answer
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    return ask


def workspace(folder: Path, ask: Ask, **more: str) -> Workspace:
    environ = {
        "PATH": os.environ["PATH"],
        "GITHUB_WORKSPACE": str(folder),
        "REVIEWER_TESTS_PYTHON": str(project_python()),
    }
    return Workspace(read_inputs({**environ, **more}, ()), {**environ, **more}, ask, b"salt")


@pytest.mark.timeout(300)
def test_tests_are_run_when_asked_for(github: World, checkout: Path) -> None:
    """`/tests` shows the test with what it proved; nothing else of the pull request is paid for again."""
    ask = suggesting(DELETE)
    carry_out(github, github.deliveries[-1], ask)
    github.expect_review(comments=1)
    github.expect_check("neutral")
    seen: list[Prompt] = []

    def counted(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        seen.extend(prompts)
        return ask(prompts)

    asked = github.comment(github.pull, "/tests", by="alice")
    outcome = carry_out(github, asked, counted, prove=workspace(checkout, counted).prove)
    assert (outcome.state, outcome.reason) == (JobEnding.REVIEWED, "")
    assert {prompt.task for prompt in seen} == {Task.TESTS, Task.VERIFY}
    summary = github.expect_comment("tests/test_discount_codes.py")
    assert re.search(r"(\d+) of \1 runs", summary.body)
    assert "mutants" in summary.body
    assert "not run" not in summary.body
    assert "Removing an item" in summary.body
    github.expect_check("neutral")
    assert not (checkout / "tests" / "test_discount_codes.py").exists()


def test_the_app_suggests_tests_as_text(github: World) -> None:
    """Where nothing may be run, the tests are shown as such, with how to have them run."""
    asked = github.comment(github.pull, "/tests", by="alice")
    outcome = carry_out(github, asked, suggesting())
    assert outcome.state is JobEnding.REVIEWED
    summary = github.expect_comment("tests/test_discount_codes.py")
    assert "(not run)" in summary.body
    assert "the App never runs code of a pull request" in summary.body
    github.expect_check("success")


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"REVIEWER_TESTS": "off"}, "the input `tests` is off"),
        ({"RUNNER_ENVIRONMENT": "self-hosted"}, "this runner is self-hosted"),
        ({"GITHUB_WORKSPACE": "/nowhere"}, "Give the job a checkout"),
    ],
)
def test_where_nothing_may_be_run(github: World, checkout: Path, environ: dict[str, str], reason: str) -> None:
    """A step that may not run anything says why, and shows the tests as text."""
    asked = github.comment(github.pull, "/tests", by="alice")
    carry_out(github, asked, suggesting(), prove=workspace(checkout, suggesting(), **environ).prove)
    summary = github.expect_comment(reason)
    assert "(not run)" in summary.body
    github.expect_check("success")


def test_only_the_head_is_run(github: World, checkout: Path) -> None:
    """A checkout of something else, such as the merge commit, is not taken for the pull request's head."""
    subprocess.run(["git", "-C", str(checkout), "checkout", "-q", "HEAD~1"], check=True, capture_output=True)
    asked = github.comment(github.pull, "/tests", by="alice")
    carry_out(github, asked, suggesting(), prove=workspace(checkout, suggesting()).prove)
    github.expect_comment(f"not at `{github.pull.head[:7]}`")
    github.expect_check("success")


def test_a_label_asks_once_for_a_head(github: World) -> None:
    """The label `reviewer: tests` asks as `/tests` does, with one key for a head; other labels ask for nothing."""
    labelled = github.label(github.pull, "Reviewer: tests", by="alice")
    job = job_of(labelled)
    assert (job.command, job.key) == ("tests", f"octo-org/shop#1@{github.pull.head}+tests")
    other = github.label(github.pull, "bug", by="alice")
    assert decide(other.event, other.payload, other.guid, SYNTAX) == Ignored("label not handled")


@pytest.mark.timeout(300)
def test_tests_are_committed_when_asked_for(github: World, checkout: Path) -> None:
    """`/tests commit` adds the test that proved something to the branch, says so once, and does not do it twice."""
    before = github.pull.head
    asked = github.comment(github.pull, "/tests commit", by="alice")
    github.accept_permissions(github.installation, contents="write")
    carry_out(github, asked, suggesting(), prove=workspace(checkout, suggesting()).prove)
    github.expect_comment(" runs; covers ")
    github.expect_comment("The suggested tests are in")
    github.expect_check("success")
    assert github.expect_commit().sha == github.pull.head != before
    show = ["git", "-C", str(github.repo.git.path), "show", f"{github.pull.head}:tests/test_discount_codes.py"]
    assert b"def test_a_code_works_once" in subprocess.run(show, check=True, capture_output=True).stdout


THERE = (
    "from src.discounts import discount_for\n\n\ndef test_no_code():\n    assert discount_for('', 1, used=[]) == 0\n"
)


@pytest.mark.timeout(300)
def test_tests_for_a_file_of_the_change_take_one_click(github: World, checkout: Path) -> None:
    """They come as a suggestion at its end, once for that end; the summary links to it and shows no new file."""
    github.push(github.pull, {"tests/test_no_code.py": THERE}, by="alice")
    git = ["git", "-C", str(checkout)]
    subprocess.run([*git, "fetch", "-q", "origin", "refs/pull/1/head"], check=True, capture_output=True)
    subprocess.run([*git, "checkout", "-q", "FETCH_HEAD"], check=True, capture_output=True)
    prove = workspace(checkout, suggesting()).prove
    carry_out(github, github.comment(github.pull, "/tests", by="alice"), suggesting(), prove=prove)
    (one,) = github.expect_review("Suggested tests for 1 file at", comments=1).comments
    place = one.thread.place
    assert (place.path, place.line, place.side) == ("tests/test_no_code.py", 5, "RIGHT")
    block = one.body.partition("```suggestion\n")[2].partition("\n```")[0]
    grown = THERE.replace(f"{THERE.splitlines()[-1]}\n", f"{block}\n")
    assert grown.startswith(THERE)
    assert "def test_a_code_works_once" in grown
    summary = github.expect_comment("<code>tests/test_no_code.py</code> (")
    assert f"#discussion_r{one.id})" in summary.body
    assert "def test_a_code_works_once" not in summary.body
    github.expect_check("success")

    other = suggesting(test=GOOD.replace("test_a_code_works_once", "test_a_code_is_used_up"))
    carry_out(github, github.comment(github.pull, "/tests", by="alice"), other, prove=workspace(checkout, other).prove)
    again = github.expect_comment("<code>tests/test_discount_codes.py</code> (")
    assert "def test_a_code_is_used_up" in again.body
    github.expect_check("success")


@pytest.mark.timeout(300)
def test_tests_that_cannot_be_committed(github: World, checkout: Path) -> None:
    """Without the permission, and where nothing was run, the asker is told what to do, and the branch is as it was."""
    before = github.pull.head
    asked = github.comment(github.pull, "/tests pull", by="alice")
    carry_out(github, asked, suggesting())
    github.expect_comment("there is nothing to add")
    github.expect_comment("(not run)")
    github.expect_check("success")
    assert github.pull.head == before
