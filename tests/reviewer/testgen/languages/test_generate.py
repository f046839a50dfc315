"""Suggested tests of other languages, really run in the sandbox by each runner that this machine has."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.evidence import Gate, GeneratedTests, NotRun
from reviewer.testgen.languages.generate import StagedTrees, generate_language_tests
from reviewer.testgen.session import CheckoutToTest, proven_tests
from tests.samples.languages import CARGO, GO, MINITEST, SAMPLES, Sample
from tests.samples.project_python import project_python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

BILL = (Attempt("MiniMax-M2.1", "ok", 10, 10),)


def _git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True).stdout


def _clone(sample: Sample, root: Path, below: str = "") -> Path:
    """Make a repository with the sample, in a folder of it where one is named; its change is not committed."""
    if lacks := sample.lacks():
        pytest.skip(f"{sample.name}: {lacks}")
    folder = root / "shop"
    for path, text in sample.files.items():
        place = folder / below / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    if failed := sample.install(folder / below):
        pytest.skip(f"{sample.name}: its packages could not be installed: {failed}")
    (folder / ".gitignore").write_text("node_modules\ntarget\n")
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Begin")
    (folder / below / sample.source).write_text(sample.head)
    return folder


class Model:
    """Answers with these test files by path, with these repairs of them, and with that verdict on each failed demand.

    What kept tests expect is confirmed.
    """

    def __init__(
        self, covers: str, tests: Mapping[str, str], repairs: Mapping[str, str] = {}, verdict: str = "refuted"
    ) -> None:
        self.covers, self.tests, self.repairs, self.verdict = covers, tests, repairs, verdict
        self.asked: list[Prompt] = []

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        self.asked += prompts
        return [Reply(self._reply(prompt), attempts=BILL) for prompt in prompts]

    def _reply(self, prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY:
            asked = prompt.messages[-1].content.partition("# Task: verify")[2]
            word = "confirmed" if asked.startswith(" (expectations)") else self.verdict
            claims = range(1, asked.count("\n## Claim ") + 1)
            return json.dumps(
                {"verdicts": [{"id": n, "verdict": word, "reason": "The title says so."} for n in claims]}
            )
        if len(prompt.messages) == 2:
            return "\n".join(self._file(path, code) for path, code in self.tests.items())
        path = next(path for path in self.tests if f'path="{path}"' in prompt.messages[-2].content)
        return self._file(path, self.repairs[path]) if path in self.repairs else "NONE"

    def _file(self, path: str, code: str) -> str:
        return f'<test path="{path}" covers="{self.covers}">\n{code}\n</test>'


def _proven(folder: Path, model: Model) -> GeneratedTests | NotRun:
    change = Change(parse_diff(_git(folder, "diff")), title="Charge for late returns")
    checkout = CheckoutToTest(folder, _git(folder, "rev-parse", "HEAD").decode().strip(), project_python())
    return proven_tests(change, Settings(), checkout, model, salt=b"s")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_runner_proves_the_strong_and_stops_the_red(sample: Sample, tmp_path: Path) -> None:
    """The strong test is kept with its evidence; the red one is stopped, and its repair that only agrees refused.

    What was built before is used, and never speaks for code that is another by now.
    """
    folder = _clone(sample, tmp_path)
    if sample.build:
        subprocess.run(sample.build, cwd=folder, check=True, capture_output=True, timeout=200)
    red = sample.beside("red")
    tests = {sample.path: sample.strong, red: sample.named(sample.red, "red")}
    outcome = _proven(folder, Model(f"{sample.source}:1-2", tests, {red: sample.named(sample.strong, "red")}))
    assert isinstance(outcome, GeneratedTests), outcome
    kept = {test.path: test.evidence for test in outcome.tests}
    assert kept.keys() == {sample.path}, outcome.dropped
    assert re.match(r"(\d+) of \1 runs; ", kept[sample.path]), kept
    assert "mutants" in kept[sample.path]
    assert ("uncovered changed lines" if sample.covered else "coverage not measured") in kept[sample.path]
    assert {one.path: one.stopped.gate for one in outcome.dropped} == {red: Gate.COPIED}
    assert not (folder / sample.path).exists()


@pytest.mark.parametrize("sample", [one for one in SAMPLES if not one.slow], ids=lambda sample: sample.name)
def test_a_weak_one_is_told_why_and_repaired(sample: Sample, tmp_path: Path) -> None:
    """What kills too little goes back with the faults that it passes with; the repair is judged like any other."""
    folder = _clone(sample, tmp_path)
    model = Model(f"{sample.source}:1-2", {sample.path: sample.weak}, {sample.path: sample.strong})
    outcome = _proven(folder, model)
    assert isinstance(outcome, GeneratedTests), outcome
    assert [test.path for test in outcome.tests] == [sample.path], outcome.dropped
    told = [prompt for prompt in model.asked if prompt.task is Task.TESTS][-1].messages[-1].content
    assert Gate.KILLS in told
    assert "It passes with these faults" in told
    assert f"{sample.source}:" in told


@pytest.mark.parametrize("sample", [GO, MINITEST], ids=lambda sample: sample.name)
def test_a_failing_test_becomes_evidence_only_when_a_second_look_agrees(sample: Sample, tmp_path: Path) -> None:
    """A red test that is confirmed is a reproduction; one that is not confirmed is dropped."""
    folder = _clone(sample, tmp_path)
    for verdict, found in (("confirmed", [sample.path]), ("uncertain", [])):
        outcome = _proven(folder, Model(f"{sample.source}:1-99", {sample.path: sample.red}, verdict=verdict))
        assert isinstance(outcome, GeneratedTests), outcome
        assert [one.path for one in outcome.reproductions] == found
        assert len(outcome.dropped) == 1 - len(found)
        assert outcome.tests == ()


@pytest.mark.parametrize("sample", [CARGO, MINITEST], ids=lambda sample: sample.name)
def test_a_project_in_a_folder_of_the_repository(sample: Sample, tmp_path: Path) -> None:
    """In a monorepo the nearest project above the changed file is tested, and its tests stand in it."""
    below = "services/fees"
    folder = _clone(sample, tmp_path, below)
    tests = {f"{below}/{sample.path}": sample.strong, sample.beside("out"): sample.named(sample.strong, "out")}
    outcome = _proven(folder, Model(f"{below}/{sample.source}:1-2", tests))
    assert isinstance(outcome, GeneratedTests), outcome
    assert [test.path for test in outcome.tests] == [f"{below}/{sample.path}"], outcome.dropped
    assert [one.stopped.gate for one in outcome.dropped] == [Gate.POLICY]
    if sample.covered:
        assert "uncovered changed lines" in outcome.tests[0].evidence


def test_an_answer_that_ran_out_of_tokens_is_asked_for_in_halves(tmp_path: Path) -> None:
    """The tests of a part of two files are asked for file by file, then."""
    tree = tmp_path / "shop"
    tree.mkdir()
    (tree / "go.mod").write_text("module shop\n\ngo 1.19\n")
    _git(tree, "init", "-q", "-b", "main")
    for name in ("fee", "tax"):
        (tree / f"{name}.go").write_text(f"package shop\n\nfunc {name}(n int) int {{\n\treturn n\n}}\n")
    _git(tree, "add", "-A")
    change = Change(parse_diff(_git(tree, "diff", "--cached")), title="Grow")
    asked: list[Prompt] = []

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        asked.extend(prompts)
        whole = len(asked) == len(prompts)
        reply = Reply("", finish_reason="length", attempts=BILL) if whole else Reply("NONE", attempts=BILL)
        return [reply] * len(prompts)

    def execute(command: SandboxCommand) -> SandboxResult:
        raise AssertionError(command)

    places = StagedTrees(tree, None, tree, tmp_path)
    outcome = generate_language_tests(change, Settings(), places, ask, execute, salt=b"s")
    assert isinstance(outcome, GeneratedTests), outcome
    files = [re.findall(r"^### (\w+\.go) ", prompt.messages[1].content, re.MULTILINE) for prompt in asked]
    assert files == [["fee.go", "tax.go"], ["fee.go"], ["tax.go"]]
    assert all("It will be run with go" in prompt.messages[1].content for prompt in asked)
    assert outcome.notes == ("The change's project has no tests near it, so suggested tests were run alone.",)
