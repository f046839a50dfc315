"""The command `reviewer eval`: measure the reviewer on cases with known findings, and compare two measurements.

Exit codes: 0 done; 2 wrong usage, or a case that cannot be used (the others are measured); 3 the model or the judge
could not be used for a case (the others are measured, and all results are printed and saved).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from reviewer.errors import UsageError
from reviewer.evaluation.cases import read_cases
from reviewer.evaluation.relay import RelayClient
from reviewer.evaluation.results import EvaluationRun, read_run, to_json
from reviewer.evaluation.runner import ChangeOf, EvaluationContext, EvaluationRunner, ReviewedCase
from reviewer.evaluation.tables import compared_text, rate, run_text
from reviewer.llm.client import Client
from reviewer.llm.defaults import DEFAULT_MODEL
from reviewer.output.json import to_json as review_to_json
from reviewer.safety.terminal import line_safe

#: Reviews at the same time; each sends several prompts in parallel.
PARALLEL = 3

#: The most reviews of one case.
MOST_REPEATS = 50

#: Returns the client for a model id; None means the environment's model.
ClientOf = Callable[[str | None], Client]
CostOf = Callable[[Client], Decimal | None]
RelayOf = Callable[[Path], RelayClient]


def evaluate(argv: Sequence[str], change_of: ChangeOf, client_of: ClientOf, cost_of: CostOf, relay_of: RelayOf) -> int:
    """Run the command and return its exit code. Raises ReviewerError if it cannot start."""
    options = _parser().parse_args(argv)
    older = read_run(Path(options.compare)) if options.compare else None
    cases = Path(options.cases)
    run = read_run(cases) if cases.is_file() else _measured(options, change_of, client_of, cost_of, relay_of)
    for bad in run.bad_cases:
        _say(f"reviewer: bad case {bad.name}: {bad.problem}")
    for result in run.results:
        if result.problem:
            _say(f"reviewer: {result.case}: {result.problem}")
    if options.format == "json":
        _print(to_json(run, older))
    else:
        _print(run_text(run) + (f"\n{compared_text(older, run)}" if older else ""))
    codes = [result.exit_code for result in run.results] + [UsageError.exit_code for _ in run.bad_cases]
    return max(codes, default=0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reviewer eval",
        description="Review cases with known findings, and print recall, precision, F1 and cost.",
        epilog="A case is a folder with meta.json, known.json, pr.diff, base/ and head/. Exit codes: 0 done, "
        "2 wrong usage or a case that cannot be used, 3 the model or the judge could not be used.",
    )
    parser.add_argument("cases", metavar="DIR", help="the folder of the cases, or the run.json of an earlier run")
    parser.add_argument("--case", metavar="NAME", default="", help="only cases whose name contains this")
    parser.add_argument(
        "--model", metavar="ID", help=f"model to measure (default: $REVIEWER_MODEL, else {DEFAULT_MODEL})"
    )
    parser.add_argument(
        "--judge-model",
        metavar="ID",
        default=DEFAULT_MODEL,
        help="model that judges which findings match (default: %(default)s, whatever --model is)",
    )
    parser.add_argument(
        "--relay",
        metavar="DIR",
        help="send nothing: write each prompt to a file in this folder, and wait for its reply in another",
    )
    parser.add_argument("--repeat", metavar="N", type=_repeats, default=1, help="review each case N times")
    parser.add_argument("--compare", metavar="FILE", help="compare with the run.json of another run")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--output", metavar="DIR", help="save run.json and each review's JSON in this folder")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def _repeats(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_REPEATS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_REPEATS}")
    return int(text)


def _measured(
    options: argparse.Namespace, change_of: ChangeOf, client_of: ClientOf, cost_of: CostOf, relay_of: RelayOf
) -> EvaluationRun:
    cases, bad = read_cases(Path(options.cases), options.case)
    writer = _ResultWriter(Path(options.output) if options.output else None, options.quiet)
    writer.prepare()
    relay = relay_of(Path(options.relay)) if options.relay else None
    with relay or client_of(options.model) as client, relay or client_of(options.judge_model) as judge:
        salt = relay.salt() if relay else None
        context = EvaluationContext(change_of, client.ask, judge.ask, cost_of(client), salt)
        results = EvaluationRunner(context, PARALLEL, writer).run(cases, options.repeat)
        run = EvaluationRun(client.model, judge.model, options.repeat, results, bad)
    writer.write("run.json", to_json(run))
    return run


@dataclass(frozen=True, slots=True)
class _ResultWriter:
    """Prints progress, and saves each result at once, because it was paid for."""

    folder: Path | None
    quiet: bool

    def prepare(self) -> None:
        """Create the folder before anything is paid for."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"Cannot make the folder {self.folder}: {error.strerror}.") from error
        if not os.access(self.folder, os.W_OK):
            raise UsageError(f"Cannot write into {self.folder}. Name another folder.")

    def __call__(self, done: ReviewedCase) -> None:
        """Save and print one finished case."""
        result = done.result
        name = result.case if result.attempt == 1 else f"{result.case}-{result.attempt}"
        if done.review is not None:
            self.write(f"{name}.json", review_to_json(done.review))
        if not self.quiet:
            figures = (
                f"recall {rate(result.judged.recall)}, precision {rate(result.judged.precision)}"
                if result.judged
                else ""
            )
            _say(f"{name}: {result.problem or figures}")

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder, if there is one."""
        if self.folder is None:
            return
        try:
            (self.folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"Cannot write {self.folder / name}: {error.strerror}.") from error


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    sys.stderr.write(line_safe(text) + "\n")
    sys.stderr.flush()
