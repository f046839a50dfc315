"""What the Action's outputs say of a review."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.diff.model import Diff
from reviewer.domain.findings import Review
from webhooks.action import step as action
from webhooks.action.result import Step, report
from webhooks.handling.job_outcome import JobEnding, JobOutcome
from webhooks.publishing.review_scope import FindingSummary, ReviewScope, headline


@pytest.mark.parametrize(
    ("reviewed", "conclusion", "told"),
    [
        (2, "neutral", ["true", "neutral"]),  # only listed findings are left of the review before this run
        (2, "success", ["true", "success"]),
        (0, "neutral", ["false", "skipped"]),
    ],
)
def test_what_was_reviewed_before_counts(tmp_path: Path, reviewed: int, conclusion: str, told: list[str]) -> None:
    """A push of files that need no review leaves the change reviewed, though this run reviewed nothing."""
    outcome = JobOutcome(
        JobEnding.REVIEWED, "", "a" * 40, Review(""), Diff(()), conclusion=conclusion, reviewed=reviewed
    )
    output = tmp_path / "output"
    assert report(Step({"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(tmp_path)}), outcome) == 0
    lines = output.read_text(encoding="utf-8").split("\n")
    assert [lines[1], lines[4]] == told


def test_a_part_of_the_only_file_is_no_nothing(tmp_path: Path) -> None:
    """The other part has no answer, so the file is not reviewed yet and the step fails: that is not `skipped`."""
    review, output = Review("", files_reviewed=1), tmp_path / "output"
    outcome = JobOutcome(JobEnding.REVIEWED, "", "a" * 40, review, Diff(()), conclusion="failure")
    assert report(Step({"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(tmp_path)}), outcome) == 1
    lines = output.read_text(encoding="utf-8").split("\n")
    assert [lines[1], lines[4]] == ["true", "failure"]
    scope = ReviewScope(reviewed=0, fresh=1, total=1, left_out=1, unanswered=1)
    assert headline(FindingSummary((), {}), scope) == "No findings in 0 of 1 file reviewed"


@pytest.mark.parametrize("name", ["GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME"])
def test_what_the_runner_has_to_say_is_not_guessed(tmp_path: Path, name: str) -> None:
    """Without its file or its name an event is no event that asks for nothing: the step fails."""
    event, output = tmp_path / "event.json", tmp_path / "output"
    event.write_text("{}", encoding="utf-8")
    told = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "push", "GITHUB_OUTPUT": str(output)}
    assert action.run(Step(told)) == 0
    assert action.run(Step({**told, name: " "})) == 2
    assert output.read_text(encoding="utf-8").split("\n").count("error") == 1
