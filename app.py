"""Build the App and the console command from their parts. No module imports this one.

`gunicorn 'app:create_app()'` serves the App; `main` is the console command `reviewer`. A command imports its modules
when it runs: `reviewer --help` and `reviewer diff` load neither Flask nor DBOS.
"""

from __future__ import annotations

import argparse
import atexit
import hashlib
import hmac
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reviewer.cli.main import More, Outside
from reviewer.cli.main import main as command_line
from reviewer.errors import ReviewerError, SettingsError

if TYPE_CHECKING:
    from flask import Flask

    from reviewer.cli.checks.diagnosis import Diagnosis
    from reviewer.llm.errors import ModelError
    from reviewer.llm.messages import Ask, Prompt, Reply
    from webhooks.environment import Environment
    from webhooks.events.deliveries import Job
    from webhooks.github.credentials import Credentials
    from webhooks.handling.money.purse import Purse
    from webhooks.queue.jobs import JobAttempt, Jobs, JobWork
    from webhooks.recovery.redelivery import MissedDeliveries
    from webhooks.telemetry.spans import Tracer

_NO_SERVER = "This needs the server's packages: in a clone, pip install '.[server]' into its environment."

#: gunicorn's exit code for a worker that cannot start: with another code it would restart the worker forever.
BOOT_ERROR = 3


def create_app() -> Flask:
    """Return the App with its store open and, if this process is to work, its worker running.

    If it cannot start, the process ends without a traceback and says what to do, with every missing variable.
    """
    from webhooks.telemetry.logs import log_to_stderr  # noqa: PLC0415 - see the module's docstring

    log_to_stderr()
    try:
        return _create_app()
    except ReviewerError as error:
        sys.stderr.write(f"reviewer: cannot start:\n{error}\n")
        raise SystemExit(BOOT_ERROR) from None


def _create_app() -> Flask:
    from webhooks.environment import read_environment  # noqa: PLC0415
    from webhooks.registration.stored import wants_setup, with_stored  # noqa: PLC0415

    if wants_setup(os.environ):
        from webhooks.pages.setup.start import set_up  # noqa: PLC0415

        return set_up(os.environ)
    environment = read_environment(with_stored(os.environ))
    if not environment.role.accepts:
        raise SettingsError("REVIEWER_ROLE is `worker`: start it with `reviewer worker`, or set `all` or `web`.")
    return _serving(environment)


def _serving(environment: Environment) -> Flask:
    """Return the App; its modules are imported only when nothing is missing."""
    from webhooks.handling.commands.table import SYNTAX  # noqa: PLC0415
    from webhooks.pages.site import add_pages, pages_of  # noqa: PLC0415
    from webhooks.server.metrics import Metrics  # noqa: PLC0415
    from webhooks.server.receiver import ReceiverConfig  # noqa: PLC0415
    from webhooks.server.routes import flask_app  # noqa: PLC0415
    from webhooks.telemetry.start import start_tracing  # noqa: PLC0415

    tracer = start_tracing(os.environ)
    jobs = _open(environment)
    if environment.process.works:
        jobs.start_worker(_work(environment, jobs, tracer), is_guarded=True)
    atexit.register(jobs.close, 20.0)
    if (missed := _look_for_missed(environment, jobs)) is not None:
        atexit.register(missed.stop)  # runs first
    secrets = tuple(secret.get_secret_value() for secret in environment.webhook_secrets)
    # A process that only accepts may know no key of the App.
    has_key = environment.private_key is not None and environment.app_id is not None
    pages = pages_of(environment, jobs, _credentials(environment) if has_key else None)
    app = flask_app(ReceiverConfig(jobs, secrets, Metrics(), SYNTAX, pages.operator_token, tracer))
    add_pages(app, pages)
    app.extensions["reviewer-stop"] = lambda: jobs.stop(20.0)  # for `gunicorn.conf.py`
    return app


