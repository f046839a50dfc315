"""Code beside a pull request over GitHub's API: few calls, nothing twice, and no failure that ends a review."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reviewer.diff.model import Side
from tests.fakes.github import World, default_world, faults
from tests.fakes.github.model.git import Entry
from tests.fixtures.scenarios import DELETE, carry_out, model
from webhooks.github.credentials import Credentials
from webhooks.github.repository import connect
from webhooks.github.sources import BATCH, MAX_CALLS, RemoteSources

CALLER = "from cart import Cart\n\n\ndef empty(cart: Cart) -> None:\n    cart.remove('all')\n"


@pytest.fixture
def github() -> Iterator[World]:
    """Give a world with one open pull request, whose base has a caller, a link and a great many files."""
    with default_world(strict=False) as world:
        many = {f"src/many/m{n:04}.py": f"def rate_{n}():\n    return {n}\n" for n in range(BATCH * 20)}
        link = {"src/link.py": Entry("../outside.py", "120000")}
        world.push_to_base(world.repo, {"src/empty.py": CALLER, **link, **many})
        world.repo.commit({"src/new.py": "def new():\n    return rate_7()\n"}, "Add", branch="feature")
        world.opened = world.open_pull(world.repo, "feature", title="Add")
        yield world


def sources_of(github: World) -> RemoteSources:
    """Return the sources of the pull request, read as the App."""
    pull = github.opened.payload["pull_request"]
    credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
    installation = github.opened.payload["installation"]["id"]
    repository = connect(credentials, github.repo.full_name, installation)
    return RemoteSources(repository, pull["head"]["sha"], pull["base"]["sha"])


def made(github: World, before: int) -> list[str]:
    return [call.path for call in github.calls[before:] if "access_tokens" not in call.path]


def test_files_are_listed_once_and_read_by_the_dozen(github: World) -> None:
    """One listing, one request for many files, none for those that are known; links are no files."""
    sources = sources_of(github)
    before = len(github.calls)
    assert "src/empty.py" in sources.paths()
    assert "src/link.py" not in sources.paths()
    wanted = ["src/empty.py", "src/many/m0001.py", "src/link.py", "../x", "nowhere.py"]
    assert sources.read(wanted) == {"src/empty.py": CALLER, "src/many/m0001.py": "def rate_1():\n    return 1\n"}
    sources.read(wanted)
    sources.paths()
    assert len(made(github, before)) == 2


def test_the_base_is_another_version(github: World) -> None:
    """What the head adds is not at the base."""
    sources = sources_of(github)
    assert list(sources.read(["src/new.py"])) == ["src/new.py"]
    assert sources.read(["src/new.py"], Side.LEFT) == {}
    assert sources.read(["src/empty.py"], Side.LEFT) == {"src/empty.py": CALLER}


def test_the_budget_of_calls_holds(github: World) -> None:
    """A search among a thousand files stops before the budget, which leaves calls for what is read after it."""
    github.fault("GET /tarball/", faults.server_error(500), times=4)
    sources = sources_of(github)
    before = len(github.calls)
    hits = sources.search(["remove", "rate_7"], ["src/empty.py", *sorted(sources.paths())])
    assert ("src/empty.py", 5) in [(hit.path, hit.line) for hit in hits]
    used = len(made(github, before))
    assert used < MAX_CALLS
    for n in range(0, 1000, BATCH):
        sources.read([f"src/many/m{number:04}.py" for number in range(n, n + BATCH)])
    assert used < len(made(github, before)) <= MAX_CALLS


@pytest.mark.parametrize("request_", ["GET /git/trees/", "POST /graphql"])
def test_a_failure_costs_the_context_only(github: World, request_: str) -> None:
    """Where GitHub does not answer, nothing is read and nothing is raised."""
    github.fault(request_, faults.server_error(500), times=4)
    sources = sources_of(github)
    assert sources.read(["src/empty.py"]) == {}


def test_a_review_sees_the_callers(github: World) -> None:
    """The prompt of a pull request holds code of a file that it does not change."""
    prompts = []
    ask = model(DELETE)

    def asked(batch):
        prompts.extend(batch)
        return ask(batch)

    before = len(github.calls)
    carry_out(github, github.opened, asked)
    assert any("src/many/m0007.py (defines rate_7" in prompt.messages[1].content for prompt in prompts)
    assert len(made(github, before)) <= 30
