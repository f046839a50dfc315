"""Packages behind links: a link within the checkout works in the sandbox, one that leaves it is named."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from reviewer.domain.settings import Settings
from reviewer.errors import NoSandbox
from reviewer.sandbox.sandbox import find_sandbox
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.languages.execution import ProjectRunner
from reviewer.testgen.languages.generate import StagedTrees, generate_language_tests
from reviewer.testgen.languages.linked_packages import linked_away
from reviewer.testgen.languages.test_runners import Project, project_of
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.interpreter import python_of
from reviewer.testgen.python.test_command import plan_for
from tests.samples.demonstrations.claims import SampleClaim, SampleProject, try_in
from tests.samples.stages import staged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PRICE = 'const { rate } = require("rates");\n\nexports.price = (amount) => amount * rate;\n'
TEST = """const test = require("node:test");
const assert = require("node:assert");
const { price } = require("../src/price.js");

test("price", () => assert.equal(price(2), 6));
"""
PACKAGE = '{"scripts": {"test": "node --test"}}'
FILES = {"web/package.json": PACKAGE, "web/src/price.js": PRICE, "web/test/a.test.js": TEST}


def install(folder: Path) -> None:
    """Put the package that the code requires into a folder."""
    (folder / "rates").mkdir(parents=True)
    (folder / "rates" / "index.js").write_text("exports.rate = 3;\n")


#: An installed Python, whatever environment runs these tests.
PYTHON = Path(sys.executable).resolve()


def project_in(tree: Path) -> Project:
    found = project_of(tree, "web/src/price.js")
    assert found is not None
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no node")
@pytest.mark.parametrize("target", ["../packages/node_modules", "{tree}/packages/node_modules"])
def test_a_link_within_the_checkout_works_in_the_sandbox(target: str, tmp_path: Path) -> None:
    """As in a workspace, whose packages are kept in one place: relative, or with the whole path of the checkout."""
    tree = staged(tmp_path, FILES).head
    install(tree / "packages" / "node_modules")
    (tree / "web" / "node_modules").symlink_to(target.format(tree=tree))
    assert linked_away(tree, tree, project_in(tree)) == ""
    runner = ProjectRunner(find_sandbox(), project_in(tree), tree, tree, Path.home())
    assert runner.run("web/test/a.test.js").is_green


@pytest.mark.parametrize("place", ["web/node_modules", "node_modules"])
def test_a_link_that_leaves_the_checkout_is_named(place: str, tmp_path: Path) -> None:
    """Also above the project, where node looks next: nothing is run or asked, and the reason says what to do."""
    (tmp_path / "work").mkdir()
    subject = staged(tmp_path / "work", FILES)
    tree = subject.head
    install(tmp_path / "elsewhere" / "node_modules")
    (tree / place).symlink_to(tmp_path / "elsewhere" / "node_modules")
    why = linked_away(tree, tree, project_in(tree))
    target = tmp_path / "elsewhere" / "node_modules"
    assert why.startswith(f"`{place}` is a link to `{target}`, outside the checkout")
    assert "Install the packages in the checkout itself." in why

    def never(*_: object) -> None:
        raise AssertionError

    places = StagedTrees(tree, None, tree, tmp_path)
    outcome = generate_language_tests(subject.change, Settings(), places, never, never, salt=b"s")  # type: ignore[arg-type]
    assert outcome == NotRun(f"Suggested tests were not run: {why}")


def test_a_finding_in_such_a_project_says_why_it_is_not_demonstrated(tmp_path: Path) -> None:
    """Before the model is asked for a test that could never run."""
    project = SampleProject("linked", base=FILES, head={"web/src/price.js": PRICE.replace("*", "+")})
    quote = "exports.price = (amount) => amount + rate;"
    sample = SampleClaim("linked", project, "web/src/price.js", quote, "It adds\nIt should not.", (), "can be run", "x")
    project.write(tmp_path / "work")
    install(tmp_path / "elsewhere")
    for version in ("head", "base"):
        (tmp_path / "work" / version / "node_modules").symlink_to(tmp_path / "elsewhere")
    tried = try_in(sample, tmp_path / "work", find_sandbox())
    assert tried.ending == sample.ends
    assert not tried.model.prompts
    assert tried.finding is not None
    assert tried.finding.evidence is not None
    assert tried.finding.evidence.stopped is not None
    assert f"`node_modules` is a link to `{tmp_path / 'elsewhere'}`" in tried.finding.evidence.stopped.reason


@pytest.mark.parametrize("inside", [True, False])
def test_a_linked_environment_of_python_works_within_the_checkout_only(*, inside: bool, tmp_path: Path) -> None:
    """One that is kept elsewhere in the checkout is used; another folder of the machine is named, not shown."""
    test = (
        "import unittest\n\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, 1)\n"
    )
    tree = staged(tmp_path, {"a.py": "A = 1\n", "tests/__init__.py": "", "tests/test_a.py": test}).head
    place = (tree if inside else tmp_path) / "environments" / "one"
    (place / "bin").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {PYTHON.parent}\n")
    (place / "bin" / "python").symlink_to(PYTHON)
    (tree / ".venv").symlink_to("environments/one" if inside else place)
    plan = plan_for(tree, ("a.py", "tests/test_a.py"), "a.py", "python -m unittest discover -s tests")
    assert not isinstance(plan, NotRun)
    python = python_of(tree, {})
    assert python == tree / ".venv" / "bin" / "python"
    client = HarnessClient(find_sandbox(), tree, tree, python, plan)
    if inside:
        assert [test.outcome for test in client.run(HarnessRun()).tests] == ["passed"]
        return
    with pytest.raises(NoSandbox, match=r"--python") as raised:
        client.run(HarnessRun())
    assert f"{tree / '.venv'} (a link to {place})" in str(raised.value)
