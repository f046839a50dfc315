"""Find the checkout that tests are run in, and prepare it as the person asked.

Code of the change runs only in a sandbox, unless a person gives `--sandbox none`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from reviewer.cli.console import say
from reviewer.cli.local_change import selection_of
from reviewer.cli.proving.setup_consent import allowed_command, confirm
from reviewer.domain.settings import Settings
from reviewer.errors import UsageError
from reviewer.git.worktree import open_worktree
from reviewer.testgen.evidence import NotRun
from reviewer.testgen.python.interpreter import python_of
from reviewer.testgen.session import CheckoutToTest, set_up


def checkout_to_test(
    settings: Settings, options: argparse.Namespace, progress: Callable[[str], None], *, what: str
) -> CheckoutToTest | NotRun:
    """Return the checkout of `options.range`, set up; `what` is to be run there ("suggested tests")."""
    tree = open_worktree(Path.cwd())
    local = tree.diff(options.range, selection_of(options, tree.root))
    if not tree.holds(local):
        return NotRun(
            f"{what.capitalize()} are not run: the files here are not those at the end of the range. "
            "Check that commit out, without local changes, or leave the range out."
        )
    python = python_of(tree.root, os.environ, options.python or "")
    checkout = CheckoutToTest(
        tree.root, local.base_sha, python, sandboxed=options.sandbox != "none", command=options.tests_command
    )
    progress(f"running {what} with {python}{'' if checkout.sandboxed else ', without a sandbox'}")
    _prepare(settings.tests.setup, options, checkout.root, progress)
    return checkout


def _prepare(configured: str | None, options: argparse.Namespace, root: Path, progress: Callable[[str], None]) -> None:
    """Run the setup command that the person named or confirmed; say so if the repository's own is not run."""
    if options.confirm_setup and not options.setup:
        raise UsageError("--confirm-setup needs the command that you confirm: --setup COMMAND.")
    command, message = allowed_command(configured, options.setup, root, os.environ)
    if command is None and message:
        say(message)
    elif command is not None:
        progress(message)
        set_up(command, root)
        if options.confirm_setup:
            confirm(command, root, os.environ)
