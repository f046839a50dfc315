"""Build the prompts of test generation: for a unit, for a repair, for confirming a failure.

The same input gives the same prompt to the byte. Text from the repository, the pull request or a run appears only
between fences and without secrets. Reads only the staged tree and the templates.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from reviewer.languages.parsers import python_tree
from reviewer.languages.paths import is_test
from reviewer.llm.messages import Prompt, Task
from reviewer.safety.prompt_text import code_excerpt, printable_path
from reviewer.tasks.conversation.layout import prompt_of
from reviewer.tasks.conversation.prompts import MAX_DESCRIPTION, MAX_TITLE, render_template, system_message
from reviewer.testgen.evidence import Candidate, ChangeUnderTest, CodeUnit, FailedTest, Gate, GateFailure
from reviewer.testgen.python.baseline import Baseline
from reviewer.testgen.python.choosing.test_places import module_of, nearest_tests, new_test_path
from reviewer.testgen.python.dependencies import DefinitionLookup, used_by
from reviewer.testgen.python.gates.demands import expectations, named_tests
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.repair_prompt import (
    MOST_CALLERS,
    MOST_CODE,
    MOST_EVIDENCE,
    MOST_SIBLING,
    MOST_USED,
    repair_prompt_for_test,
)
from reviewer.testgen.working_tree import text_of

#: The most sibling tests shown as examples, calls of the unit shown, and files searched for calls.
MOST_SIBLINGS, MOST_CALLS, MOST_SEARCHED = 2, 6, 400

#: The most characters of what one test demands.
MOST_DEMANDS = 1_500


@dataclass(frozen=True, slots=True)
class OldExpectation:
    """An existing test that fails with the change, and why it is out of date, once that is known."""

    path: str
    name: str
    code: str
    failure: FailedTest
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnitPrompts:
    """Makes the prompts about one change.

    The author of the change cannot know `fence`. `ends` are test files to which tests may be appended.
    """

    subject: ChangeUnderTest
    client: HarnessClient
    before: Baseline
    files: tuple[str, ...]
    fence: str
    ends: tuple[str, ...] = ()

    def tests(self, unit: CodeUnit) -> Prompt:
        """Return the prompt that asks for a test file for the unit."""
        words = render_template(
            "tests/proving.md",
            fence=self.fence,
            framework=self.client.plan.framework,
            roots=", ".join(printable_path(root) for root in self.client.plan.test_roots),
            path=printable_path(self.home(unit)),
            covers=printable_path(unit.covers),
            ends=", ".join(f"`{printable_path(path)}`" for path in self.ends[:MOST_SIBLINGS]),
            fixtures=self._untrusted("\n".join(self._fixtures(unit)), MOST_SIBLING),
            siblings=list(self._siblings(unit)),
        )
        return self._about(Task.TESTS, unit, words)

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and the reason why a gate stopped it."""
        # The policy gate may have refused the path itself.
        path = self.home(candidate.unit) if stopped.gate is Gate.POLICY else candidate.path
        return repair_prompt_for_test(
            prompt, candidate, stopped, fence=self.fence, path=printable_path(path), plain=self._untrusted
        )

    def confirm_failure(self, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks, independently, whether a failing test is right."""
        words = render_template(
            "verify/reproduction.md",
            fence=self.fence,
            name=candidate.unit.name,
            test=self._untrusted(candidate.code, MOST_CODE),
            failure=self._untrusted(_failure_text(failure), MOST_EVIDENCE),
        )
        return self._about(Task.VERIFY, candidate.unit, words, qualifier="reproduction")

    def _about(self, task: Task, unit: CodeUnit, words: str, *, qualifier: str = "") -> Prompt:
        return self._about_all(task, [unit], words, qualifier=qualifier)

    def _about_all(self, task: Task, units: Sequence[CodeUnit], words: str, *, qualifier: str = "") -> Prompt:
        """Return a prompt that shows the units, each once."""
        system = system_message(self.fence, self.subject.language)
        shown = "\n".join(self._unit(unit).rstrip() for unit in dict.fromkeys(units))
        return prompt_of(task, words, system=system, shown=shown, qualifier=qualifier)

    def confirm_expectations(self, candidate: Candidate, failing_before: Collection[str]) -> Prompt:
        """Return the prompt that asks, independently, whether each test of a file demands what is promised."""
        found = expectations(candidate.code)
        claims = []
        for name, _ in named_tests(python_tree(candidate.code)):
            demands = "\n".join(f"{demand.given}: {demand.demanded}" for demand in found if demand.test == name)
            before = name in failing_before
            claims.append({"name": name, "before": before, "demands": self._untrusted(demands, MOST_DEMANDS)})
        words = render_template(
            "verify/expectations.md",
            fence=self.fence,
            name=candidate.unit.name,
            test=self._untrusted(candidate.code, MOST_CODE),
            claims=claims,
        )
        return self._about(Task.VERIFY, candidate.unit, words, qualifier="expectations")

    def old_expectations(self, tests: Sequence[OldExpectation], units: Sequence[CodeUnit]) -> Prompt:
        """Return the prompt that asks, independently, whether what existing tests expect is still right."""
        claims = [
            {
                "name": test.name,
                "code": self._untrusted(test.code, MOST_SIBLING),
                "failure": self._untrusted(_failure_text(test.failure), MOST_EVIDENCE),
            }
            for test in tests
        ]
        words = render_template("verify/old_expectations.md", fence=self.fence, claims=claims)
        return self._about_all(Task.VERIFY, units, words, qualifier="old expectations")

    def updates(self, tests: Sequence[OldExpectation], units: Sequence[CodeUnit]) -> Prompt:
        """Return the prompt that asks for the smallest update of each test. It does not say what the code returned."""
        rows = [
            {
                "path": printable_path(test.path),
                "name": test.name,
                "code": self._untrusted(test.code, MOST_SIBLING),
                "line": self._untrusted(self._asserted_row(test), MOST_DEMANDS),
                "reason": self._untrusted(test.reason, MOST_DEMANDS),
            }
            for test in tests
        ]
        words = render_template("tests/update.md", fence=self.fence, tests=rows)
        return self._about_all(Task.TESTS, units, words, qualifier="update")

    def _asserted_row(self, test: OldExpectation) -> str:
        rows = (text_of(self.client.tree, test.path) or "").split("\n")
        return rows[test.failure.line - 1].strip() if 0 < test.failure.line <= len(rows) else ""

    def home(self, unit: CodeUnit) -> str:
        """Return an unused path for a test file of the unit, beside the tests of the same module; empty if none may."""
        return new_test_path(unit, self.before, self.client, frozenset(self.files))

    def _unit(self, unit: CodeUnit) -> str:
        change = self.subject.change
        return render_template(
            "tests/unit.md",
            fence=self.fence,
            title=self._untrusted(change.title, MAX_TITLE),
            description=self._untrusted(change.description, MAX_DESCRIPTION),
            issue=self._untrusted(self.subject.issue, MAX_DESCRIPTION),
            path=printable_path(unit.path),
            name=unit.name,
            module=module_of(unit.path, self.client.plan.roots),
            imports=self._untrusted(_imports(unit.source), MOST_SIBLING),
            code=self._untrusted(_rows(unit), MOST_CODE),
            used=self._untrusted(
                used_by(unit, DefinitionLookup(partial(text_of, self.client.tree), self.client.plan.roots)), MOST_USED
            ),
            callers=self._untrusted(self._callers(unit), MOST_CALLERS),
        )

    def _siblings(self, unit: CodeUnit) -> Iterator[dict[str, str]]:
        near = dict.fromkeys([*self.ends, *nearest_tests(unit, self.before, self.client)])
        for path in list(near)[:MOST_SIBLINGS]:
            if text := text_of(self.client.tree, path):
                yield {"path": printable_path(path), "text": self._untrusted(text, MOST_SIBLING)}

    def _callers(self, unit: CodeUnit) -> str:
        above, _, name = unit.name.rpartition(".")
        name = above.rpartition(".")[2] if name == "__init__" else name
        if name.startswith("__"):
            return ""
        call = re.compile(rf"\b{re.escape(name)}\(")
        found: list[str] = []
        for path in [file for file in self.files if not is_test(file)][:MOST_SEARCHED]:
            text = text_of(self.client.tree, path) or ""
            if name not in text:
                continue
            rows = text.split("\n")
            for number, row in enumerate(rows, 1):
                own = path == unit.path and unit.first <= number <= unit.last
                if call.search(row) and not own and not re.match(r"\s*(?:async\s+)?def\b", row):
                    found.append(f"{path}:{number}: {row.strip()}")
        return "\n".join(found[:MOST_CALLS])

    def _fixtures(self, unit: CodeUnit) -> Iterator[str]:
        """Yield the signatures of the fixtures that a new test of the unit can use, outermost first."""
        folders = [folder.as_posix() for folder in reversed(PurePosixPath(self.home(unit)).parents)]
        for folder in folders:
            path = "conftest.py" if folder == "." else f"{folder}/conftest.py"
            yield from _signatures(path, text_of(self.client.tree, path) or "")

    def _untrusted(self, text: str, most: int) -> str:
        """Return the text cut to `most` characters, without secrets, colours and what would be a fence."""
        return code_excerpt(re.sub(r"\x1b\[[0-9;]*m", "", text), most)


def _failure_text(failure: FailedTest) -> str:
    return f"{failure.test}, line {failure.line}: {failure.kind}\n{failure.message}\n\n{failure.trace}"


def _rows(unit: CodeUnit) -> str:
    rows = unit.source.split("\n")
    marked: list[str] = []
    for number in range(unit.first, unit.last + 1):
        mark = "+" if number in unit.lines | unit.header else " "
        mark = "!" if number in unit.missed else "?" if number in unit.half else mark
        marked.append(f"{number:>5} {mark}| {rows[number - 1].rstrip()}")
    return "\n".join(marked)


def _imports(source: str) -> str:
    rows = source.split("\n")
    found: list[str] = []
    for node in python_tree(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += rows[node.lineno - 1 : node.end_lineno]
    return "\n".join(found)


def _signatures(path: str, text: str) -> Iterator[str]:
    try:
        tree = python_tree(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if any("fixture" in ast.dump(decorator) for decorator in node.decorator_list):
            about = (ast.get_docstring(node) or "").partition("\n")[0]
            yield f"{path}: {node.name}({ast.unparse(node.args)}){f': {about}' if about else ''}"
