"""Suggested tests of JavaScript, really run by node in the sandbox: each candidate ends at its gate."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from reviewer.testgen.evidence import Gate, GeneratedTests, NotRun
from reviewer.testgen.session import CheckoutToTest, proven_tests
from tests.samples.project_python import project_python

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no node"),
    pytest.mark.timeout(240),
]

BASE = "export function total(items) {\n  return items.reduce((sum, one) => sum + one, 0);\n}\n"
ADDED = """
export function fee(amount, days) {
  if (days <= 14) {
    return 0;
  }
  return amount * 2 + days - 14;
}
"""
OLD_TEST = """import test from "node:test";
import assert from "node:assert/strict";
import { total } from "../src/price.js";

test("adds", () => assert.equal(total([1, 2]), 3));
"""
HEAD = (
    'import test from "node:test";\nimport assert from "node:assert/strict";\nimport { fee } from "../src/price.js";\n'
)
STRONG = f"""{HEAD}
test("two weeks are free", () => {{
  assert.equal(fee(100, 14), 0);
  assert.equal(fee(100, 0), 0);
}});
test("later it costs", () => assert.equal(fee(100, 15), 201));
test("by the day", () => assert.equal(fee(10, 20), 26));
"""
WEAK = f'{HEAD}\ntest("gives a number", () => assert.equal(typeof fee(100, 30), "number"));\n'
RED = f'{HEAD}\ntest("wrong", () => assert.equal(fee(100, 15), 1));\n'
SKIPPED = f'{HEAD}\ntest.skip("later", () => assert.equal(fee(100, 14), 0));\n'
SILENT = f'{HEAD}\ntest("nothing", () => {{ fee(1, 1); }});\n'.replace('import assert from "node:assert/strict";\n', "")
ESCAPES = f"""import fs from "node:fs";
{HEAD}
test("writes", () => {{
  fs.writeFileSync("src/price.js", "");
  assert.equal(fee(100, 14), 0);
}});
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Make a repository with a change on top of its first commit."""
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    (folder / "test").mkdir()
    (folder / "package.json").write_text('{"type": "module", "scripts": {"test": "node --test"}}')
    (folder / "src" / "price.js").write_text(BASE)
    (folder / "test" / "total.test.js").write_text(OLD_TEST)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Begin")
    (folder / "src" / "price.js").write_text(BASE + ADDED)
    return folder


def _git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True).stdout


def _answer(prompt: Prompt, tests: str) -> str:
    """Answer as a model that repairs nothing, calls what fails too much, and what passes promised."""
    if prompt.task is not Task.VERIFY:
        return "NONE" if len(prompt.messages) > 2 else tests
    asked = prompt.messages[-1].content.partition("# Task: verify")[2]
    word = "confirmed" if asked.startswith(" (expectations)") else "refuted"
    ids = range(1, asked.count("\n## Claim ") + 1)
    return json.dumps({"verdicts": [{"id": n, "verdict": word, "reason": "The title says so."} for n in ids]})


def proven(clone: Path, *tests: tuple[str, str]) -> GeneratedTests | NotRun:
    change = Change(parse_diff(_git(clone, "diff")), title="Charge for late returns")
    text = "\n".join(f'<test path="{path}" covers="src/price.js:5-10">\n{code}\n</test>' for path, code in tests)
    base = _git(clone, "rev-parse", "HEAD").decode().strip()

    def ask(prompts):
        return [Reply(_answer(prompt, text), attempts=(Attempt("MiniMax-M2.1", "ok", 10, 10),)) for prompt in prompts]

    answering: Ask = ask
    return proven_tests(change, Settings(), CheckoutToTest(clone, base, project_python()), answering, salt=b"s")


def test_a_good_test_is_kept_and_bad_ones_stop_at_their_gate(clone: Path) -> None:
    """The strong one carries its evidence; weak, red, skipping, silent and escaping ones are stopped, each by name."""
    outcome = proven(
        clone,
        ("test/fee.test.js", STRONG),
        ("test/weak.test.js", WEAK),
        ("test/red.test.js", RED),
        ("test/skipped.test.js", SKIPPED),
        ("test/writes.test.js", ESCAPES),
    )
    assert isinstance(outcome, GeneratedTests), outcome
    assert [test.path for test in outcome.tests] == ["test/fee.test.js"], outcome.dropped
    assert "11 of 11 runs; covers 3 of 3" in outcome.tests[0].evidence
    assert "8 of 8 mutants of the changed lines, 8 of which no test noticed before" in outcome.tests[0].evidence
    assert [test.path for test in outcome.left_out] == ["test/fee.test.js::by the day"]
    assert "mutants" in outcome.tests[0].evidence
    assert {one.path: one.stopped.gate for one in outcome.dropped} == {
        "test/weak.test.js": Gate.KILLS,
        "test/red.test.js": Gate.PASSES,
        "test/skipped.test.js": Gate.SMELLS,
        "test/writes.test.js": Gate.PASSES,
    }
    assert (clone / "src" / "price.js").read_text() == BASE + ADDED
    assert not (clone / "test" / "fee.test.js").exists()


CLIP = """
export function clip(n, low, high) {
  if (low > high) {
    throw new RangeError("bounds");
  }
  if (n < low) {
    return low;
  }
  return n > high ? high : n;
}
"""
CLIPPED = """import test from "node:test";
import assert from "node:assert/strict";
import { clip } from "../src/price.js";

