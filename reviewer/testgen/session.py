"""Generate tests for a checkout: copy it, find a sandbox, generate and run tests, remove the copies.

This is the entry for the command line and the Action. The checkout itself is only read. Without a sandbox nothing is
run and the result is a `NotRun`, unless a person asked to run without one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reviewer.diff.model import FileStatus
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.errors import NoSandbox, UsageError, WorktreeError
from reviewer.languages.paths import is_code, is_test
from reviewer.llm.messages import Ask
from reviewer.llm.usage import Usage
from reviewer.safety.terminal import terminal_safe
from reviewer.sandbox.api import SandboxRunner
from reviewer.sandbox.sandbox import find_sandbox
from reviewer.sandbox.staging import StagedTree, stage_revision, stage_working_tree
from reviewer.sandbox.unconfined import unconfined_runner
from reviewer.testgen.evidence import ChangeUnderTest, GeneratedTests, GenerationBudget, NotRun
from reviewer.testgen.languages.generate import StagedTrees, generate_language_tests
from reviewer.testgen.progress import say_nothing
from reviewer.testgen.python.generate import generate_python_tests

#: The variables that a setup command gets.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "TMPDIR")


@dataclass(frozen=True, slots=True)
class CheckoutToTest:
    """A working tree on this machine and what its tests need.

    `base_sha` is the commit that the change starts from. `python` is the interpreter with the repository's packages and
    test framework; see `python.interpreter`. If `sandboxed` is False, code runs with the user's own rights: only for a
    person's own code. `private` are folders that no run may see, beside the person's home. `appends` is as in
    `ChangeUnderTest`. `command` is a test command that comes before the configured one.
    """

    root: Path
    base_sha: str
    python: Path
    sandboxed: bool = True
    private: tuple[Path, ...] = ()
    appends: bool = False
    command: str | None = None


def proven_tests(
    change: Change,
    settings: Settings,
    checkout: CheckoutToTest,
    ask: Ask,
    *,
    salt: bytes,
    issue: str = "",
    progress: Callable[[str], None] = say_nothing,
) -> GeneratedTests | NotRun:
    """Suggest tests for the change, run them, and return those that prove something.

    `salt` is as in `review`; `progress` gets what runs, in words.
    """
    try:
        execute: SandboxRunner = find_sandbox(private=checkout.private) if checkout.sandboxed else unconfined_runner()
    except NoSandbox as error:
        return NotRun(f"Suggested tests are not run, because there is no sandbox here: {error}")
    added = [file.path for file in change.diff.files if file.status is FileStatus.ADDED]
    with (
        stage_working_tree(checkout.root, share=checkout.sandboxed) as head,
        _base(checkout, added) as base,
    ):
        subject = ChangeUnderTest(
            change=change,
            head=head.tree,
            base=base.tree if base else None,
            shown_at=checkout.root,
            python=checkout.python,
            command=checkout.command or settings.tests.command,
            issue=issue,
            appends=checkout.appends,
            language=settings.review.language,
        )
        places = StagedTrees(head.tree, base.tree if base else None, checkout.root, Path.home(), checkout.sandboxed)
        try:
            return _together(_by_language(subject, settings, places, ask, execute, salt=salt, progress=progress))
        except NoSandbox as error:
            return NotRun(f"Suggested tests are not run: {error}")


def _by_language(
    subject: ChangeUnderTest,
    settings: Settings,
    places: StagedTrees,
    ask: Ask,
    execute: SandboxRunner,
    *,
    salt: bytes,
    progress: Callable[[str], None],
) -> list[GeneratedTests | NotRun]:
    """Generate tests for Python, and for another language of the change."""
    budget = GenerationBudget(usd=settings.budget.per_review_usd)
    change = subject.change
    code = [file.path for file in change.diff.files if is_code(file.path) and not is_test(file.path)]
    outcomes: list[GeneratedTests | NotRun] = []
    if any(path.endswith(".py") for path in code):
        outcomes.append(generate_python_tests(subject, ask, execute, salt=salt, budget=budget, progress=progress))
    if not all(path.endswith(".py") for path in code) or not outcomes:
        outcomes.append(
            generate_language_tests(change, settings, places, ask, execute, salt=salt, budget=budget, progress=progress)
        )
    return outcomes


def _together(outcomes: Sequence[GeneratedTests | NotRun]) -> GeneratedTests | NotRun:
    """Combine the results of all languages; the reason why one was not run becomes a note."""
    generated = [outcome for outcome in outcomes if isinstance(outcome, GeneratedTests)]
    reasons = tuple(outcome.reason for outcome in outcomes if isinstance(outcome, NotRun))
    if not generated:
        return NotRun(reasons[0])
    return GeneratedTests(
        tests=tuple(test for outcome in generated for test in outcome.tests),
        reproductions=tuple(found for outcome in generated for found in outcome.reproductions),
        dropped=tuple(dropped for outcome in generated for dropped in outcome.dropped),
        left_out=tuple(dropped for outcome in generated for dropped in outcome.left_out),
        undecided={path: unit for outcome in generated for path, unit in outcome.undecided.items()},
        notes=(*reasons, *(note for outcome in generated for note in outcome.notes)),
        usage=sum((outcome.usage for outcome in generated), Usage()),
        models=frozenset().union(*(outcome.models for outcome in generated)),
        unanswered=sum(outcome.unanswered for outcome in generated),
    )


@contextmanager
def _base(checkout: CheckoutToTest, added: Sequence[str]) -> Iterator[StagedTree | None]:
    """Yield a copy of the base, if git has it."""
    with ExitStack() as stack:
        base = None
        with suppress(WorktreeError):  # a shallow clone may lack it; then only mutants decide
            base = stack.enter_context(
                stage_revision(checkout.root, checkout.base_sha, without=added, share=checkout.sandboxed)
            )
        yield base


def set_up(command: str, root: Path, *, seconds: float = 900.0) -> None:
    """Run a command that prepares the tests, in the checkout, with network but without the reviewer's variables.

    Only for a command that the person named or confirmed: it runs with the person's rights. Raises UsageError if it
    fails or does not end in time.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        # The person named or confirmed the command, and it is written for a shell.
        done = subprocess.run(  # noqa: S602
            command, shell=True, cwd=root, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"The setup command did not end within {seconds:.0f} seconds: {command}") from error
    if done.returncode:
        lines = terminal_safe(done.stderr.decode("utf-8", "replace")).strip().splitlines()
        raise UsageError(
            f"The setup command failed ({done.returncode}): {command}: {lines[-1] if lines else 'no message'}"
        )


def install_sandbox(environ: Mapping[str, str]) -> None:
    """Install bubblewrap on GitHub's own Linux runners, which are discarded after a job. Elsewhere the owner does it.

    It is not preinstalled there. The sandbox's self-test reports a failure and says what to do.
    """
    hosted = environ.get("RUNNER_ENVIRONMENT") == "github-hosted" and environ.get("RUNNER_OS") == "Linux"
    if not hosted or shutil.which("bwrap", path=environ.get("PATH")):
        return
    kept = {name: environ[name] for name in ("PATH", "HOME", "LANG") if name in environ}
    for words in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "bubblewrap"]):
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["sudo", "-n", *words], env=kept, capture_output=True, check=False, timeout=300)  # noqa: S603, S607
