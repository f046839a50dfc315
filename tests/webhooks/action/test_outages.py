"""GitHub fails in each round of the Action: that is told wherever it can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.github import World, faults
from webhooks.action import step as action
from webhooks.action.result import Step


@pytest.mark.parametrize(("level", "code", "conclusion"), [("", 3, "failure"), ("never", 0, "neutral")])
def test_three_failing_rounds_are_told(
    github: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, code: int, conclusion: str
) -> None:
    """In the job summary, in the outputs and in the check run; red only where findings may be."""
    monkeypatch.setattr("webhooks.github.transport.time.sleep", lambda _: None)
    event = tmp_path / "event.json"
    event.write_text(json.dumps(github.opened.payload), encoding="utf-8")
    github.fault("GET /pulls/1$", faults.server_error(500), times=12)
    environ = {
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": github.actions_token(github.repo),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNAPI_KEY": "key-of-sixteen-characters",
        "RUNAPI_BASE_URL": "http://127.0.0.1:9",
        "REVIEWER_FAIL_LEVEL": level,
    }
    assert action.run(Step(environ)) == code
    assert "### Not reviewed" in (tmp_path / "summary").read_text("utf-8")
    assert "500" in (tmp_path / "summary").read_text("utf-8")
    assert "error" in (tmp_path / "output").read_text("utf-8")
    assert "GitHub failed 3 times" in github.expect_check(conclusion).output["summary"]
