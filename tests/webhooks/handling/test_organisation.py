"""An organisation's defaults: `reviewer.yml` of its repository `.github`, under the repository's own settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.github import World, faults
from tests.fixtures.scenarios import DELETE, app_credentials, carry_out, model
from webhooks.github.credentials import MOST_REMEMBERED, REMEMBERED, AbsentFiles
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


@pytest.mark.parametrize("there", [False, True])
def test_no_defaults_are_looked_for_once(github: World, monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    """By all jobs of a process for some minutes: no `.github`, or none with the file. A new file is seen after that."""
    if there:
        github.create_repository("octo-org/.github", {"README.md": "x\n"}, private=False)
    process = app_credentials(github)

    def review() -> tuple[int, str]:
        before = len(github.calls)
        pushed = github.push(github.pull, {f"x{before}.md": "x\n"})
        outcome = carry_out(github, pushed, model(), credentials=process)
        calls = [str(call) for call in github.calls[before:]]
        return sum("octo-org/.github" in call or "access_tokens -> 422" in call for call in calls), outcome.reason

    looked = [review()[0] for _ in range(3)]
    assert looked == [1 if there else 2, 0, 0]
    defaults_text = "review:\n  auto: false\n"
    if there:
        repo = next(repo for repo in github.repositories if repo.full_name == "octo-org/.github")
        github.push_to_base(repo, {"reviewer.yml": defaults_text})
    else:
        defaults(github, defaults_text)
    monkeypatch.setattr("webhooks.github.credentials.REMEMBERED", 0.0)
    assert review()[1] == "automatic reviews are off"
    github.forgive()


def test_defaults_that_are_there_are_read_each_time(github: World) -> None:
    """What is changed in them holds for the next job."""
    defaults(github, "review:\n  auto: true\n")
    process = app_credentials(github)
    carry_out(github, github.opened, model(), credentials=process)
    repo = next(repo for repo in github.repositories if repo.full_name == "octo-org/.github")
    github.push_to_base(repo, {"reviewer.yml": "review:\n  auto: false\n"})
    pushed = github.push(github.pull, {"x.md": "x\n"})
    assert carry_out(github, pushed, model(), credentials=process).reason == "automatic reviews are off"
    github.forgive()


def test_what_is_remembered_is_bounded_and_each_installations_own() -> None:
    """Five minutes, a thousand repositories, whatever threads do; another installation looks for itself."""
    absent = AbsentFiles()
    absent.note(1, "Octo/.github", now=100.0)
    assert absent.knows(1, "octo/.github", now=100.0 + REMEMBERED - 1)
    assert not absent.knows(1, "octo/.github", now=100.0 + REMEMBERED)
    assert not absent.knows(2, "octo/.github", now=100.0)
    assert not absent.knows(None, "octo/.github", now=100.0)
    assert not absent.knows(1, "mona/.github", now=100.0)

    def note_many(thread: int) -> None:
        for number in range(MOST_REMEMBERED):
            absent.note(thread, f"o{number}/.github", now=200.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note_many, range(8)))
    known = sum(absent.knows(t, f"o{n}/.github", now=201.0) for t in range(8) for n in range(MOST_REMEMBERED))
    assert known == MOST_REMEMBERED
    assert not absent.knows(1, "octo/.github", now=101.0), "the oldest are forgotten"