def _open(environment: Environment, *, create: bool = True) -> Jobs:
    """Open the store, by default in the data directory, which is created if `create` and it does not exist."""
    from webhooks.queue.jobs import Jobs, QueueLimits  # noqa: PLC0415

    if create and not os.environ.get("DATABASE_URL", "").strip():
        try:
            environment.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"REVIEWER_DATA_DIR {environment.data_dir} cannot be created ({error.strerror}): set another one"
            raise SettingsError(message) from error
    limits = QueueLimits(
        parallel_calls=environment.parallel_calls,
        calls_per_minute=environment.calls_per_minute,
        keep_jobs=environment.keep_days * 86_400.0,
    )
    jobs = Jobs(environment.database_url.get_secret_value(), limits, environment.data_dir)
    jobs.open(create=create)
    return jobs


def _look_for_missed(environment: Environment, jobs: Jobs) -> MissedDeliveries | None:
    """Start the search for missed webhooks, if this process carries out jobs and the search is not turned off."""
    from webhooks.operator_settings.rules_file import serves_now  # noqa: PLC0415
    from webhooks.recovery.redelivery import MissedDeliveries, RedeliveryPolicy  # noqa: PLC0415
    from webhooks.recovery.unreviewed_pulls import SearchBounds  # noqa: PLC0415

    if not environment.process.works or not (environment.missed_minutes or environment.missed_pulls):
        return None
    bounds = SearchBounds(reviews=environment.missed_pulls, serves=serves_now(dict(os.environ), environment.data_dir))
    policy = RedeliveryPolicy(period=environment.missed_minutes * 60.0, pulls=bounds)
    missed = MissedDeliveries(jobs, _credentials(environment), policy)
    missed.start()
    return missed


def _work(environment: Environment, jobs: Jobs, tracer: Tracer) -> JobWork:
    """Return the functions of a worker: `handle` carries out jobs, the model answers prompts."""
    from reviewer.llm.client import Client  # noqa: PLC0415
    from reviewer.llm.errors import BrokenReply  # noqa: PLC0415
    from reviewer.llm.models import model_named  # noqa: PLC0415
    from reviewer.tasks.planning.cost_estimate import cost_per_thousand  # noqa: PLC0415
    from webhooks.github.repository import connect  # noqa: PLC0415
    from webhooks.handling.commands.admission import admit  # noqa: PLC0415
    from webhooks.handling.handle import JobContext, JobEnding, give_up, handle  # noqa: PLC0415
    from webhooks.pages.app_report import tell_at_start  # noqa: PLC0415
    from webhooks.queue.jobs import JobPostponed, JobWork, ReportedFailure  # noqa: PLC0415

    settings = environment.model_client
    if not settings.key:
        raise SettingsError("a worker needs RUNAPI_KEY")
    client = Client.from_settings(settings, max_parallel=environment.parallel_calls)
    credentials = _credentials(environment)
    tell_at_start(os.environ, settings.base_url, credentials)
    # The same on every machine and after a restart, so that a prompt is the same and its paid answer is found.
    fence_key = hashlib.sha256(b"fence:" + settings.key.encode()).digest()
    price = cost_per_thousand(model_named(settings.model, settings.prices))
    purse_of = _purses(environment, jobs)

    def carry_out(job: Job, run: JobAttempt) -> dict[str, Any]:
        context = JobContext(
            connect(credentials, job.repository, job.installation_id),
            _ask(run),
            # Another one for each job, and the same when it is tried again.
            hmac.digest(fence_key, job.delivery.encode(), "sha256"),
            is_wanted=run.is_wanted,
            cost_per_thousand=price,
            again=run.is_repeated,
            purse=purse_of(job),
            waited=run.waited,
            has_buttons=True,
            memory=jobs.memory(job),
        )
        outcome = handle(job, context)
        if outcome.state is JobEnding.POSTPONED:
            raise JobPostponed(outcome.reason, outcome.after)
        if outcome.state is JobEnding.FAILED:
            useless, kind = isinstance(outcome.error, BrokenReply), type(outcome.error).__name__
            raise ReportedFailure(outcome.reason, answers_are_useless=useless, kind=kind)
        return outcome.to_json()

    return JobWork(
        carry_out,
        client.complete,
        lambda job, reason: give_up(job, connect(credentials, job.repository, job.installation_id), reason),
        lambda job: admit(job, connect(credentials, job.repository, job.installation_id), purse_of(job)).reason,
        tracer,
    )


