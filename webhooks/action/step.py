"""Run the Action: read the webhook payload from the runner's event file and handle it as the App would.

Exit codes: 0 done or nothing to do, 1 findings at or above the fail level, 2 settings, 3 the model or GitHub could not
be used (0 where the fail level is `never`). A pull request from a fork, which gets no secrets and a read-only token,
never fails the step: the step says what to do and, where it could review, leaves annotations and a job summary. An
input that is wrong is an error for whatever event.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError, SettingsError
from reviewer.llm.client import Client
from reviewer.llm.client_settings import ClientSettings
from reviewer.llm.errors import BadKey, ModelError
from reviewer.llm.messages import Ask, Prompt, Reply
from reviewer.llm.models import model_named
from reviewer.tasks.planning.cost_estimate import cost_of_calls, cost_per_thousand
from webhooks.action.inputs import Forks, Inputs, read_inputs
from webhooks.action.own_commands import own_part
from webhooks.action.result import FORK_HELP, Step, failed, nothing, report
from webhooks.action.spending import MarkedAccount, Meter
from webhooks.events.deliveries import Ignored, Job, Trigger, decide
from webhooks.github.credentials import Credentials
from webhooks.github.errors import GitHubError
from webhooks.github.repository import Repository, connect
from webhooks.handling.commands.table import SYNTAX
from webhooks.handling.handle import JobContext, JobEnding, JobOutcome, give_up, handle
from webhooks.handling.money.purse import Purse
from webhooks.publishing.checks import Conclusion
from webhooks.publishing.people.learning.own_summaries import OwnSummaries

if TYPE_CHECKING:
    from webhooks.action.workspace import Workspace

__all__ = ["Step", "ask_once", "main", "run"]

#: Rounds of a job after transient failures of GitHub, and the seconds between them.
ROUNDS, PAUSE = 3, 5.0

_KEY_HELP = "Set the input `runapi-key`, for example: runapi-key: ${{ secrets.RUNAPI_KEY }}"


def main(argv: list[str]) -> int:
    """Run the step and return its exit code."""
    if argv:
        raise SettingsError("`reviewer action` takes no arguments; its settings come from the runner's environment.")
    return run(Step(dict(os.environ)))


def run(step: Step) -> int:
    """Decide on the event, review, and report the result to the runner, whatever happens."""
    try:
        inputs = read_inputs(step.environ, [command.name for command in SYNTAX])
    except SettingsError as error:
        return failed(step, error)
    forked = False
    try:
        event, payload = _event(step)
        # With `pull_request_target` a fork gets the secrets too: then this repository has to fix what is wrong.
        forked = _is_fork(payload) and step.get("GITHUB_EVENT_NAME") != "pull_request_target"
        job = decide(event, payload, _run_name(step), SYNTAX)
        if isinstance(job, Ignored):
            return nothing(step, f"Nothing to do: {job.reason}.")
        own = own_part(job, inputs.commands)
        if own is None:
            return nothing(step, f"Nothing to do: this workflow leaves `/{job.command}` to another one.")
        job = own
        if not inputs.client.key and job.trigger is not Trigger.MERGE_GROUP:
            if forked:
                return nothing(step, FORK_HELP)
            raise BadKey(f"No RunAPI key. {_KEY_HELP}")
        return _ended(step, _carry_out(step, job, inputs), forked=forked)
    except ReviewerError as error:
        return failed(step, error, forked=forked)


def _ended(step: Step, outcome: JobOutcome, *, forked: bool) -> int:
    """Report how the job ended, and return the exit code."""
    if outcome.state is JobEnding.FAILED and outcome.error is not None:
        return failed(step, outcome.error, forked=forked, passes=outcome.conclusion == Conclusion.NEUTRAL)
    if outcome.state is JobEnding.ANSWERED:
        return nothing(step, f"Answered in a comment{f': {outcome.reason}' if outcome.reason else ''}.")
    if outcome.state is not JobEnding.REVIEWED:
        return nothing(step, f"Nothing reviewed: {outcome.reason}.", conclusion=outcome.conclusion)
    return report(step, outcome)


def _run_name(step: Step) -> str:
    return f"run-{step.get('GITHUB_RUN_ID', '0')}"


def _event(step: Step) -> tuple[str, dict[str, Any]]:
    """Read the event file. `pull_request_target` is `pull_request` with the base's rights: the same payload."""
    path, event = step.get("GITHUB_EVENT_PATH"), step.get("GITHUB_EVENT_NAME")
    if not (path and event):
        name = "GITHUB_EVENT_NAME" if path else "GITHUB_EVENT_PATH"
        raise SettingsError(f"{name} is not set: `reviewer action` runs as a step of a GitHub workflow.")
    try:
        payload = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"Cannot read the event file {path}: {error}") from error
    if not isinstance(payload, dict):
        raise SettingsError(f"The event file {path} does not hold a JSON object.")
    return ("pull_request" if event == "pull_request_target" else event), payload


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


