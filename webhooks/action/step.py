"""Run the Action: read the webhook payload from the runner's event file and handle it as the App would.

Exit codes: 0 done or nothing to do, 1 findings at or above the fail level, 2 settings, 3 the model or GitHub could not
be used. A pull request from a fork, which gets no secrets and a read-only token, never fails the step: the step says
what to do and, where it could review, leaves annotations and a job summary.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError, SettingsError
from reviewer.llm.client import Client
from reviewer.llm.client_settings import read_client_settings, unquoted
from reviewer.llm.errors import BadKey, ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.models import model_named
from reviewer.output.markdown import to_markdown
from reviewer.output.sarif import to_sarif
from reviewer.safety.markdown import neutralise
from reviewer.tasks.planning.cost_estimate import cost_per_thousand
from reviewer.testgen.merge import patch_of
from webhooks.action.workflow_commands import annotation_commands, command, output_lines, summary_within_limit
from webhooks.environment import read_api_url
from webhooks.events.deliveries import Ignored, Job, Trigger, decide
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.github.repository import connect
from webhooks.handling.commands.table import SYNTAX
from webhooks.handling.handle import JobContext, JobEnding, JobOutcome, handle
from webhooks.publishing.checks import Conclusion

if TYPE_CHECKING:
    from webhooks.action.workspace import Workspace

#: Rounds of a job after transient failures of GitHub, and the seconds between them.
ROUNDS, PAUSE = 3, 5.0

_FORK_HELP = (
    "This pull request comes from a fork or from Dependabot, so GitHub gives this workflow no secrets. To review such "
    "pull requests, use the App, or the `pull_request_target` recipe in docs/install.md of the reviewer (it never "
    "checks out the fork's code)."
)
_KEY_HELP = "Set the input `runapi-key`, for example: runapi-key: ${{ secrets.RUNAPI_KEY }}"


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


def main(argv: list[str]) -> int:
    """Run the step and return its exit code."""
    if argv:
        raise SettingsError("`reviewer action` takes no arguments; its settings come from the runner's environment.")
    return run(Step(dict(os.environ)))


def run(step: Step) -> int:
    """Decide on the event, review, and report the result to the runner, whatever happens."""
    forked = False
    try:
        event, payload = _event(step)
        # With `pull_request_target` a fork gets the secrets too: then this repository has to fix what is wrong.
        forked = _is_fork(payload) and step.get("GITHUB_EVENT_NAME") != "pull_request_target"
        decision = decide(event, payload, f"run-{step.get('GITHUB_RUN_ID', '0')}", SYNTAX)
        if isinstance(decision, Ignored):
            return _nothing(step, f"Nothing to do: {decision.reason}.")
        if not _is_ours(step, decision):
            return _nothing(step, f"Nothing to do: this workflow leaves `/{decision.command}` to another one.")
        level = _fail_level(step)
        if not unquoted(step.get("RUNAPI_KEY")) and decision.trigger is not Trigger.MERGE_GROUP:
            if forked:
                return _nothing(step, _FORK_HELP)
            raise BadKey(f"No RunAPI key. {_KEY_HELP}")
        outcome = _carry_out(step, decision, level)
    except ReviewerError as error:
        return _failed(step, error, forked=forked)
    if outcome.state is JobEnding.FAILED and outcome.error is not None:
        return _failed(step, outcome.error, forked=forked)
    if outcome.state is JobEnding.ANSWERED:
        return _nothing(step, "The question is answered in a comment.")
    if outcome.state is not JobEnding.REVIEWED:
        code = _nothing(step, f"Nothing reviewed: {outcome.reason}.")
        # A job that is skipped must not turn green what the last review left open.
        return 1 if outcome.conclusion == Conclusion.FAILURE else code
    return _report(step, outcome)


def _event(step: Step) -> tuple[str, dict[str, Any]]:
    """Read the event file. `pull_request_target` is `pull_request` with the base's rights: the same payload."""
    path = step.get("GITHUB_EVENT_PATH")
    if not path:
        raise SettingsError("GITHUB_EVENT_PATH is not set: `reviewer action` runs as a step of a GitHub workflow.")
    try:
        payload = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"Cannot read the event file {path}: {error}") from error
    if not isinstance(payload, dict):
        raise SettingsError(f"The event file {path} does not hold a JSON object.")
    event = step.get("GITHUB_EVENT_NAME")
    return ("pull_request" if event == "pull_request_target" else event), payload


