"""The shipped sample, claim by claim: each ends as it must, with at most two calls, and two more for a fix."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reviewer.domain.demonstrations import FixGate
from reviewer.domain.findings import Category
from reviewer.llm.messages import Task
from reviewer.output.json import to_json
from reviewer.sandbox.api import SandboxRunner
from reviewer.sandbox.sandbox import find_sandbox
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.demonstrations import go_claims, other_claims, python_claims, typescript_claims
from tests.samples.demonstrations.claims import DEMONSTRATED, REFUTED, SampleClaim, TriedClaim, try_claim, try_in
from tests.samples.languages import Sample as LanguageSample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Installed = Callable[[LanguageSample], "Path | None"]


#: Of each language a true claim with a right fix, one with a wrong fix, and a false claim are run in the real sandbox.
#: The others run the same commands without it, which is cheaper; those of other languages all run in it.
CONFINED = {
    *("a right suggestion", "two wrong fixes", "a crash that cannot happen"),
    *("go: a right suggestion", "go: a suggestion that breaks a test", "go: a crash that cannot happen"),
    "typescript: an exception that the claim names",
    "typescript: two numbers compared rightly",
}


def runner_of(sample: SampleClaim) -> SandboxRunner:
    """Return what runs the tests of a claim."""
    return find_sandbox() if sample.name in CONFINED else run_in_tree


def test_every_language_is_run_in_the_sandbox() -> None:
    """True and false claims, right and wrong fixes: none of the names is out of date."""
    claims = [*python_claims.CLAIMS, *go_claims.CLAIMS, *typescript_claims.CLAIMS]
    confined = [sample for sample in claims if sample.name in CONFINED]
    assert {sample.name for sample in confined} == CONFINED
    for part in (python_claims.CLAIMS, go_claims.CLAIMS, typescript_claims.CLAIMS):
        mine = [sample for sample in confined if sample in part]
        assert {sample.ends for sample in mine} == {DEMONSTRATED, REFUTED}
        assert any(sample.fix == "button" for sample in mine)
        assert any(len(sample.fixes) > 1 or (sample.fixes and sample.suggestion) for sample in mine)


def check(sample: SampleClaim, tried: TriedClaim) -> None:
    """Hold what became of a claim against what the sample says."""
    assert tried.ending == sample.ends, tried.finding.evidence if tried.finding else tried.review.rejected
    assert tried.fix == sample.fix, tried.finding and tried.finding.evidence
    assert not tried.model.left()
    assert sum(prompt.task is not Task.FIX for prompt in tried.model.prompts) <= 2
    assert len(tried.model.prompts) <= 2 + min(2, len(sample.fixes))
    if tried.finding and tried.finding.evidence:
        assert tried.finding.evidence.calls == len(tried.model.prompts)


@pytest.mark.parametrize("sample", python_claims.CLAIMS, ids=lambda sample: sample.name)
def test_each_python_claim_ends_as_it_must(sample: SampleClaim, tmp_path: Path) -> None:
    """True ones that can run are demonstrated, false ones never; each stop is at its gate."""
    if sample.name == "overwrites an existing test":
        sample = replace(sample, test_path="tests/test_shop.py")
    sample.project.write(tmp_path)
    tried = try_in(sample, tmp_path, runner_of(sample))
    check(sample, tried)
    evidence = tried.finding.evidence if tried.finding else None
    if sample.ends == DEMONSTRATED and evidence and evidence.demonstration:
        assert evidence.demonstration.worked_before is sample.worked_before
        assert evidence.demonstration.runs == 3
    if evidence and evidence.fix:
        assert evidence.fix.line == "fixes it; 6 tests still pass"  # counted in the sample's only test file


@pytest.mark.skipif(shutil.which("go") is None, reason="this machine has no go")
@pytest.mark.parametrize("sample", go_claims.CLAIMS, ids=lambda sample: sample.name)
def test_each_go_claim_ends_as_it_must(sample: SampleClaim, tmp_path: Path) -> None:
    """The same for Go, with coverage by its own tool."""
    sample.project.write(tmp_path)
    check(sample, try_in(sample, tmp_path, runner_of(sample)))


@pytest.fixture(scope="module")
def vitest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install vitest once. Skips where npm does not answer."""
    folder = tmp_path_factory.mktemp("vitest")
    if shutil.which("npm") is None:
        pytest.skip("this machine has no npm")
    words = ["npm", "install", "--no-save", "--no-fund", "--no-audit", "--ignore-scripts", "--silent", "vitest@2"]
    (folder / "package.json").write_text("{}")
    if subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=240).returncode:
        pytest.skip("npm did not answer")
    return folder / "node_modules"


