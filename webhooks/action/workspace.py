"""Run tests in the checkout of a workflow's job: suggested ones, and those that show findings and fixes.

For the Action only, never for a server.

Promises: tests are run in a sandbox or not at all, and only on the pull request's head; the step's keys are in no
process that runs code of the pull request; on a self-hosted runner, which outlives the job and can reach its network,
nothing is run unless the workflow allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.errors import UsageError
from reviewer.git.worktree import open_worktree
from reviewer.llm.messages import Ask
from reviewer.testgen.evidence import GeneratedTests, NotRun
from webhooks.action.inputs import Inputs, TestRuns
from webhooks.github.repository import Pull

if TYPE_CHECKING:
    from reviewer.testgen.session import CheckoutToTest

_CHECKOUT_HELP = (
    "Give the job a checkout of the pull request's head before this step: actions/checkout with "
    "`ref: refs/pull/NUMBER/head` and `persist-credentials: false` (see docs/tests.md of the reviewer)."
)
_SETUP_HELP = "`tests.setup` is not run by the Action: prepare the tests in a step before it."


@dataclass(frozen=True, slots=True)
class Workspace:
    """The Action's inputs, the job's environment variables, and how to ask. `salt` keys the prompts' fences."""

    inputs: Inputs
    environ: Mapping[str, str]
    ask: Ask
    salt: bytes

    def prove(self, change: Change, settings: Settings, pull: Pull) -> GeneratedTests | NotRun:
        """Suggest tests for the change and run them on this machine."""
        if reason := self._refusal(pull):
            return NotRun(f"The suggested tests were not run: {reason}")
        checkout = self._checkout(pull)
        from reviewer.testgen.session import proven_tests  # noqa: PLC0415

        issue = "\n\n".join(f"{issue.title}\n\n{issue.body}" for issue in change.issues)
        outcome = proven_tests(change, settings, checkout, self.ask, salt=self.salt, issue=issue)
        if isinstance(outcome, GeneratedTests) and settings.tests.setup:
            return replace(outcome, notes=(*outcome.notes, _SETUP_HELP))
        return outcome

    def demonstrate(
        self, review: Review, change: Change, settings: Settings, pull: Pull, request: DemonstrationRequest
    ) -> Review:
        """Return the review with what running tests on this machine showed about its findings.

        Where nothing may be run, that is said only if a person asked for it.
        """
        if reason := self._refusal(pull):
            notes = (f"Findings were not demonstrated: {reason}",) if request.asked else ()
            return replace(review, notes=(*review.notes, *notes))
        from reviewer.demonstration.session import demonstrated, worth_running  # noqa: PLC0415

        if not worth_running(review, request):
            return review
        checkout = self._checkout(pull)
        return demonstrated(review, change, settings, checkout, self.ask, salt=self.salt, request=request)

    def _checkout(self, pull: Pull) -> CheckoutToTest:
        """Return the job's checkout with what its tests need; the sandbox is installed where that is possible."""
        from reviewer.testgen.python.interpreter import python_of  # noqa: PLC0415
        from reviewer.testgen.session import CheckoutToTest, install_sandbox  # noqa: PLC0415

        root = Path(self.environ["GITHUB_WORKSPACE"])
        python = python_of(root, self.environ, self.inputs.tests_python)
        private = tuple(Path(self.environ[name]) for name in ("RUNNER_TEMP",) if self.environ.get(name))
        install_sandbox(self.environ)
        return CheckoutToTest(root, pull.base_sha, python, private=private, appends=True)

    def _refusal(self, pull: Pull) -> str:
        """Return why nothing may be run here, or an empty text."""
        if self.inputs.tests is TestRuns.OFF:
            return "the input `tests` is off."
        is_own_runner = self.environ.get("RUNNER_ENVIRONMENT") == "self-hosted"
        if is_own_runner and self.inputs.tests is not TestRuns.SELF_HOSTED:
            return "this runner is self-hosted. If it is deleted after each job, set the input `tests: self-hosted`."
        folder = self.environ.get("GITHUB_WORKSPACE", "")
        try:
            tree = open_worktree(folder or "/nowhere")
            head = tree.head()
        except UsageError:
            return _CHECKOUT_HELP
        if head != pull.head_sha or Path(folder).resolve() != tree.root.resolve():
            return f"the checkout is at `{(head or 'nothing')[:7]}`, not at `{pull.head_sha[:7]}`. {_CHECKOUT_HELP}"
        return ""
