"""Where none of a repository's own tests can run, no fix could pass: none is asked for, and the evidence says why."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reviewer.demonstration.projects.python_suite import PythonSuite
from reviewer.demonstration.runs import SuiteRun
from reviewer.domain.demonstrations import FixDemonstration, FixGate, StoppedDemonstration
from reviewer.llm.messages import Task
from reviewer.output.evidence import evidence_words
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.python.test_command import plan_for
from reviewer.testgen.working_tree import python_files
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.demonstrations import other_claims, python_claims
from tests.samples.demonstrations.claims import DEMONSTRATED, SampleClaim, SampleProject, TriedClaim, try_claim
from tests.samples.project_python import project_python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DATABASE = """import pytest


@pytest.fixture
def orders():
    raise ConnectionRefusedError("no database at db:5432")


@pytest.mark.parametrize("number", [1, 2])
def test_orders(orders, number):
    assert orders[number]
"""
CONNECTS = """import unittest


class TestOrders(unittest.TestCase):
    def test_orders(self):
        raise ConnectionRefusedError("no database at db:5432")
"""
NODE = SampleProject(
    "node:test",
    base={
        "package.json": '{"scripts": {"test": "node --test"}}',
        "src/price.js": other_claims.JS,
        "test/total.test.js": 'require("a-package-that-is-not-installed");\n',
    },
    head={"src/price.js": other_claims.JS + other_claims.JS_ADDED},
)
NODE_TEST = """const test = require("node:test");
const assert = require("node:assert");
const { fee } = require("../src/price.js");

test("free", () => assert.equal(fee(14), 0));
"""
NODE_CLAIM = SampleClaim(
    "node", NODE, "src/price.js", "  if (days < 14) return 0;", other_claims.FEE_CLAIM, (NODE_TEST,), DEMONSTRATED,
    "test/claim.test.js", verdict="confirmed",
)  # fmt: skip


def with_tests(code: str) -> SampleClaim:
    """Return a true claim in a project whose only tests are these."""
    sample = python_claims.TRUE[0]
    return replace(sample, project=replace(sample.project, base={**sample.project.base, "tests/test_shop.py": code}))


def stopped(tried: TriedClaim) -> str:
    """Check that the claim is shown by a test and that no fix was asked for; return what is told about the fix."""
    assert tried.ending == DEMONSTRATED
    assert [prompt.task for prompt in tried.model.prompts] == [Task.PROVE, Task.VERIFY]
    assert tried.fix == FixGate.RUNNABLE
    assert tried.finding is not None
    assert tried.finding.evidence is not None
    assert tried.finding.evidence.calls == 2
    return evidence_words(tried.finding).fix


def test_nothing_is_asked_where_no_python_test_can_run(tmp_path: Path) -> None:
    """The gate of the own tests could never be passed. A suggestion costs no call: it is run with the failing test."""
    wrong = "    return sum(values) / (len(values) + 0)"
    tried = try_claim(replace(with_tests(DATABASE), suggestion=wrong), tmp_path)
    assert stopped(tried) == (
        f"No fix is demonstrated ({FixGate.RUNNABLE}): The repository's own tests cannot be run: "
        "ConnectionRefusedError: no database at db:5432. No fix was asked for."
    )
    assert tried.finding is not None
    assert (tried.finding.suggestion, tried.finding.advice) == (None, wrong)


@pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no node")
def test_nothing_is_asked_where_no_test_of_another_language_can_run(tmp_path: Path) -> None:
    """The same where each file needs a package that is not installed."""
    told = stopped(try_claim(NODE_CLAIM, tmp_path))
    assert "The repository's own tests cannot be run: test/total.test.js: " in told


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import a_driver_that_is_not_here\n", "ModuleNotFoundError: No module named 'a_driver_that_is_not_here'"),
        (CONNECTS, "ConnectionRefusedError: no database at db:5432"),
        ("def test_red():\n    assert 1 == 2\n", None),
        ("import pytest\n\n\n@pytest.mark.skip\ndef test_no_database():\n    assert True\n", None),
    ],
    ids=["import error", "database", "red by an assertion", "skipped"],
)
def test_a_suite_can_be_run_if_a_test_gets_to_its_assertion(code: str, why: str | None, tmp_path: Path) -> None:
    """Tests that are red or skipped do run; those that cannot be imported or set up do not."""
    sample = with_tests(code)
    sample.project.write(tmp_path)
    head = tmp_path / "head"
    plan = plan_for(head, python_files(head), sample.path, sample.project.command)
    assert not isinstance(plan, NotRun)
    client = HarnessClient(run_in_tree, head, head, project_python(), plan)
    suite = PythonSuite(client, (sample.path,), ("tests/test_shop.py",), lambda: 60.0).at_head()
    if why is None:
        assert isinstance(suite, SuiteRun)
        assert suite.count == 0
    else:
        assert suite == StoppedDemonstration(FixGate.RUNNABLE, f"The repository's own tests cannot be run: {why}")


def test_a_fix_beside_red_tests_alone_does_not_say_that_nothing_was_run() -> None:
    """They were run, and none of them counts."""
    limit = "1 failed before and is not counted"
    assert FixDemonstration((), "", 0, limit=limit).line == f"fixes it; no other test counts ({limit})"
    assert FixDemonstration((), "", 0).line == "fixes it; no other test was run"