@pytest.mark.parametrize("sample", typescript_claims.CLAIMS, ids=lambda sample: sample.name)
def test_each_typescript_claim_ends_as_it_must(sample: SampleClaim, vitest: Path, tmp_path: Path) -> None:
    """The same for TypeScript; nothing is measured here, which the evidence says."""
    sample.project.write(tmp_path)
    for version in ("head", "base"):
        place = tmp_path / version / "node_modules"
        if sample.name in CONFINED:  # the sandbox shows nothing outside of the checkout
            shutil.copytree(vitest, place, symlinks=True, copy_function=os.link)
        else:
            place.symlink_to(vitest)
    tried = try_in(sample, tmp_path, runner_of(sample))
    check(sample, tried)
    evidence = tried.finding.evidence if tried.finding else None
    if evidence and evidence.demonstration:
        assert evidence.demonstration.note == "coverage is not measured here"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return what installs the packages of a language, once, and returns their folder; None where it needs none."""
    folders: dict[str, Path | None] = {}

    def install(language: LanguageSample) -> Path | None:
        if language.name in folders:
            return folders[language.name]
        folder = tmp_path_factory.mktemp(language.name)
        (folder / "package.json").write_text("{}")
        if reason := language.install(folder):
            pytest.skip(reason)
        folders[language.name] = folder / "node_modules" if (folder / "node_modules").is_dir() else None
        return folders[language.name]

    return install


@pytest.mark.parametrize(("language", "sample"), other_claims.CLAIMS, ids=lambda it: it.name)
def test_each_claim_in_another_language_ends_as_it_must(
    language: LanguageSample, sample: SampleClaim, installed: Installed, tmp_path: Path
) -> None:
    """The same for Ruby, Rust, Java and jest, in the sandbox; the model is told which gate refused a wrong fix."""
    if reason := language.lacks():
        pytest.skip(reason)
    packages = installed(language)
    sample.project.write(tmp_path)
    if packages is not None:
        for version in ("head", "base"):
            shutil.copytree(packages, tmp_path / version / "node_modules", symlinks=True, copy_function=os.link)
    tried = try_in(sample, tmp_path, find_sandbox())
    check(sample, tried)
    evidence = tried.finding.evidence if tried.finding else None
    if evidence and evidence.demonstration and evidence.fix:
        assert evidence.demonstration.note == ("" if language.covered else "coverage is not measured here")
        assert evidence.fix.line == "fixes it; 1 test still passes"
        assert f"Gate: {FixGate.MENDS}. " in tried.model.prompts[-1].messages[-1].content


SIMPLER = replace(
    python_claims.TRUE[0], name="simpler", path="shop/limits.py", category=Category.REFACTORING,
    quote='    if weight <= 1000:\n        return "light"\n    return "heavy" if weight <= 5000 else "freight"',
    claim="The classes can be written as one expression\nIt is shorter.", tests=(), verdict="", fix="", ends="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("suggestion", "gate"),
    [
        ('    return "light" if weight <= 1000 else "heavy" if weight <= 5000 else "freight"', None),
        ('    return "light" if weight <= 1000 else "heavy"', FixGate.KEEPS),
        ('    return light(weight)\n\n\ndef light(weight):\n    return "freight"', FixGate.OUTLINE),
    ],
)
def test_a_simplification_is_shown_only_if_tests_hold(suggestion: str, gate: FixGate | None, tmp_path: Path) -> None:
    """One that breaks a test or changes the public names is dropped, and counted with its gate."""
    tried = try_claim(replace(SIMPLER, suggestion=suggestion), tmp_path, only_suggestions=True)
    if gate is None:
        assert tried.finding is not None
        assert tried.finding.suggestion == suggestion
        assert tried.finding.evidence is not None
        assert tried.finding.evidence.suggestion == "6 tests still pass with it"
    else:
        assert tried.finding is None
        assert [item.reason for item in tried.review.rejected] == [f"refactoring stopped at: {gate}"]
    assert not tried.model.prompts


def test_a_suite_that_is_red_before_is_counted_without_its_failures(tmp_path: Path) -> None:
    """Tests that fail already neither stop a fix nor count; the evidence says how many there are."""
    sample = python_claims.TRUE[0]
    red = "def test_red():\n    assert 1 == 2\n\n\ndef test_green():\n    assert 1 == 1\n"
    project = replace(sample.project, head={**sample.project.head, "tests/test_red.py": red})
    tried = try_claim(replace(sample, project=project), tmp_path)
    assert tried.finding is not None
    assert tried.finding.evidence is not None
    assert tried.finding.evidence.fix is not None
    assert tried.finding.evidence.fix.line == "fixes it; 7 tests still pass (1 failed before and is not counted)"


def test_a_suggestion_that_holds_leaves_two_calls(tmp_path: Path) -> None:
    """An ordinary finding costs its test and the verdict on it; the evidence in JSON says so."""
    tried = try_claim(python_claims.TRUE[0], tmp_path)
    assert [prompt.task for prompt in tried.model.prompts] == [Task.PROVE, Task.VERIFY]
    assert tried.fix == "button"
    assert json.loads(to_json(tried.review))["findings"][0]["evidence"]["calls"] == 2


def test_what_has_to_be_repaired_takes_two_calls_more_at_most(tmp_path: Path) -> None:
    """Answers that cannot be read and fixes that do not hold share them, so a finding never costs more than four."""
    sample = replace(
        python_claims.TRUE[0], suggestion=None, tests=["", *python_claims.TRUE[0].tests], fixes=[[], [], []]
    )
    tried = try_claim(sample, tmp_path)
    assert [prompt.task for prompt in tried.model.prompts] == [Task.PROVE, Task.PROVE, Task.VERIFY, Task.FIX]
    assert tried.ending == DEMONSTRATED
    assert tried.fix == FixGate.OFFERED
    assert tried.finding is not None
    assert tried.finding.evidence is not None
    assert tried.finding.evidence.calls == 4
    assert len(tried.model.fixes) == 2


def test_what_cannot_be_run_in_time_is_not_claimed(tmp_path: Path) -> None:
    """Without time nothing is asked, nothing is run, and a note says so."""
    sample = python_claims.TRUE[0]
    tried = try_claim(replace(sample, tests=(), verdict=""), tmp_path, seconds=0.0)
    assert tried.ending == "time and money are left"
    assert not tried.model.prompts
    assert any("ran out" in note for note in tried.review.notes)
