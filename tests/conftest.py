"""Fixtures of tests in several folders. A module that needs more of one of them makes its own out of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from tests.attacks.fields import AttackTests
from tests.fakes.github import World, default_world
from tests.fakes.model import FakeModel
from tests.fixtures import postgres
from tests.fixtures.fast_tests import FastTests

#: A Postgres database to run on instead of our own server; it is filled with tables.
TEST_POSTGRES = os.environ.get("REVIEWER_TEST_POSTGRES", "")

#: Modules that take minutes, one for each worker of `make test`.
LONGEST = (
    "tests/reviewer/testgen/test_sample_units.py",
    "tests/reviewer/testgen/languages/test_generate.py",
    "tests/reviewer/demonstration/test_sample.py",
    "tests/attacks/test_linear_time.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Divide the tests into fast and slow ones, and find the attacks among them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # In the background of a script Ctrl-C is ignored, and by all that a test starts and interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    fast_tests = FastTests()
    fast_tests.watch()
    config.pluginmanager.register(fast_tests)
    config.pluginmanager.register(AttackTests())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker begin with one of the longest modules, so that none waits for another's at the end.

    A worker begins with an equal part of the tests, in their order, and takes tests of others when it has none left.
    """
    modules = {name: [item for item in items if item.nodeid.startswith(f"{name}::")] for name in LONGEST}
    others = iter([item for item in items if item.nodeid.partition("::")[0] not in modules])
    total, ordered = len(items), list[pytest.Item]()
    for number, module in enumerate(modules.values()):
        ordered += islice(others, max(0, number * total // len(modules) - len(ordered)))
        ordered += module
    items[:] = [*ordered, *others]


@pytest.fixture
def github() -> Iterator[World]:
    """Serve a world with one open pull request, `opened`; at the end nothing unexpected may stand in it."""
    with default_world() as world:
        yield world


@pytest.fixture
def model() -> Iterator[FakeModel]:
    """Serve a model with nothing scripted; at the end no scripted reply may be left."""
    with FakeModel() as double:
        yield double


@pytest.fixture(scope="session")
def fresh_postgres() -> Iterator[Callable[[], str]]:
    """Return a function that makes a Postgres database and returns its URL; the server runs until the last test."""
    if TEST_POSTGRES:
        yield lambda: TEST_POSTGRES
        return
    serving = postgres.serving()
    try:
        server = serving.__enter__()
    except postgres.NoPostgres as error:
        pytest.skip(f"no Postgres can be started: {error}")
    try:
        yield server.fresh
    finally:
        serving.__exit__(None, None, None)
