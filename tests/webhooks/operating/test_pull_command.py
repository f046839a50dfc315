"""`reviewer pr`: a pull request by its number or address, printed or posted, and where the token goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import app
from reviewer.errors import UsageError
from tests.fakes.github import World
from tests.fakes.model import FakeModel
from tests.fixtures.git_repo import Repo
from tests.fixtures.scenarios import DEFAULT, DELETE, TEST
from webhooks.operating.pull_command import PullPlace, pull_place, repository_of_remote

pytestmark = pytest.mark.slow

Command = Callable[..., tuple[int, str, str]]


def find(model: FakeModel, *findings: dict[str, object]) -> None:
    model.script("findings", json.dumps({"summary": "Adds discount codes.", "findings": findings}))
    verdicts = [{"id": n, "verdict": "confirmed", "reason": "r"} for n in range(1, len(findings) + 1)]
    model.script("verify", json.dumps({"verdicts": verdicts}))


@pytest.fixture
def command(github: World, model: FakeModel, tmp_path: Path, monkeypatch, capsys) -> Command:
    """Run `reviewer pr` with a token that may write."""
    known = {
        "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url, "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": github.actions_token(github.repo), "HOME": str(tmp_path),
    }  # fmt: skip
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def run(*words: str, **changed: str) -> tuple[int, str, str]:
        for name, value in {**known, **changed}.items():
            monkeypatch.setenv(name, value)
        code = app.main(["pr", *words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_pull_request_is_printed(command: Command, github: World, model: FakeModel) -> None:
    """By number and repository: nothing is written to GitHub. The same again is free, also by its address."""
    find(model, DELETE, DEFAULT)
    code, shown, told = command(str(github.pull.number), "--repo", github.repo.full_name)
    assert code == 0, told
    assert "KeyError" in shown
    assert "src/cart.py:" in shown
    assert f"reading {github.repo.full_name}#{github.pull.number} from {github.url}" in told
    assert [call for call in github.calls if call.method != "GET" and "graphql" not in call.path] == []
    address = f"{github.url}/{github.repo.full_name}/pull/{github.pull.number}/files"
    code, again, _ = command(address, "--format", "json", "--fail-level", "error")
    assert (code, json.loads(again)["usage"]["calls"]) == (1, 0)


def test_pull_request_is_posted(command: Command, github: World, model: FakeModel) -> None:
    """As the App does: one review, one summary, one check run; the same command again posts nothing twice."""
    find(model, DELETE, DEFAULT)
    model.script("tests", TEST)
    code, shown, told = command(str(github.pull.number), "--repo", github.repo.full_name, "--post")
    assert code == 0, told
    review = github.expect_review(comments=2)
    github.expect_comment("tests/test_discounts.py")
    github.expect_check("neutral", name="reviewer")
    assert "KeyError" in shown
    assert "posted: http" in told
    assert str(review.id) in told
    command(str(github.pull.number), "--repo", github.repo.full_name, "--post")
    assert len(github.pull.reviews) == 1
    github.expect_check("neutral", name="reviewer")


def test_dry_run_sends_nothing_to_the_model(command: Command, github: World, model: FakeModel) -> None:
    """Files, tokens and dollars are shown; no key is needed."""
    code, shown, told = command(
        str(github.pull.number), "--repo", github.repo.full_name, "--dry-run", "--post", RUNAPI_KEY=""
    )
    assert (code, shown, model.calls) == (0, "", [])
    assert "src/cart.py: " in told


@pytest.mark.parametrize(
    ("words", "changed", "code", "says"),
    [
        (("99999", "--repo", "octo/shop"), {}, 3, "GitHub"),
        (("1", "--repo", "nonsense"), {}, 2, "give OWNER/NAME"),
        (("one",), {}, 2, "is not a pull request"),
        (("1234567890",), {}, 2, "is not a pull request"),
        (("https://evil.example/o/r/pull/1",), {}, 2, "is not the GitHub of GITHUB_API_URL"),
        (("1", "--repo", "o/r"), {"GITHUB_TOKEN": "", "GH_TOKEN": ""}, 2, "export GITHUB_TOKEN="),
        (("1", "--repo", "o/r"), {"GITHUB_TOKEN": "wrong"}, 3, "token"),
    ],
)
def test_what_cannot_be_read(
    command: Command, model: FakeModel, words: tuple[str, ...], changed: dict[str, str], code: int, says: str
) -> None:
    """Each says what to do; the model is not asked, and the token goes to no other host."""
    ended, _, told = command(*words, **changed)
    assert (ended, says in told) == (code, True), told
    assert model.calls == []


def test_repository_of_the_clone(tmp_path: Path, monkeypatch) -> None:
    """A number means the pull request of `upstream`, else of `origin`; another host does not count."""
    repo = Repo.create(tmp_path / "repo")
    monkeypatch.chdir(repo.path)
    with pytest.raises(UsageError, match="give --repo"):
        pull_place("3", None, "https://github.com")
    repo.git("remote", "add", "origin", "git@github.com:mona/shop.git")
    assert pull_place("#3", None, "https://github.com") == PullPlace("mona/shop", 3)
    repo.git("remote", "add", "upstream", "https://github.com/octo/shop")
    assert pull_place("3", None, "https://github.com") == PullPlace("octo/shop", 3)
    with pytest.raises(UsageError, match="No remote of this clone is a repository on"):
        pull_place("3", None, "https://github.example.com")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="Which repository"):
        pull_place("3", None, "https://github.com")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:o/r.git", "o/r"),
        ("github.com:o/r", "o/r"),
        ("https://github.com/o/r.git", "o/r"),
        ("https://user:secret@github.com/o/r/", "o/r"),
        ("ssh://git@ssh.github.com:443/o/r.git", "o/r"),
        ("https://github.com.evil.example/o/r", ""),
        ("git@evil.example:o/r", ""),
        ("/srv/git/o/r", ""),
        ("https://github.com/o/r/x", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_address_of_a_remote(url: str, name: str) -> None:
    """All forms that git takes."""
    assert repository_of_remote(url, "github.com") == name