test("below", () => assert.equal(clip(1, 2, 4), 2));
test("above", () => assert.equal(clip(9, 2, 4), 4));
test("between", () => assert.equal(clip(3, 2, 4), 3));
test("no bounds", () => assert.throws(() => clip(3, 4, 2), RangeError));
"""


def test_boundaries_that_mean_the_same_condemn_no_good_test(clone: Path) -> None:
    """`n < low` and `n <= low` return the same here: a test of every branch is kept, one of a single branch is not."""
    (clone / "src" / "price.js").write_text(BASE + CLIP)
    narrow = "\n".join(CLIPPED.split("\n")[:5])
    outcome = proven(clone, ("test/clip.test.js", CLIPPED), ("test/narrow.test.js", narrow))
    assert isinstance(outcome, GeneratedTests), outcome
    assert [test.path for test in outcome.tests] == ["test/clip.test.js"], outcome.dropped
    assert [one.stopped.gate for one in outcome.dropped] == [Gate.KILLS]


def test_what_cannot_be_a_test_is_not_run(clone: Path) -> None:
    """One that asserts nothing, stands outside of the tests, or replaces a file is refused before it runs."""
    outcome = proven(clone, ("test/silent.test.js", SILENT), ("src/fee.js", STRONG), ("test/total.test.js", STRONG))
    assert isinstance(outcome, GeneratedTests)
    gates = {one.path: one.stopped.gate for one in outcome.dropped}
    assert gates == {
        "test/silent.test.js": Gate.SMELLS, "src/fee.js": Gate.POLICY, "test/total.test.js": Gate.POLICY,
    }  # fmt: skip


def test_a_red_suite_is_said_and_nothing_claimed(clone: Path) -> None:
    """Where the repository's own tests fail, nothing is claimed of others."""
    (clone / "test" / "total.test.js").write_text(OLD_TEST.replace("3", "4"))
    outcome = proven(clone, ("test/fee.test.js", STRONG))
    assert isinstance(outcome, NotRun)
    assert "own tests do not pass here (node:test): `test/total.test.js` is left out" in outcome.reason


def test_no_known_runner_is_said(clone: Path) -> None:
    """A project whose runner is not known is told which are."""
    (clone / "package.json").unlink()
    outcome = proven(clone, ("test/fee.test.js", STRONG))
    assert isinstance(outcome, NotRun)
    assert "no test runner is known" in outcome.reason


def test_a_change_in_two_languages(clone: Path) -> None:
    """Where Python has nothing to test, that is said beside what the other language has proven."""
    (clone / "tool.py").write_text("LIMIT = 14\n")
    _git(clone, "add", "-N", "tool.py")
    outcome = proven(clone, ("test/fee.test.js", STRONG))
    assert isinstance(outcome, GeneratedTests), outcome
    assert [test.path for test in outcome.tests] == ["test/fee.test.js"]
    assert "The change touches no Python function" in outcome.notes[0]
