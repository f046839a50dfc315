"""The steps of the repair loop and of the independent pass for Python."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from reviewer.languages.parsers import python_tree
from reviewer.llm.messages import Prompt
from reviewer.testgen.attempts import FailedVersion
from reviewer.testgen.evidence import Candidate, Evidence, FailedTest, GateFailure
from reviewer.testgen.python.gates.copied_values import only_expectation_changed
from reviewer.testgen.python.gates.demands import named_tests
from reviewer.testgen.python.gates.expectations import copied_demand, renewed_tests, turned_demands
from reviewer.testgen.python.gates.own_share import name_of, without_tests
from reviewer.testgen.python.gates.run_gates import GateContext, judge
from reviewer.testgen.python.harness_client import HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport, function_of
from reviewer.testgen.python.prompts import UnitPrompts
from reviewer.testgen.python.units import hit
from reviewer.testgen.working_tree import added

#: What a text that was sent by a model may raise when it is parsed.
_BROKEN = (SyntaxError, ValueError, RecursionError)

#: The conditions under which a test that failed must fail again: otherwise it is flaky, and no demand is broken.
_AGAIN = (
    HarnessRun(reverse=True, environment={"PYTHONHASHSEED": "7", "TZ": "XYZ-13:45"}),
    HarnessRun(environment={"PYTHONHASHSEED": "90210", "LC_ALL": "C"}),
    HarnessRun(environment={"PYTHONHASHSEED": "1234567", "TZ": "ABC+11"}),
)


@dataclass(frozen=True, slots=True)
class PythonSupport:
    """Judges, compares and shortens Python test files."""

    prompts: UnitPrompts
    context: GateContext

    def judge(self, candidate: Candidate, taken: frozenset[str]) -> Evidence | GateFailure:
        """Run the gates on a candidate. Raises TreeChanged."""
        return judge(candidate, replace(self.context, taken=self.context.taken | taken))

    def repair(self, prompt: Prompt, candidate: Candidate, stopped: GateFailure) -> Prompt:
        """Return the conversation, continued by the candidate and what stopped it."""
        return self.prompts.repair(prompt, candidate, stopped)

    def only_expectation_changed(self, before: Candidate, stopped: GateFailure, after: Candidate) -> str | None:
        """Return the name of a test whose repair changes what is demanded of the same input."""
        if not stopped.failures:
            return None
        try:
            names = [name for name, _ in named_tests(python_tree(before.code))]
            asserted = [failure for failure in stopped.failures if failure.asserted]
            failed = {name: failure.line for failure in asserted if (name := name_of(failure.test, names))}
            functions = {function_of(failure.test) for failure in stopped.failures}
            literal = only_expectation_changed(before.code, after.code, functions)
            return literal or copied_demand(before.code, after.code, failed)
        except _BROKEN:
            return None  # the policy gate says what is wrong with it

    def fails_again(self, candidate: Candidate, failure: FailedTest) -> bool:
        """Whether the test runs the changed code and fails by its assertion again, each time."""
        unit = candidate.unit
        with added(self.context.head.tree, candidate.path, candidate.code):
            for condition in _AGAIN:
                report = self.context.head.run(replace(condition, paths=(candidate.path,), cover=(unit.path,)))
                ran = bool(hit(unit, report.files.get(unit.path)))
                if not ran or not any(test.id == failure.test and test.asserted for test in report.bad):
                    return False
        return True

    def confirm_failure(self, prompt: Prompt, candidate: Candidate, failure: FailedTest) -> Prompt:
        """Return the prompt that asks whether a failing test is right."""
        del prompt  # the unit only, without other tests
        return self.prompts.confirm_failure(candidate, failure)

    def confirm_expectations(self, prompt: Prompt, candidate: Candidate, evidence: Evidence) -> Prompt:
        """Return the prompt that asks of each test whether it demands what is promised."""
        del prompt  # the unit only, without other tests
        return self.prompts.confirm_expectations(candidate, evidence.failing_before)

    def tests_of(self, candidate: Candidate) -> tuple[str, ...]:
        """Return the names of the file's tests."""
        return tuple(name for name, _ in named_tests(python_tree(candidate.code)))

    def without(self, candidate: Candidate, names: Collection[str]) -> Candidate | None:
        """Return the candidate without those tests; None if nothing is left."""
        if set(self.tests_of(candidate)) <= set(names):
            return None
        return replace(candidate, code=without_tests(candidate.code, names))

    def contradicting(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        """Return the kept file's tests that demand something else of the input on which the other version failed.

        The input is what the run observed: the last call before the assertion failed. If nothing was observed, it is
        what the text of both versions says.
        """
        names = self.tests_of(kept)
        calls = self._observed(failed.candidate).inputs.get(failed.failure.test, ())
        if calls:
            inputs = self._observed(kept).inputs
            same = [name_of(test, names) for test, seen in inputs.items() if calls[-1] in seen]
            return frozenset(filter(None, same))
        before = failed.candidate.code
        test = name_of(failed.failure.test, self.tests_of(failed.candidate))
        return turned_demands(before, kept.code, test, failed.failure.line)

    def renewed(self, kept: Candidate, failed: FailedVersion) -> frozenset[str]:
        """Return the kept file's tests that demand what the version that failed did not demand."""
        return renewed_tests(failed.candidate.code, kept.code)

    def _observed(self, candidate: Candidate) -> HarnessReport:
        with added(self.context.head.tree, candidate.path, candidate.code):
            return self.context.head.run(HarnessRun(paths=(candidate.path,), observe=(candidate.unit,)))
