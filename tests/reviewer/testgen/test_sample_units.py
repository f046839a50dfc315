"""The shipped sample of units in three languages: nothing that certifies a defect is kept, everything good is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.testgen.evidence import GeneratedTests, GenerationBudget
from reviewer.testgen.languages.generate import StagedTrees, generate_language_tests
from reviewer.testgen.python.generate import generate_python_tests
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.languages import GO as GO_RUNNER
from tests.samples.languages import VITEST
from tests.samples.stages import QUICK, diff_of, staged
from tests.samples.units import UNITS, SampleUnit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

GREEN = "def test_green():\n    assert True\n"


class Answers:
    """A model that answers for each unit by its script; it knows the unit by what the prompt shows."""

    def __init__(self, units: Sequence[SampleUnit], names: dict[str, tuple[str, str]]) -> None:
        self.units = {unit.name: unit for unit in units}
        self.left = {unit.name: list(unit.answers) for unit in units}
        self.names = names  # the path of the test and what it covers, by unit; "" for Python: the prompt says it

    def __call__(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [Reply(self._answer(prompt)) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if prompt.task is Task.VERIFY:
            return self._verdicts(prompt)
        if len(prompt.messages) > 2:
            return self._repair(prompt)
        if not self.names:
            (unit,) = re.findall(r"`(\S+)`, imported as", prompt.messages[1].content)
            path = re.findall(r'<test path="([^"]+)" covers="[^"]+">\ncode', prompt.messages[1].content)[0]
            return self._file(unit, path, "x")
        return "\n".join(self._file(name, *place) for name, place in self.names.items())

    def _repair(self, prompt: Prompt) -> str:
        path = re.findall(r'<test path="([^"]+)"', prompt.messages[2].content)[0]
        name = next(name for name in sorted(self.left, key=len, reverse=True) if name in path)
        covers = self.names.get(name, ("", "x"))[1]
        return self._file(name, path, covers) if self.left[name] else "NONE"

    def _file(self, name: str, path: str, covers: str) -> str:
        return f'<test path="{path}" covers="{covers}">\n{self.left[name].pop(0)}</test>'

    def _verdicts(self, prompt: Prompt) -> str:
        text = prompt.messages[-1].content
        claimed = text.partition("# Task: verify")[2]
        unit = next(unit for unit in self.units.values() if any(self._mentions(claimed, unit)))
        words: Sequence[str] = [unit.verdict or "refuted"]
        if "(expectations)" in text:
            claims = claimed.count("\n## Claim ")
            words = [*unit.opinions, *["confirmed"] * claims][:claims]
        return json.dumps({"verdicts": [{"id": n, "verdict": word, "reason": "x"} for n, word in enumerate(words, 1)]})

    def _mentions(self, text: str, unit: SampleUnit) -> Sequence[bool]:
        imports = (f"import {unit.name}\n", f'/src/{unit.name}"', f"func Test{_camel(unit.name)}")
        return [words in text or words.lower() in text.lower() for words in imports]


def _camel(name: str) -> str:
    return name[:1].upper() + name[1:]


def judged(result: GeneratedTests, unit: SampleUnit) -> None:
    """Hold what came of a unit against what its script expects."""
    mine = [test for test in result.tests if unit.name in test.path]
    text = "".join(test.code for test in mine)
    stopped = [test for test in (*result.dropped, *result.left_out) if unit.name in test.path]
    assert all(word in text for word in unit.kept), stopped
    assert not any(word in text for word in unit.never)
    if unit.defect and not unit.opinions:
        assert not mine, mine
    assert set(unit.gates) <= {test.stopped.gate for test in stopped}, stopped
    shown = ["sure" if found.sure else "possible" for found in result.reproductions if unit.name in found.path]
    assert shown == ([unit.shown] if unit.shown else []), stopped
    assert all(unit.evidence in test.evidence for test in mine)


def test_half_of_the_units_have_a_planted_defect() -> None:
    """In three languages, and all together at least 24."""
    units = [unit for same in UNITS.values() for unit in same]
    assert len(units) >= 24
    assert 2 * sum(unit.defect for unit in units) == len(units)


def test_python(tmp_path: Path) -> None:
    """Tests are suggested for all units at once, and each unit ends as its script says."""
    units = UNITS["python"]
    head = {f"shop/{unit.name}.py": unit.source for unit in units} | {"tests/test_a.py": GREEN, "shop/__init__.py": ""}
    subject = staged(tmp_path, head, command=QUICK)
    budget = GenerationBudget(units=99, runs=2, seconds=1_400)
    result = generate_python_tests(subject, Answers(units, {}), run_in_tree, salt=b"s", budget=budget)
    assert isinstance(result, GeneratedTests), result
    for unit in units:
        judged(result, unit)


@pytest.mark.parametrize("language", ["typescript", "go"])
def test_other_languages(language: str, tmp_path: Path) -> None:
    """All units of the language in one project, with its real runner."""
    units = UNITS[language]
    sample = VITEST if language == "typescript" else GO_RUNNER
    if lacks := sample.lacks():
        pytest.skip(lacks)
    for version in ("base", "head"):
        (tmp_path / version).mkdir()
    files = (
        {"package.json": sample.files["package.json"]}
        if language == "typescript"
        else {"go.mod": "module shop\n\ngo 1.19\n"}
    )
    suffix, folder = (".ts", "src/") if language == "typescript" else (".go", "")
    tests = {unit.name: f"test/{unit.name}.test.ts" if suffix == ".ts" else f"{unit.name}_test.go" for unit in units}
    files |= {f"{folder}{unit.name}{suffix}": unit.source for unit in units}
    for path, text in files.items():
        (tmp_path / "head" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "head" / path).write_text(text)
    change = Change(parse_diff(diff_of(tmp_path / "base", tmp_path / "head")), title="Grow the shop")
    if failed := sample.install(tmp_path / "head"):
        pytest.skip(failed)
    lines = {unit.name: unit.source.count("\n") for unit in units}
    names = {unit.name: (tests[unit.name], f"{folder}{unit.name}{suffix}:1-{lines[unit.name]}") for unit in units}
    places = StagedTrees(tmp_path / "head", None, tmp_path / "head", Path.home())
    budget = GenerationBudget(seconds=1_400, runs=2)
    result = generate_language_tests(
        change, Settings(), places, Answers(units, names), run_in_tree, salt=b"s", budget=budget
    )
    assert isinstance(result, GeneratedTests), result
    for unit in units:
        judged(result, unit)
