"""The command line: find the command, run it, and turn expected failures into a message and an exit code.

Exit codes: 0 done (also: there was nothing to review), 1 findings at or above the fail level, 2 usage or settings,
3 the model could not be used, even if only for a part. A command's module is imported only when it runs, so `--help`
is fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from reviewer.cli.options import build_parser, split_paths
from reviewer.errors import ReviewerError

if TYPE_CHECKING:
    from reviewer.cli.checks.diagnosis import Diagnosis

#: Yields the results of the checks of the App.
AppChecks = Callable[[], "Iterator[Diagnosis]"]


class Outside(NamedTuple):
    """What the commands need of GitHub and the App, which this package knows nothing of.

    `review_pull` carries out `reviewer pr`, `app_checks` are those of `reviewer doctor --app`.
    """

    review_pull: Callable[[argparse.Namespace], int]
    app_checks: AppChecks


#: Commands that parse their own arguments: name -> (what it does, its main).
More = Mapping[str, tuple[str, Callable[[list[str]], int]]]


def main(argv: Sequence[str], *, more: More | None = None, outside: Outside) -> int:
    """Run a command and return its exit code. `more` are the commands of the App and the Action."""
    open_missing_streams()
    more = {**(more or {}), "eval": ("measure the reviewer on changes whose defects are known", _eval)}
    parser = build_parser({name: summary for name, (summary, _) in more.items()})
    words = list(argv)
    if words and words[0] in more:
        return _guarded(lambda: more[words[0]][1](words[1:]))
    words, paths = split_paths(words)
    options = parser.parse_args(words)
    options.paths = paths
    if options.command is None:
        parser.print_help()
        return 0
    run: Mapping[str, Callable[[argparse.Namespace], int]]
    run = {
        "diff": _diff,
        "tests": _tests,
        "fix": _fix,
        "doctor": partial(_doctor, outside.app_checks),
        "config": _config,
    }
    run = {**run, "pr": outside.review_pull, "completion": lambda options: _completion(options, parser)}
    return _guarded(lambda: run[options.command](options))


def _diff(options: argparse.Namespace) -> int:
    import gc  # noqa: PLC0415 - see the module's docstring

    # Modules stay to the end, so no search for cycles is worth its time while they are loaded, nor among them later.
    gc.disable()
    from reviewer.cli.diff import run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return run(options)


def _tests(options: argparse.Namespace) -> int:
    from reviewer.cli.tests import run  # noqa: PLC0415

    return run(options)


def _fix(options: argparse.Namespace) -> int:
    from reviewer.cli.proving.fix import run  # noqa: PLC0415

    return run(options)


def _doctor(app_checks: AppChecks, options: argparse.Namespace) -> int:
    from reviewer.cli.checks.doctor import run  # noqa: PLC0415

    return run(app_checks if options.app else None)


def _config(options: argparse.Namespace) -> int:
    from reviewer.cli.checks.config import run  # noqa: PLC0415

    return run(options)


def _completion(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from reviewer.cli.completion import completion_script  # noqa: PLC0415
    from reviewer.cli.console import print_line  # noqa: PLC0415

    print_line(completion_script(options.shell, parser).rstrip("\n"))
    return 0


def _eval(argv: list[str]) -> int:
    from reviewer.cli.eval import run  # noqa: PLC0415

    return run(argv)


def open_missing_streams() -> None:
    """Open what is closed of the standard streams (`<&-`, some schedulers) on the null device.

    Python has None in its place, and the first file that is opened would get its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _guarded(run: Callable[[], int]) -> int:
    """Run a command; an expected failure becomes a message and an exit code."""
    from reviewer.cli.console import STOPPED, discard_stdout, say  # noqa: PLC0415 - `--help` does without

    try:
        return run()
    except ReviewerError as error:
        say(f"reviewer: {error}")
        return error.exit_code
    except KeyboardInterrupt as error:
        say(f"reviewer: stopped. {error}".rstrip())
        return STOPPED
    except BrokenPipeError:
        discard_stdout()  # the reader (head, less) has ended: not a failure
        return 0
