"""An organisation's defaults: `reviewer.yml` of its repository `.github`, under the repository's own settings."""

from __future__ import annotations

import pytest

from tests.fakes.github import World, faults
from tests.fixtures.scenarios import DELETE, carry_out, model
from webhooks.github.errors import GitHubError
from webhooks.handling.handle import JobEnding


def defaults(github: World, text: str, *, private: bool = False, name: str = "reviewer.yml") -> None:
    github.create_repository("octo-org/.github", {name: text, "README.md": "x\n"}, private=private)


def never(_: object) -> list[object]:
    raise AssertionError("the model was asked")


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("name", ["reviewer.yml", "reviewer.yaml"])
def test_the_owners_defaults_hold(github: World, name: str, *, private: bool) -> None:
    """Also of a private repository, where the App is installed on it."""
    defaults(github, "review:\n  auto: false\n", private=private, name=name)
    outcome = carry_out(github, github.opened, never)  # type: ignore[arg-type]
    assert outcome.reason == "automatic reviews are off"
    github.expect_check("neutral")


def test_the_repositorys_own_settings_lie_on_top(github: World) -> None:
    """Key by key: what the repository does not say, the organisation does."""
    defaults(github, "review:\n  auto: false\n  fail_level: error\n")
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  auto: true\n"})
    pushed = github.push(github.pull, {"x.md": "x\n"})
    assert carry_out(github, pushed, model(DELETE)).conclusion == "failure"
    github.forgive()


@pytest.mark.parametrize("text", ["- x\n", "budget:\n  per_month_usd: lots\n"])
def test_defaults_that_cannot_be_read_stop_the_review(github: World, text: str) -> None:
    """They are named with their place, and nothing is asked."""
    defaults(github, text)
    assert carry_out(github, github.opened, never).state is JobEnding.FAILED  # type: ignore[arg-type]
    assert "octo-org/.github/reviewer.yml:" in github.expect_check("failure").output["summary"]


def test_a_failing_github_is_no_absence(github: World) -> None:
    """The job is tried again later."""
    github.fault("GET /repos/octo-org/.github/contents", faults.server_error(502), times=4)
    with pytest.raises(GitHubError):
        carry_out(github, github.opened, never)  # type: ignore[arg-type]
