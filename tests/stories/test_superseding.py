"""Stories of a push during a review: the review of the old head is cancelled, and only the new head is reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.github import World
from tests.fakes.model import FakeModel, Stall
from tests.fixtures.scenarios import DELETE
from tests.stories.test_app import find, serving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seconds", [0, 5])
def test_a_push_supersedes_a_running_review(github: World, model: FakeModel, tmp_path: Path, seconds: int) -> None:
    """The old head's check run is cancelled and nothing is posted on it, in the second of the push as well as later."""
    github.hook.secret = "s3cret"
    find(model, DELETE)
    model.script("findings", Stall())
    opened = github.reopen(github.pull)
    old = github.pull.head
    with serving(github, model, tmp_path) as server:
        assert opened.post(server.hook).status_code == 202
        model.wait_for(lambda: any(call.task == "findings" for call in model.calls), "the first call", 30)
        github.pass_time(seconds)
        pushed = github.push(github.pull, {"src/more.py": "x = 1\n"})
        assert pushed.post(server.hook).status_code == 202
        if not seconds:
            model.release()  # it is not known yet which head is newer, so the first review goes on until it posts
        assert github.expect_check("cancelled", within=30).head_sha == old
        model.release()
        assert github.expect_check("neutral", within=30).head_sha == github.pull.head
        assert github.expect_review(comments=1).commit_id == github.pull.head
        github.expect_comment("<!-- reviewer:summary")
