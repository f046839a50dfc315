"""The command line: `reviewer diff` reviews a local change. Result on stdout, progress on stderr.

Exit codes: 0 done, 1 findings at or above the fail level, 2 usage or settings (also: there was nothing to review),
3 the model could not be used. Imports what a command needs only when it runs: `--help` is instant.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.cli.options import build_parser
from reviewer.errors import ReviewerError, UsageError

if TYPE_CHECKING:
    from decimal import Decimal

    from reviewer.diff.model import Diff
    from reviewer.domain.change import Change
    from reviewer.domain.findings import Review
    from reviewer.domain.settings import Settings
    from reviewer.llm.client import Client
    from reviewer.llm.errors import ModelError
    from reviewer.llm.messages import Ask, Prompt, Reply

#: Commands that other floors bring along: name -> (what it does, its main).
More = Mapping[str, tuple[str, Callable[[list[str]], int]]]

DONE, FOUND, USAGE = 0, 1, 2

_NO_CLONE = "Suggested tests were not run: with --diff there is no clone to run them in."
_KEY_HELP = "Set RUNAPI_KEY to your RunAPI key (https://runapi.ai), for example: export RUNAPI_KEY=..."


def main(argv: Sequence[str], *, more: More | None = None) -> int:
    """Run a command and return its exit code. `more` are the commands of the App and the Action."""
    more = {**(more or {}), "eval": ("measure the reviewer on changes whose defects are known", _eval)}
    parser = build_parser({name: what for name, (what, _) in more.items()})
    words = list(argv)
    if words and words[0] in more:
        return _guarded(lambda: more[words[0]][1](words[1:]))
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help()
        return DONE
    return _guarded(lambda: {"diff": diff, "tests": tests, "doctor": doctor}[options.command](options))


def _guarded(run: Callable[[], int]) -> int:
    """Turn expected failures into a message and an exit code."""
    try:
        return run()
    except ReviewerError as error:
        _say(f"reviewer: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say("reviewer: stopped")
        return 130
    except BrokenPipeError:
        _drop_stdout()  # the reader (head, less) went away: not a failure
        return DONE


def _drop_stdout() -> None:
    """Let what is still buffered for standard output go nowhere: writing it at the end would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def diff(options: argparse.Namespace) -> int:
    """Review a local change and print the review."""
    # The interpreter need not search all modules for cycles when it ends: an eighth of the time of a whole run.
    atexit.register(gc.freeze)
    from reviewer.cli.local_change import change_of_diff, change_of_range  # noqa: PLC0415 - see the module's docstring

    _check_together(options)
    _check_output(options.output)
    tell = _quiet if options.quiet else _say
    change, settings = change_of_range(options.range, tell) if options.diff is None else change_of_diff(options.diff)
    if not change.diff.files:
        raise UsageError("There is nothing to review: the diff is empty.")
    with _client(options.model) as client:
        ask = client.ask if options.quiet else _telling(client)
        done = _reviewed(change, _uncapped(settings), options, ask, _cost(client), tell)
    _emit(_rendered(done, change.diff, options), options.output)
    if not done.files_reviewed:
        _say("reviewer: nothing was reviewed:")
        for one in done.skipped:
            _say(f"  {one.path}: {one.reason}")
        return USAGE
    return _verdict(done, settings, options.fail_level)


def _check_together(options: argparse.Namespace) -> None:
    """Refuse options that would do nothing: whoever gives one expects something of it."""
    if options.diff is not None and options.range:
        raise UsageError("Give either a RANGE or --diff, not both.")
    idle = [
        name
        for name, given in (
            ("--patch", options.patch is not None),
            ("--python", options.python is not None),
            ("--sandbox", options.sandbox != "auto"),
        )
        if given
    ]
    if idle and not options.tests:
        raise UsageError(f"{idle[0]} is about tests that are run: give --tests as well.")
    if idle and options.diff is not None:
        raise UsageError(f"{idle[0]} is about tests that are run, and with --diff there is no clone to run them in.")


def _reviewed(
    change: Change,
    settings: Settings,
    options: argparse.Namespace,
    ask: Ask,
    cost: Decimal | None,
    tell: Callable[[str], None],
) -> Review:
    """Review the change; with `--tests` suggest tests too, which are run where there is a clone to run them in."""
    import secrets  # noqa: PLC0415 - see the module's docstring
    from dataclasses import replace  # noqa: PLC0415

    from reviewer.tasks.review import ReviewOptions, review  # noqa: PLC0415

    salt = secrets.token_bytes(16)
    wish = ReviewOptions(tests=options.tests, deeper=options.refactor, cost_per_thousand=cost)
    if not options.tests:
        return review(change, settings, ask, salt=salt, wish=wish)
    if options.diff is not None:
        done = review(change, settings, ask, salt=salt, wish=wish)
        return replace(done, notes=(*done.notes, _NO_CLONE)) if done.tests else done
    from reviewer.cli import run_tests  # noqa: PLC0415
    from reviewer.testgen.evidence import NotRun  # noqa: PLC0415
    from reviewer.testgen.merge import with_proven  # noqa: PLC0415

    _check_output(options.patch)
    outcome = run_tests.run_tests(change, settings, options, ask, salt, tell)
    wish = replace(wish, tests=isinstance(outcome, NotRun))
    done = with_proven(review(change, settings, ask, salt=salt, wish=wish), outcome)
    run_tests.write_patch(outcome, options.patch, tell)
    return done


