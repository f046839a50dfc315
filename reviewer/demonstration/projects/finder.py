"""Find the project whose tests can be run for a file, and prepare it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reviewer.demonstration.projects.other import OtherProject
from reviewer.demonstration.projects.python import PythonProject
from reviewer.demonstration.projects.python_suite import PythonSuite
from reviewer.demonstration.projects.staged_files import WatchedTree
from reviewer.demonstration.request import DemonstrationLimits
from reviewer.demonstration.runs import TestProject
from reviewer.demonstration.subject import DemonstrationSubject
from reviewer.languages.imports import shared_folders
from reviewer.languages.paths import is_code, is_test, unit_stem
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.languages.execution import ProjectRunner
from reviewer.testgen.languages.linked_packages import linked_away
from reviewer.testgen.languages.test_runners import KNOWN, SUFFIXES, project_of
from reviewer.testgen.python.harness_client import HarnessClient
from reviewer.testgen.python.test_command import plan_for
from reviewer.testgen.working_tree import files_of, python_files, text_of


@dataclass(slots=True)
class ProjectFinder:
    """Finds projects at the head of a change. `left` returns the seconds that are left for running suites."""

    subject: DemonstrationSubject
    limits: DemonstrationLimits
    left: Callable[[], float]
    _known: dict[object, TestProject] = field(default_factory=dict, init=False)
    _watched: WatchedTree | None = field(default=None, init=False)

    def project_of(self, path: str) -> TestProject | NotRun:
        """Return the project that can run tests of this file, or why none can."""
        if not is_code(path) or is_test(path):
            return NotRun("Only code can be shown to fail by a test of it.")
        if text_of(self.subject.head, path) is None:
            return NotRun(f"`{path}` cannot be read in the checkout.")
        return self._python(path) if path.endswith(".py") else self._other(path)

    def _python(self, path: str) -> TestProject | NotRun:
        subject = self.subject
        if not subject.python.exists():
            return NotRun(
                f"There is no Python at `{subject.python}`: first set up the interpreter that the tests need."
            )
        files = python_files(subject.head)
        plan = plan_for(subject.head, files, path, subject.settings.tests.command)
        if isinstance(plan, NotRun):
            return plan
        key = ("python", plan.cwd, plan.roots)
        if key not in self._known:
            client = HarnessClient(subject.execute, subject.head, subject.shown_at, subject.python, plan)
            prefix = f"{plan.cwd}/" if plan.cwd else ""
            tests = tuple(file for file in files if file.startswith(prefix) and is_test(file) and plan.collects(file))
            changed = tuple(file.path for file in subject.change.diff.files if file.path in set(files) - set(tests))
            suite = PythonSuite(client, tuple(sorted({path, *changed})), tests, self.left)
            base = client.on(subject.base) if subject.base else None
            self._known[key] = PythonProject(
                client, base, files, suite, self._watch(), self.limits.run_seconds, plan.framework
            )
        return self._known[key]

    def _other(self, path: str) -> TestProject | NotRun:
        subject = self.subject
        project = project_of(subject.head, path)
        if project is None:
            return NotRun(
                f"No test runner is known for `{path}`. Known are {KNOWN}, recognised by the project's files."
            )
        if subject.sandboxed and (why := linked_away(subject.head, subject.shown_at, project)):
            return NotRun(why)
        if project not in self._known:
            runner = ProjectRunner(
                subject.execute, project, subject.head, subject.shown_at, subject.home, 2 * self.limits.run_seconds
            )
            tests = [file for file in files_of(subject.head, SUFFIXES[project.row.language]) if is_test(file)]
            ours = [file for file in tests if project_of(subject.head, file) == project]
            changed = [file.path for file in subject.change.diff.files]
            near = sorted(ours, key=lambda file: (-_nearness(file, changed), file))
            self._known[project] = OtherProject(
                runner, subject.base, tuple(near), self.left, self._watch(), project.row.name
            )
        return self._known[project]

    def _watch(self) -> WatchedTree:
        if self._watched is None:
            self._watched = WatchedTree(self.subject.head)
        return self._watched


def _nearness(test: str, changed: Sequence[str]) -> int:
    """Return how near a test is to the changed files: by their folders, and by a name of one in its own."""
    name = test.rpartition("/")[2].lower()
    return max((2 * shared_folders(test, path) + (unit_stem(path) in name) for path in changed), default=0)
