"""A claim of the sample, and how it is tried: a model that answers by script, tests that really run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reviewer.demonstration.request import DemonstrationLimits
from reviewer.demonstration.rounds import Rounds
from reviewer.demonstration.subject import DemonstrationSubject
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.settings import Settings, TestsSettings
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from reviewer.sandbox.api import SandboxCommand, SandboxResult, SandboxRunner
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.project_python import project_python
from tests.samples.stages import QUICK, diff_of

#: What a claim without a demonstration ends as, beside the gates.
DEMONSTRATED, REFUTED = "demonstrated", "refuted"


@dataclass(frozen=True, slots=True)
class SampleProject:
    """A project in two versions: its files at base, and those that the change adds or replaces."""

    name: str
    base: Mapping[str, str]
    head: Mapping[str, str]
    command: str | None = None

    def write(self, folder: Path) -> None:
        """Write both versions into the folder, as `base` and `head`."""
        for version, files in (("base", self.base), ("head", {**self.base, **self.head})):
            for name, text in files.items():
                place = folder / version / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class SampleClaim:
    """A claim about the lines that `quote` names, with the model's answers, and the ending that is right.

    `tests` are the answers to `prove`, `verdict` that to `verify`, `fixes` those to `fix`: pairs of quote and
    replacement, or whole edits. `ends` is `demonstrated`, `refuted` or the name of a gate. `fix` is `button`, `patch`,
    the name of a gate, or empty where there is no demonstration.
    """

    name: str
    project: SampleProject
    path: str
    quote: str
    claim: str
    tests: Sequence[str]
    ends: str
    test_path: str
    verdict: str = ""
    suggestion: str | None = None
    fixes: Sequence[Sequence[Mapping[str, str]]] = ()
    fix: str = ""
    worked_before: bool = False
    category: Category = Category.BUG


@dataclass(slots=True)
class ScriptedModel:
    """Answers the prompts about one claim, in order; each answer must be used."""

    sample: SampleClaim
    tests: list[str] = field(default_factory=list)
    fixes: list[Sequence[Mapping[str, str]]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tests, self.fixes = list(self.sample.tests), list(self.sample.fixes)
        self.verdicts = [self.sample.verdict] if self.sample.verdict else []

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        self.prompts += prompts
        attempts = (Attempt("MiniMax-M2.1", "ok", 100, 10),)
        return [Reply(self._answer(prompt), model="MiniMax-M2.1", attempts=attempts) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY:
            verdict = {"id": 1, "verdict": self.verdicts.pop(0), "reason": "the docstring promises it"}
            return json.dumps({"verdicts": [verdict]})
        if prompt.task is Task.FIX:
            edits = [{"path": self.sample.path, **edit} for edit in self.fixes.pop(0)]
            return json.dumps({"edits": edits})
        assert prompt.task is Task.PROVE, prompt.task
        code = self.tests.pop(0)
        return code if code == "NONE" else f'<test path="{self.sample.test_path}" covers="x">\n{code}</test>'

    def left(self) -> str:
        """Return what was scripted and not asked for."""
        return ", ".join(filter(None, ["a test" * bool(self.tests), "a fix" * bool(self.fixes), *self.verdicts]))


@dataclass(slots=True)
class CountedRuns:
    """Runs commands and keeps their results; without confinement where no sandbox is set, for code of our own."""

    execute: SandboxRunner = run_in_tree
    results: list[SandboxResult] = field(default_factory=list)
    commands: list[SandboxCommand] = field(default_factory=list)

    def __call__(self, command: SandboxCommand) -> SandboxResult:
        result = self.execute(command)
        self.commands.append(command)
        self.results.append(result)
        return result


@dataclass(frozen=True, slots=True)
class TriedClaim:
    """What became of a claim: the finding, if it is still shown, the review, and the calls and runs it took."""

    finding: Finding | None
    review: Review
    model: ScriptedModel
    runs: CountedRuns

    @property
    def ending(self) -> str:
        """Return `demonstrated`, `refuted` or the gate."""
        if self.finding is None:
            return REFUTED if any(item.reason == "refuted by running" for item in self.review.rejected) else "dropped"
        evidence = self.finding.evidence
        assert evidence is not None
        return DEMONSTRATED if evidence.demonstration else evidence.stopped.gate if evidence.stopped else "nothing"

    @property
    def fix(self) -> str:
        """Return `button`, `patch` or the gate."""
        evidence = self.finding.evidence if self.finding else None
        if evidence is None or evidence.demonstration is None:
            return ""
        if evidence.fix is not None:
            return "button" if evidence.fix.one_click else "patch"
        return evidence.fix_stopped.gate if evidence.fix_stopped else "nothing"


def finding_of(sample: SampleClaim, change: Change, head: str) -> Finding:
    """Return the finding of the sample, at the lines of its quote."""
    rows, quote = head.split("\n"), sample.quote.split("\n")
    start = next(at for at in range(len(rows)) if rows[at : at + len(quote)] == quote)
    anchor = change.diff.anchor(sample.path, start + len(quote), start + 1 if len(quote) > 1 else None)
    assert anchor is not None, sample.name
    title, _, body = sample.claim.partition("\n")
    return Finding(
        anchor, Severity.ERROR, sample.category, title, body, sample.quote, Confidence.HIGH, sample.name,
        suggestion=sample.suggestion,
    )  # fmt: skip


def try_claim(sample: SampleClaim, folder: Path, *, only_suggestions: bool = False, **limits: float) -> TriedClaim:
    """Stage the project of a claim in the folder, and demonstrate it with its script."""
    sample.project.write(folder)
    return try_in(sample, folder, run_in_tree, only_suggestions=only_suggestions, **limits)


def try_in(
    sample: SampleClaim,
    folder: Path,
    execute: SandboxRunner = run_in_tree,
    *,
    only_suggestions: bool = False,
    **limits: float,
) -> TriedClaim:
    """Demonstrate a claim whose project is staged in the folder, or run its suggestion alone."""
    change = Change(parse_diff(diff_of(folder / "base", folder / "head")), title="Grow the shop")
    head = (folder / "head" / sample.path).read_text(encoding="utf-8")
    finding = finding_of(sample, change, head)
    settings = Settings(tests=TestsSettings(command=sample.project.command))
    model, runs = ScriptedModel(sample), CountedRuns(execute)
    subject = DemonstrationSubject(
        change,
        settings,
        folder / "head",
        folder / "base",
        folder / "head",
        project_python(),
        Path.home(),
        runs,
        sandboxed=execute is not run_in_tree,
    )
    rounds = Rounds(subject, model, b"salt", replace(DemonstrationLimits(), **limits), lambda: 0.0)  # type: ignore[arg-type]
    review = rounds.run(Review("", findings=(finding,)), [] if only_suggestions else [finding])
    found = next((item for item in review.findings if item.fingerprint == sample.name), None)
    return TriedClaim(found, review, model, runs)


PYTHON_COMMAND = QUICK


def test_names(code: str) -> list[str]:
    """Return the names of the Python tests in a text."""
    return re.findall(r"^def (test_\w+)", code, re.MULTILINE)