def _is_ours(step: Step, job: Job) -> bool:
    """Whether this workflow carries the command out: two workflows may share the comments of a repository."""
    names = step.get("REVIEWER_COMMANDS").replace(",", " ").lower().split()
    known = {command.name for command in SYNTAX}
    if unknown := [name for name in names if name.lstrip("/") not in known]:
        raise SettingsError(f"The input `commands` is {unknown[0]!r}; it takes some of {', '.join(sorted(known))}.")
    return job.command is None or not names or job.command in {name.lstrip("/") for name in names}


def _fail_level(step: Step) -> FailLevel | None:
    text = step.get("REVIEWER_FAIL_LEVEL")
    try:
        return FailLevel(text) if text else None
    except ValueError:
        known = ", ".join(level.value for level in FailLevel)
        raise SettingsError(f"The input `fail-level` is {text!r}; it takes one of {known}.") from None


def _is_fork(payload: Mapping[str, Any]) -> bool:
    """Whether the event's pull request comes from another repository (a deleted fork counts as one)."""
    pull = payload.get("pull_request")
    if not isinstance(pull, dict):
        return False
    head = (pull.get("head") or {}).get("repo") or {}
    base = (pull.get("base") or {}).get("repo") or payload.get("repository") or {}
    return head.get("full_name") != base.get("full_name") or _is_dependabot(pull)


def _is_dependabot(pull: Mapping[str, Any]) -> bool:
    """Dependabot's pull requests are run like those of forks: read-only token, no secrets."""
    return (pull.get("user") or {}).get("login") == "dependabot[bot]"


def _carry_out(step: Step, job: Job, level: FailLevel | None) -> JobOutcome:
    """Handle the job, and retry after transient failures of GitHub; answers that were paid for are kept."""
    token = unquoted(step.get("GITHUB_TOKEN"))
    if not token:
        raise SettingsError("No token. Set the input `github-token`, or leave it out to use the workflow's own.")
    credentials = Credentials(api_url=read_api_url(step.environ), token=token)
    salt = secrets.token_bytes(16)
    with Client.from_settings(read_client_settings(step.environ)) as client:
        ask = ask_once(client.ask)
        price = cost_per_thousand(model_named(client.model, client.prices))
        workspace = _workspace(step, ask, salt)
        for left in reversed(range(ROUNDS)):
            context = JobContext(
                repository=connect(credentials, job.repository),
                ask=ask,
                salt=salt,
                cost_per_thousand=price,
                again=left < ROUNDS - 1 or int(step.get("GITHUB_RUN_ATTEMPT", "1")) > 1,
                fail_level=level,
                prove=workspace.prove if workspace else None,
                demonstrate=workspace.demonstrate if workspace else None,
            )
            try:
                return handle(job, context)
            except GitHubError:
                if not left:
                    raise
                time.sleep(PAUSE)
    raise AssertionError("unreachable")


def _workspace(step: Step, ask: Ask, salt: bytes) -> Workspace | None:
    """Return what runs tests in the job's checkout; None where no sandbox is possible."""
    if os.name != "posix":
        return None
    from webhooks.action.workspace import Workspace  # noqa: PLC0415 - it cannot be imported on Windows

    return Workspace(step.environ, ask, salt)


def ask_once(ask: Ask) -> Ask:
    """Return `ask` that never pays for the same answer twice in this process."""
    known: dict[Prompt, Reply] = {}

    def ask_new(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        new = [prompt for prompt in prompts if prompt not in known]
        fresh = dict(zip(new, ask(new), strict=True)) if new else {}
        known.update({prompt: reply for prompt, reply in fresh.items() if isinstance(reply, Reply)})
        return [known.get(prompt) or fresh[prompt] for prompt in prompts]

    return ask_new


def _report(step: Step, outcome: JobOutcome) -> int:
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
    _outputs(
        step,
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
    proven = [test for test in review.tests if test.status == "proven"]
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


def _nothing(step: Step, text: str) -> int:
    _print(command("notice", text, title="reviewer"))
    _outputs(step, findings="0", review_url="", cost_usd="0", sarif_file="", tests_patch="", fix_patch="")
    _summary(step, f"### Review\n\n{text}\n")
    return 0


def _failed(step: Step, error: ReviewerError, *, forked: bool) -> int:
    """Say why nothing was reviewed. On a fork that is a warning, since its author cannot fix it."""
    _print(command("warning" if forked else "error", str(error), title="reviewer: not reviewed"))
    _outputs(step, findings="0", review_url="", cost_usd="0", sarif_file="", tests_patch="", fix_patch="")
    hint = f"\n\n{_FORK_HELP}" if forked else ""
    _summary(step, f"### Not reviewed\n\n{neutralise(str(error))}{hint}\n")
    return 0 if forked else error.exit_code


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
