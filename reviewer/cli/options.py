"""The options of the command line, and the text of `--help`. Imports no other package, so `--help` is fast."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from decimal import Decimal

from reviewer import __version__
from reviewer.llm.defaults import DEFAULT_MODEL
from reviewer.output.formats import FORMATS

#: The shells for which `reviewer completion` writes a script.
SHELLS = ("bash", "zsh", "fish")


def build_parser(more: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser of `reviewer`. `more` are commands that parse their own arguments: name -> what it does."""
    parser = argparse.ArgumentParser(
        prog="reviewer",
        description="Review code changes with MiniMax models.",
        epilog="Environment: RUNAPI_KEY (required), RUNAPI_BASE_URL, REVIEWER_MODEL, REVIEWER_FALLBACK_MODELS, "
        "REVIEWER_PRICES.",
    )
    parser.add_argument("--version", action="version", version=f"minimax-reviewer {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_diff(commands)
    _add_pull(commands)
    _add_tests(commands)
    _add_fix(commands)
    _add_checks(commands)
    completion = commands.add_parser("completion", help="print what makes a shell complete commands and options")
    completion.add_argument("shell", choices=SHELLS)
    for name, summary in more.items():
        commands.add_parser(name, help=summary, add_help=False)
    return parser


def _add_diff(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    review = commands.add_parser(
        "diff",
        help="review a local change",
        description="Review a local change: by default everything that differs from the default branch, uncommitted "
        "changes included.",
        epilog="Exit codes: 0 done, or nothing to review; 1 findings at or above the fail level; 2 wrong usage or "
        "settings; 3 the model could not be used, also for a part of the change or for the second pass alone; "
        "130 stopped with Ctrl-C. To switch an option off, write --no-OPTION.",
    )
    _add_range(review)
    review.add_argument("--diff", metavar="FILE", help="review this unified diff instead (- for standard input)")
    _add_result(review, *FORMATS)
    _add_spending(review)
    _add_flag(review, "--refactor", help="also look for code that could be simpler")
    _add_flag(review, "--apply", help="ask about each proven suggestion, and write it into the file (like git add -p)")
    _add_flag(review, "--tests", help="also suggest unit tests, and run them")
    _add_flag(review, "--prove", help="also show findings by tests that fail, and fixes by tests that pass")
    _add_proving(review)
    _add_testing(review)


def _add_fix(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fix = commands.add_parser(
        "fix",
        help="review a local change, and show or apply fixes that tests demonstrate",
        description="Review a local change, show findings by tests that fail, and the fixes with which these tests and "
        "the repository's own pass. Nothing runs without a sandbox, unless you give --sandbox none.",
        epilog="Exit codes: as for `reviewer diff`, but never 1: 0 with or without a fix.",
    )
    _add_range(fix)
    _add_result(fix, *FORMATS)
    _add_flag(fix, "--apply", help="write the fixes into the working tree, after showing the diff")
    _add_flag(fix, "--with-tests", help="with --apply: also write the tests that failed without the fixes")
    _add_spending(fix)
    _add_proving(fix)
    _add_testing(fix)
    fix.set_defaults(prove=True, tests=False, refactor=False, diff=None)


def _add_proving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prove-level",
        choices=("error", "warning"),
        help="lowest severity of findings to show by running (default: tests.demonstrate of the settings, else error)",
    )


def _add_spending(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fail-level",
        choices=("error", "warning", "info", "never"),
        help="exit 1 when a finding is at least this severe (default: review.fail_level of the settings, else never)",
    )
    _add_limits(parser)
    parser.add_argument(
        "--relay",
        metavar="DIR",
        help="send nothing: write each prompt to a file in this folder, and wait for its reply in another",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    _add_flag(parser, "--dry-run", help="show what would be sent, and its likely cost, but send nothing")
    parser.add_argument(
        "--max-usd",
        type=_dollars,
        metavar="N",
        help="ask before a run that is likely to cost more dollars (default on a terminal: 1); without a terminal, "
        "make none",
    )


def _add_pull(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    pull = commands.add_parser(
        "pr",
        help="review a pull request of GitHub by its number or address",
        description="Review a pull request, by its number in the repository of this clone's remote or by its address, "
        "and print the review. It is read over GitHub's API with the token in GITHUB_TOKEN or GH_TOKEN.",
        epilog="Exit codes: as for `reviewer diff`; 3 also where GitHub could not be used.",
    )
    pull.add_argument("pull", metavar="NUMBER|URL", help="12, or https://github.com/OWNER/NAME/pull/12")
    pull.add_argument("--repo", metavar="OWNER/NAME", help="the repository of NUMBER (default: the clone's remote)")
    _add_flag(pull, "--post", help="also post the review on the pull request, as the App does")
    _add_result(pull, *FORMATS)
    _add_spending(pull)
    _add_flag(pull, "--refactor", help="also look for code that could be simpler")


def _add_tests(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tests = commands.add_parser(
        "tests",
        help="suggest unit tests for a local change, and run them",
        description="Suggest unit tests for a local change, run them, and show those that proved something. Nothing "
        "runs without a sandbox, unless you give --sandbox none.",
        epilog="Exit codes: 0 done, with or without a test; 2 wrong usage or settings, or nothing can be run; "
        "3 the model could not be used, also for a part alone; 130 stopped with Ctrl-C.",
    )
    _add_range(tests)
    _add_result(tests, *(name for name, form in FORMATS.items() if form.shows_tests))
    _add_limits(tests)
    _add_testing(tests)


def _add_checks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check key, model, settings and sandbox, with one tiny paid call",
        description="Check what a review needs, with one tiny paid call (under a cent), and say what to do about "
        "what is missing.",
        epilog="Exit codes: 0 all is well; 2 something is wrong with the clone, the settings or a variable; 3 with the "
        "model or GitHub.",
    )
    _add_flag(doctor, "--app", help="check the App instead: its id, key, webhook, permissions, store and worker")
    config = commands.add_parser(
        "config",
        help="check the settings of the working tree, and show what holds",
        description="Check the settings of the working tree, committed or not, and show every setting that holds and "
        "where it comes from.",
        epilog="Exit codes: 0 all is well; 2 something is wrong (each problem is printed with its line).",
    )
    config.add_argument("file", nargs="?", metavar="FILE", help="check this file instead")


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except ArithmeticError:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text} is not an amount of dollars: give a number such as 0.50")
    return amount


def split_paths(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--` and the paths behind it; argparse would take the first path for the range."""
    end = list(words).index("--") if "--" in words else len(words)
    return list(words[:end]), list(words[end + 1 :])


def _add_flag(parser: argparse.ArgumentParser, *names: str, help: str, default: bool = False) -> None:  # noqa: A002
    """Add an option that is on or off; `--no-NAME` takes it back, as git's options do. The help shows the other one."""
    place = names[0].removeprefix("--").replace("-", "_")
    taken_back = [f"--no-{name.removeprefix('--')}" for name in names]
    for words, action, shown in ((names, "store_true", not default), (taken_back, "store_false", default)):
        text = help if shown else argparse.SUPPRESS
        parser.add_argument(*words, dest=place, action=action, default=default, help=text)


def _add_range(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"{parser.prog} [RANGE] [options] [-- PATH ...]"
    parser.add_argument("range", nargs="?", metavar="RANGE", help="as for git diff: A..B, A...B, or one revision")
    _add_flag(parser, "--staged", "--cached", help="only what is staged, compared with HEAD or with one revision")
    _add_flag(
        parser,
        "--untracked",
        help="also files that git does not track yet, except those whose names say that they hold secrets or dumps",
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="also these untracked files, whatever their names (a path in the repository or a pattern; repeatable)",
    )


def _add_result(parser: argparse.ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=formats, default=formats[0], help=f"default: {formats[0]}")
    parser.add_argument("--output", metavar="FILE", help="write the result to this file instead of standard output")
    parser.add_argument("--model", metavar="ID", help=f"model to use (default: $REVIEWER_MODEL, else {DEFAULT_MODEL})")
    _add_flag(parser, "--quiet", help="no progress on standard error")
    _add_flag(
        parser,
        "--cache",
        default=True,
        help="neither read nor keep answers that were paid for (they are kept for 7 days)",
    )


def _add_testing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="interpreter that has the repository's packages (default: .venv, the active one, or the PATH's)",
    )
    parser.add_argument(
        "--sandbox",
        choices=("auto", "none"),
        default="auto",
        help="auto: run tests in a sandbox or not at all; none: run them with your rights, for your own code only",
    )
    parser.add_argument(
        "--tests-command",
        metavar="COMMAND",
        help="the pytest or unittest command of the repository's tests, instead of `tests.command` or a guess",
    )
    parser.add_argument(
        "--setup",
        metavar="COMMAND",
        help="run this command in the checkout before the tests, with your rights (tests.setup of the repository runs "
        "only if you confirmed it; empty: run none)",
    )
    _add_flag(
        parser,
        "--confirm-setup",
        help="with --setup: if it is tests.setup of this repository, run it from now on without being named",
    )
    parser.add_argument(
        "--patch",
        metavar="FILE",
        help="write the tests that proved something, or the fixes, to this file, as a patch for git apply",
    )