def _purses(environment: Environment, jobs: Jobs) -> Callable[[Job], Purse]:
    """Return what gives a job its purse: the ceilings that hold for it, and the record of what was spent."""
    from reviewer.llm.models import model_named  # noqa: PLC0415
    from reviewer.tasks.planning.cost_estimate import cost_of_calls  # noqa: PLC0415
    from webhooks.handling.money.purse import Purse  # noqa: PLC0415
    from webhooks.operator_settings.rules_file import rules_reader  # noqa: PLC0415

    settings = environment.model_client
    names = (settings.model, *settings.fallback_models)
    models = [model_named(name, settings.prices) for name in names]
    read_rules = rules_reader(dict(os.environ), environment.data_dir)
    return lambda job: Purse(jobs.account(job), read_rules, lambda prompts: cost_of_calls(models, prompts), names)


def _credentials(environment: Environment) -> Credentials:
    """Return the App's credentials for GitHub."""
    from webhooks.github.credentials import Credentials  # noqa: PLC0415

    if environment.private_key is None or environment.app_id is None:
        raise SettingsError("a worker needs GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY")
    private_key = environment.private_key.get_secret_value()
    return Credentials(api_url=environment.api_url, app_id=environment.app_id, private_key=private_key)


def _ask(run: JobAttempt) -> Ask:
    """Return the attempt's `ask`. It raises Superseded, which `handle` knows, when the job is superseded."""
    from webhooks.handling.job_context import Superseded  # noqa: PLC0415
    from webhooks.queue.jobs import RunStopped  # noqa: PLC0415

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        try:
            return run.ask(prompts)
        except RunStopped:
            if run.is_wanted():
                raise  # the worker stops: the job continues elsewhere
            raise Superseded from None

    return ask


def _worker(argv: list[str]) -> int:
    from webhooks.environment import Role, read_environment  # noqa: PLC0415
    from webhooks.operating.commands import work  # noqa: PLC0415
    from webhooks.registration.stored import with_stored  # noqa: PLC0415
    from webhooks.telemetry.logs import log_to_stderr  # noqa: PLC0415
    from webhooks.telemetry.start import start_tracing  # noqa: PLC0415

    if argv:
        raise SettingsError("`reviewer worker` takes no arguments; its settings come from the environment.")
    log_to_stderr()
    environment = read_environment(with_stored(os.environ), role=Role.WORKER)
    jobs = _open(environment)
    jobs.start_worker(_work(environment, jobs, start_tracing(os.environ)), is_guarded=True)
    return work(jobs, _look_for_missed(environment, jobs))


def _jobs(argv: list[str]) -> int:
    from webhooks.environment import read_environment  # noqa: PLC0415
    from webhooks.operating.commands import steer  # noqa: PLC0415

    jobs = _open(read_environment(os.environ, strict=False), create=False)
    try:
        return steer(jobs, argv)
    finally:
        jobs.close()


def _action(argv: list[str]) -> int:
    from webhooks.action.step import main as action  # noqa: PLC0415

    return action(argv)


def _served(run: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """Return the command; without the server's packages, it says how to install them."""

    def command(argv: list[str]) -> int:
        try:
            return run(argv)
        except ModuleNotFoundError as error:
            raise SettingsError(_NO_SERVER) from error

    return command


def _review_pull(options: argparse.Namespace) -> int:
    from webhooks.operating.pull_command import run  # noqa: PLC0415

    return run(options, os.environ)


def _app_checks() -> Iterator[Diagnosis]:
    """Yield what `reviewer doctor --app` checks."""
    try:
        from webhooks.operating.app_checks import app_checks  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError(_NO_SERVER) from error
    return app_checks(os.environ, lambda environment: _open(environment, create=False))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console command and return its exit code."""
    more: More = {
        "action": ("carry out the step of the GitHub Action", _action),
        "worker": ("carry out the App's jobs, for servers with REVIEWER_ROLE=web", _served(_worker)),
        "jobs": ("list, show, retry or cancel the App's jobs", _served(_jobs)),
    }
    return command_line(sys.argv[1:] if argv is None else argv, more=more, outside=Outside(_review_pull, _app_checks))


if __name__ == "__main__":
    sys.exit(main())
