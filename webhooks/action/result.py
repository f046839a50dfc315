"""Tell the runner how the step ended: outputs, job summary, SARIF, annotations.

`reviewed` and `conclusion` tell "clean" from "not reviewed": only a change that was reviewed ends in `success`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reviewer.domain.findings import Review
from reviewer.errors import ReviewerError
from reviewer.output.markdown import to_markdown
from reviewer.output.sarif import to_sarif
from reviewer.safety.markdown import neutralise
from reviewer.testgen.merge import patch_of
from webhooks.action.workflow_commands import annotation_commands, command, output_lines, summary_within_limit
from webhooks.handling.handle import JobOutcome
from webhooks.publishing.checks import Conclusion

FORK_HELP = (
    "This pull request comes from a fork or from Dependabot, so GitHub gives this workflow no secrets. To review such "
    "pull requests, use the App, or the `pull_request_target` recipe in docs/install.md of the reviewer (it never "
    "checks out the fork's code)."
)

#: Conclusions of a step that made no review: there was nothing to review, or it could not be made.
SKIPPED, ERROR = "skipped", "error"


@dataclass(frozen=True, slots=True)
class Step:
    """The environment of the step. Secrets do not show in its repr."""

    environ: Mapping[str, str]

    def __repr__(self) -> str:
        """Return no value of the environment: there are keys among them."""
        return "Step(...)"

    def get(self, name: str, default: str = "") -> str:
        """Return a variable; an empty one means the default, as inputs that were not set are empty."""
        return self.environ.get(name, "").strip() or default


def report(step: Step, outcome: JobOutcome) -> int:
    """Write outputs, summary, SARIF and, where comments were refused, annotations for the runner."""
    review, diff = outcome.review, outcome.diff
    if review is None or diff is None:
        raise AssertionError("a reviewed outcome has a review")
    if outcome.sent.refused:
        for line in annotation_commands((*review.findings, *review.below)):
            _print(line)
        _print(
            command("notice", f"Comments could not be posted, so the findings are annotations. {outcome.sent.refused}")
        )
    sarif = Path(step.get("RUNNER_TEMP", ".")) / "reviewer.output.sarif"
    sarif.write_text(to_sarif(review, diff), encoding="utf-8")
    cost = review.usage.cost_usd
    patch = _patch(step, review)
    # A file of which one part has no answer counts as not reviewed yet, but there was something to review.
    is_begun = outcome.reviewed or review.files_reviewed or review.findings
    is_reviewed = bool(is_begun or outcome.conclusion == Conclusion.SUCCESS)
    _outputs(
        step,
        reviewed="true" if is_reviewed else "false",
        conclusion=outcome.conclusion if is_reviewed else SKIPPED,
        findings=str(len(review.findings)),
        review_url=outcome.sent.review_url or outcome.sent.summary_url,
        cost_usd="" if cost is None else f"{cost:f}",
        sarif_file=str(sarif),
        tests_patch=patch,
        fix_patch=_fix_patch(step, review),
    )
    hint = f"\n\nAll suggested tests that were run: `git apply {Path(patch).name}`.\n" if patch else ""
    _summary(step, to_markdown(review, diff) + hint)
    return 1 if outcome.conclusion == Conclusion.FAILURE else 0


def _patch(step: Step, review: Review) -> str:
    """Write the tests that were run as a patch, and return its path; "" where there are none."""
    proven = [test for test in review.tests if test.status in ("proven", "update")]
    if not proven:
        return ""
    path = Path(step.get("RUNNER_TEMP", ".")) / "reviewer-tests.patch"
    path.write_text(patch_of(proven), encoding="utf-8", errors="replace", newline="")
    return str(path)


def _fix_patch(step: Step, review: Review) -> str:
    """Write the demonstrated fixes and their tests as a patch, and return its path; "" where there are none."""
    if review.joint_fix is None:
        return ""
    path = Path(step.get("RUNNER_TEMP", ".")) / "fix.patch"
    path.write_text(review.joint_fix.patch_with_tests, encoding="utf-8", errors="replace", newline="")
    return str(path)


def nothing(step: Step, text: str, *, conclusion: str = "") -> int:
    """Say why there was nothing to review. A gate that the last review left shut stays shut."""
    _print(command("notice", text, title="reviewer"))
    _no_review(step, Conclusion.FAILURE.value if conclusion == Conclusion.FAILURE else SKIPPED)
    _summary(step, f"### Review\n\n{text}\n")
    return 1 if conclusion == Conclusion.FAILURE else 0


def failed(step: Step, error: ReviewerError, *, forked: bool = False, passes: bool = False) -> int:
    """Say why nothing was reviewed, and return the exit code.

    On a fork that is a warning, since its author cannot fix it. It `passes` where the service failed and nothing that
    a review may find fails the step.
    """
    level = "warning" if forked or passes else "error"
    _print(command(level, str(error), title="reviewer: not reviewed"))
    _no_review(step, ERROR)
    hint = f"\n\n{FORK_HELP}" if forked else ""
    _summary(step, f"### Not reviewed\n\n{neutralise(str(error))}{hint}\n")
    return 0 if forked or passes else error.exit_code


def _no_review(step: Step, conclusion: str) -> None:
    none = {"findings": "0", "review_url": "", "cost_usd": "0", "sarif_file": "", "tests_patch": "", "fix_patch": ""}
    _outputs(step, reviewed="false", conclusion=conclusion, **none)


def _outputs(step: Step, **values: str) -> None:
    named = {name.replace("_", "-"): value for name, value in values.items()}
    _append(step.get("GITHUB_OUTPUT"), output_lines(named))


def _summary(step: Step, markdown: str) -> None:
    _append(step.get("GITHUB_STEP_SUMMARY"), summary_within_limit(markdown))


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