def tests(options: argparse.Namespace) -> int:
    """Suggest unit tests for a local change, run them, and print those that prove something."""
    import secrets  # noqa: PLC0415 - see the module's docstring

    from reviewer.cli import run_tests  # noqa: PLC0415
    from reviewer.cli.local_change import change_of_range  # noqa: PLC0415
    from reviewer.testgen.evidence import NotRun  # noqa: PLC0415

    _check_output(options.output)
    _check_output(options.patch)
    tell = _quiet if options.quiet else _say
    change, settings = change_of_range(options.range, tell)
    with _client(options.model) as client:
        ask = client.ask if options.quiet else _telling(client)
        outcome = run_tests.run_tests(change, settings, options, ask, secrets.token_bytes(16), tell)
    if isinstance(outcome, NotRun):
        raise UsageError(outcome.reason)
    _emit(_rendered(run_tests.told(outcome), change.diff, options, title=run_tests.headline(outcome)), options.output)
    run_tests.write_patch(outcome, options.patch, tell)
    return DONE


def _check_output(output: str | None) -> None:
    """Refuse a place that cannot be written before anything is paid for."""
    if output is not None and (Path(output).is_dir() or not os.access(Path(output).parent, os.W_OK)):
        raise UsageError(f"Cannot write {output}: it is a folder, or its folder cannot be written. Name another file.")


def _uncapped(settings: Settings) -> Settings:
    """Return the settings without the cap on comments: it spares a pull request's readers, not who asked just now."""
    return settings.model_copy(update={"review": settings.review.model_copy(update={"max_comments": 10_000})})


def _verdict(done: Review, settings: Settings, asked: str | None) -> int:
    from reviewer.domain.settings import FailLevel  # noqa: PLC0415

    level = FailLevel(asked) if asked else settings.review.fail_level
    return FOUND if any(level.fails(one.severity) for one in done.findings) else DONE


def _client(model: str | None) -> Client:
    """Build the model's client from the environment."""
    from dataclasses import replace  # noqa: PLC0415

    from reviewer.llm.client import Client  # noqa: PLC0415
    from reviewer.llm.client_settings import read_client_settings  # noqa: PLC0415

    settings = read_client_settings(os.environ)
    if not settings.key:
        from reviewer.llm.errors import BadKey  # noqa: PLC0415

        raise BadKey(f"No key. {_KEY_HELP}")
    return Client.from_settings(replace(settings, model=model) if model else settings)


def _cost(client: Client) -> Decimal | None:
    from reviewer.llm.models import model_named  # noqa: PLC0415
    from reviewer.tasks.planning.cost_estimate import cost_per_thousand  # noqa: PLC0415

    return cost_per_thousand(model_named(client.model, client.prices))


def _telling(client: Client) -> Ask:
    """Return `ask` with a line on standard error before each batch."""

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        counts = Counter(prompt.task.value for prompt in prompts)
        what = ", ".join(f"{number} x {task}" for task, number in counts.items())
        _say(f"asking {client.model} (calls: {what})")
        return client.ask(prompts)

    return ask


def _rendered(done: Review, source: Diff, options: argparse.Namespace, title: str | None = None) -> str:
    if options.format == "sarif":
        from reviewer.output.sarif import to_sarif  # noqa: PLC0415

        return to_sarif(done, source)
    from reviewer.output import report  # noqa: PLC0415

    if options.format == "json":
        return report.to_json(done)
    if options.format == "markdown":
        text = report.to_markdown(done, source, title=title)
    else:
        colour = not options.output and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        text = report.to_text(done, colour=colour, source=source, title=title)
    if options.output or os.environ.get("GITHUB_ACTIONS") != "true" or not ("::" in text or "##[" in text):
        return text
    from reviewer.safety.terminal import workflow_safe  # noqa: PLC0415

    return workflow_safe(text)  # a runner takes orders from what is printed, and this quotes code


def _emit(text: str, output: str | None) -> None:
    data = (text if text.endswith("\n") else text + "\n").encode("utf-8", "backslashreplace")
    if output is None:
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            _drop_stdout()
            raise UsageError(f"Cannot write to standard output: {error.strerror}.") from error
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise UsageError(f"Cannot write {output}: {error.strerror}.") from error


def _eval(argv: list[str]) -> int:
    """Measure reviews that are made as `diff` makes them, but for the cap on comments: it is part of what is posted."""
    from reviewer.cli.local_change import staged_change  # noqa: PLC0415
    from reviewer.evaluation.command import evaluate  # noqa: PLC0415

    return evaluate(argv, staged_change, _client, _cost)


def doctor(options: argparse.Namespace) -> int:
    """Check what a review needs, and print what is there and what is missing."""
    del options
    from reviewer.git.worktree import open_worktree  # noqa: PLC0415

    code = DONE
    try:
        open_worktree(Path.cwd())
        _tell("git: this is a repository")
    except UsageError as error:
        _tell(f"git: {error}")
        code = error.exit_code
    with _client(None) as client:
        known = client.models()
        listed = "listed" if client.model in known else f"not listed (listed are {', '.join(known)})"
        _tell(f"model: {client.base_url} answers; {client.model} is {listed}")
    return code


def _tell(text: str) -> None:
    """Print a line of a result at once: the next may take a while."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _quiet(_text: str) -> None:
    """Say nothing."""


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
