"""Generate tests for all sample units of a language in one project, with a model that answers by their scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.testgen.evidence import GeneratedTests, GenerationBudget, NotRun
from reviewer.testgen.languages.generate import StagedTrees, generate_language_tests
from reviewer.testgen.python.generate import generate_python_tests
from tests.fixtures.run_unconfined import run_in_tree
from tests.samples.languages import GO, VITEST, Sample
from tests.samples.stages import QUICK, diff_of, staged
from tests.samples.units import UNITS, SampleUnit

GREEN = "def test_green():\n    assert True\n"

#: The project in which the units of a language stand, with its real runner.
PROJECTS: dict[str, Sample] = {"typescript": VITEST, "go": GO}


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


def generate_python_units(folder: Path, budget: GenerationBudget) -> GeneratedTests | NotRun:
    """Suggest tests for all Python units at once, in `head` of the folder."""
    units = UNITS["python"]
    head = {f"shop/{unit.name}.py": unit.source for unit in units} | {"tests/test_a.py": GREEN, "shop/__init__.py": ""}
    subject = staged(folder, head, command=QUICK)
    return generate_python_tests(subject, Answers(units, {}), run_in_tree, salt=b"s", budget=budget)


def generate_units(language: str, folder: Path, budget: GenerationBudget) -> GeneratedTests | NotRun | str:
    """Suggest tests for all units of another language; a text says why its packages cannot be installed."""
    units = UNITS[language]
    for version in ("base", "head"):
        (folder / version).mkdir()
    head = folder / "head"
    suffix, place = (".ts", "src/") if language == "typescript" else (".go", "")
    files = (
        {"package.json": VITEST.files["package.json"]} if suffix == ".ts" else {"go.mod": "module shop\n\ngo 1.19\n"}
    )
    tests = {unit.name: f"test/{unit.name}.test.ts" if suffix == ".ts" else f"{unit.name}_test.go" for unit in units}
    files |= {f"{place}{unit.name}{suffix}": unit.source for unit in units}
    for path, text in files.items():
        (head / path).parent.mkdir(parents=True, exist_ok=True)
        (head / path).write_text(text)
    change = Change(parse_diff(diff_of(folder / "base", head)), title="Grow the shop")
    if failed := PROJECTS[language].install(head):
        return failed
    lines = {unit.name: unit.source.count("\n") for unit in units}
    names = {unit.name: (tests[unit.name], f"{place}{unit.name}{suffix}:1-{lines[unit.name]}") for unit in units}
    places = StagedTrees(head, None, head, Path.home())
    return generate_language_tests(
        change, Settings(), places, Answers(units, names), run_in_tree, salt=b"s", budget=budget
    )