def _carry_out(step: Step, job: Job, inputs: Inputs) -> JobOutcome:
    """Handle the job, and retry after transient failures of GitHub; answers that were paid for are kept."""
    if not inputs.token:
        raise SettingsError("No token. Set the input `github-token`, or leave it out to use the workflow's own.")
    credentials = Credentials(api_url=inputs.api_url, token=inputs.token)
    repository, meter = connect(credentials, job.repository), Meter()
    run = f"{_run_name(step)}-{secrets.token_hex(4)}"  # run again, it pays again
    account = MarkedAccount(repository, job.number, run, meter)
    salt = secrets.token_bytes(16)
    with Client.from_settings(inputs.client) as client:
        ask = ask_once(meter.metered(client.ask))
        workspace = _workspace(step, inputs, ask, salt)
        context = JobContext(
            repository=repository,
            ask=ask,
            salt=salt,
            cost_per_thousand=cost_per_thousand(model_named(client.model, client.prices)),
            again=True,
            fail_level=inputs.level,
            prove=workspace.prove if workspace else None,
            demonstrate=workspace.demonstrate if workspace else None,
            purse=_purse(account, inputs),
            outages_pass=True,
            memory=OwnSummaries(repository, job.number),
            strangers_wait=step.get("GITHUB_EVENT_NAME") == "pull_request_target" and inputs.forks is Forks.LABEL,
        )
        outcome = _in_rounds(job, context, is_repeated=step.get("GITHUB_RUN_ATTEMPT", "1") != "1")
    account.settle(posted=outcome.state is JobEnding.REVIEWED and bool(outcome.sent.summary_url))
    return outcome


def _in_rounds(job: Job, context: JobContext, *, is_repeated: bool) -> JobOutcome:
    """Handle the job, again after a transient failure; after the last one, say so in the check run where possible."""
    for left in reversed(range(ROUNDS)):
        try:
            return handle(job, replace(context, again=is_repeated or left < ROUNDS - 1))
        except GitHubError as error:
            if not left:
                return _given_up(job, context.repository, context.fail_level, error)
            time.sleep(PAUSE)
    raise AssertionError("unreachable")


def _given_up(job: Job, repository: Repository, level: FailLevel | None, error: GitHubError) -> JobOutcome:
    conclusion = Conclusion.NEUTRAL if level is FailLevel.NEVER else Conclusion.FAILURE
    give_up(job, repository, f"GitHub failed {ROUNDS} times: {error}", conclusion)
    return JobOutcome(JobEnding.FAILED, str(error), job.head_sha or "", conclusion=conclusion.value, error=error)


def _purse(account: MarkedAccount, inputs: Inputs) -> Purse:
    """Return the purse: ceilings of the workflow and of the repository's settings, kept in marks."""
    models = _models(inputs.client)
    known = [model_named(name, inputs.client.prices) for name in models]
    estimate = partial(cost_of_calls, known)
    return Purse(account, estimate=estimate, models=models, workflow=inputs.ceilings, mark=account.bill)


def _models(client: ClientSettings) -> tuple[str, ...]:
    return (client.model, *client.fallback_models)


def _workspace(step: Step, inputs: Inputs, ask: Ask, salt: bytes) -> Workspace | None:
    """Return what runs tests in the job's checkout; None where no sandbox is possible."""
    if os.name != "posix":
        return None
    from webhooks.action.workspace import Workspace  # noqa: PLC0415 - it cannot be imported on Windows

    return Workspace(inputs, step.environ, ask, salt)


def ask_once(ask: Ask) -> Ask:
    """Return `ask` that never pays for the same answer twice in this process."""
    known: dict[Prompt, Reply] = {}

    def ask_new(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        new = [prompt for prompt in prompts if prompt not in known]
        fresh = dict(zip(new, ask(new), strict=True)) if new else {}
        known.update({prompt: reply for prompt, reply in fresh.items() if isinstance(reply, Reply)})
        return [known.get(prompt) or fresh[prompt] for prompt in prompts]

    return ask_new
