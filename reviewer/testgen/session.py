"""From a checkout to tests that were run: copies made, a sandbox found, the tests proven, everything removed again.

Promises: the checkout itself is only read; without a sandbox nothing is run, and the reason is a `NotRun`, unless a
person asked for it without one. The one way in for the command line and the Action.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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
from reviewer.testgen.languages.generate import StagedTrees, prove_foreign
from reviewer.testgen.python.generate import prove

#: What titles and descriptions of changes that mend something say.
_MENDS = re.compile(r"\b(?:fix(?:e[sd])?|bug(?:fix)?|hotfix|regression|close[sd]?|resolve[sd]?)\b", re.IGNORECASE)

#: What a setup command is told of this machine.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "TMPDIR")


@dataclass(frozen=True, slots=True)
class CheckoutToTest:
    """A working tree on this machine and what its tests need.

    `base_sha` is the commit that the change starts from. `python` is the interpreter that has the repository's packages
    and its test framework; see `interpreters`. `sandboxed` False runs code with the rights of whoever asks: for a
    person's own code only. `private` are folders that no run may see, beside the person's home. `appends`
    is as in `ChangeUnderTest`.
    """

    root: Path
    base_sha: str
    python: Path
    sandboxed: bool = True
    private: tuple[Path, ...] = ()
    appends: bool = False


def proven_tests(
    change: Change, settings: Settings, checkout: CheckoutToTest, ask: Ask, *, salt: bytes, issue: str = ""
) -> GeneratedTests | NotRun:
    """Suggest tests for the change, run them, and return those that prove something. `salt` is as in `review`."""
    try:
        execute: SandboxRunner = find_sandbox(private=checkout.private) if checkout.sandboxed else unconfined_runner()
    except NoSandbox as error:
        return NotRun(f"Suggested tests are not run, as there is no sandbox here: {error}")
    fix = _MENDS.search(f"{change.title}\n{change.description[:2_000]}") is not None
    added = [file.path for file in change.diff.files if file.status is FileStatus.ADDED]
    budget = GenerationBudget(usd=settings.budget.per_review_usd)
    with (
        stage_working_tree(checkout.root, share=checkout.sandboxed) as head,
        _base(checkout, added, wanted=fix) as base,
    ):
        subject = ChangeUnderTest(
            change=change,
            head=head.tree,
            base=base.tree if base else None,
            shown_at=checkout.root,
            python=checkout.python,
            command=settings.tests.command,
            issue=issue,
            fix=fix,
            appends=checkout.appends,
            language=settings.review.language,
        )
        places = StagedTrees(head.tree, base.tree if base else None, checkout.root, Path.home())
        outcomes: list[GeneratedTests | NotRun] = []
        code = [file.path for file in change.diff.files if is_code(file.path) and not is_test(file.path)]
        try:
            if any(path.endswith(".py") for path in code):
                outcomes.append(prove(subject, ask, execute, salt=salt, budget=budget))
            if not all(path.endswith(".py") for path in code) or not outcomes:
                outcomes.append(prove_foreign(change, settings, places, ask, execute, salt=salt, budget=budget))
        except NoSandbox as error:
            return NotRun(f"Suggested tests are not run: {error}")
        return _together(outcomes)


def _together(outcomes: Sequence[GeneratedTests | NotRun]) -> GeneratedTests | NotRun:
    """Return what came of all languages; why one could not be run is a note beside what the other has."""
    proven = [one for one in outcomes if isinstance(one, GeneratedTests)]
    reasons = tuple(one.reason for one in outcomes if isinstance(one, NotRun))
    if not proven:
        return NotRun(reasons[0])
    return GeneratedTests(
        tests=tuple(test for one in proven for test in one.tests),
        reproductions=tuple(found for one in proven for found in one.reproductions),
        dropped=tuple(dropped for one in proven for dropped in one.dropped),
        notes=(*reasons, *(note for one in proven for note in one.notes)),
        usage=sum((one.usage for one in proven), Usage()),
        models=frozenset().union(*(one.models for one in proven)),
    )


@contextmanager
def _base(checkout: CheckoutToTest, added: Sequence[str], *, wanted: bool) -> Iterator[StagedTree | None]:
    """Give a copy of what the change starts from, where something is to be compared with it and git has it."""
    with ExitStack() as stack:
        base = None
        if wanted:
            with suppress(WorktreeError):  # a shallow clone may lack it: then mutants decide alone
                base = stack.enter_context(
                    stage_revision(checkout.root, checkout.base_sha, without=added, share=checkout.sandboxed)
                )
        yield base


def set_up(command: str, root: Path, *, seconds: float = 900.0) -> None:
    """Run a command that prepares the tests, in the checkout and with its network, without the reviewer's variables.

    Raises UsageError when it fails or does not end in time.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        # The words of the repository's own settings file: a shell is what they are written for.
        done = subprocess.run(  # noqa: S602
            command, shell=True, cwd=root, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"`tests.setup` did not end within {seconds:.0f} seconds: {command}") from error
    if done.returncode:
        said = terminal_safe(done.stderr.decode("utf-8", "replace")).strip().splitlines()
        raise UsageError(f"`tests.setup` failed ({done.returncode}): {command}: {said[-1] if said else 'no message'}")


def install_sandbox(environ: Mapping[str, str]) -> None:
    """Install bubblewrap on GitHub's own Linux runners, which are thrown away; elsewhere that is the owner's business.

    It is not preinstalled there. A failure is found by the sandbox's own test, which says what to do.
    """
    hosted = environ.get("RUNNER_ENVIRONMENT") == "github-hosted" and environ.get("RUNNER_OS") == "Linux"
    if not hosted or shutil.which("bwrap", path=environ.get("PATH")):
        return
    kept = {name: environ[name] for name in ("PATH", "HOME", "LANG") if name in environ}
    for words in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "bubblewrap"]):
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["sudo", "-n", *words], env=kept, capture_output=True, check=False, timeout=300)  # noqa: S603, S607
