"""`reviewer doctor`: check what a review needs, with one tiny paid call, and say what to do about what is missing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reviewer import __version__
from reviewer.cli.asking.cache_folder import NoCacheFolder, cache_folder
from reviewer.cli.checks.config import settings_of_tree
from reviewer.cli.checks.diagnosis import Diagnosis, printed
from reviewer.cli.model_client import open_client
from reviewer.errors import ReviewerError, SettingsError
from reviewer.git.command import run_git
from reviewer.git.worktree import open_worktree
from reviewer.llm.client import Client
from reviewer.llm.errors import BrokenReply, ModelError
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.llm.models import model_named
from reviewer.llm.usage import Usage
from reviewer.output.wording import cost_text

#: The call that proves key, model and streaming. The tokens leave room for a model that thinks first.
_PING = Prompt(
    Task.ASK,
    (
        Message("system", "You answer with one word."),
        Message("user", "# Task: ask (doctor)\n\nThis proves that the connection works. Answer with the word: ready"),
    ),
    max_tokens=1_024,
)

#: Checks of the App, which this package knows nothing of.
MoreChecks = Callable[[], Iterator[Diagnosis]]


def run(more: MoreChecks | None = None) -> int:
    """Run the checks, print each result, and return the exit code: 0 where all is well.

    `more` are checked in place of the clone.
    """
    return printed(_checks(more))


def _checks(more: MoreChecks | None) -> Iterator[Diagnosis]:
    yield Diagnosis("version", f"minimax-reviewer {__version__}, Python {platform.python_version()}")
    if more is None:
        yield _git()
        yield _settings()
        yield _cache()
        yield _sandbox()
    yield from _model()
    if more is not None:
        yield from more()


def _git() -> Diagnosis:
    try:
        tree = open_worktree(Path.cwd())
        version = run_git(tree.root, "version").stdout.decode("utf-8", "replace").strip()
    except ReviewerError as error:
        return Diagnosis.of("repository", error)
    return Diagnosis("repository", f"this is a repository ({version})")


def _settings() -> Diagnosis:
    try:
        checked = settings_of_tree(Path.cwd())
    except ReviewerError as error:
        return Diagnosis.of("settings", error)
    if checked.problems:
        text = "\n".join(["correct these (`reviewer config` shows what holds):", *map(str, checked.problems)])
        return Diagnosis("settings", text, SettingsError.exit_code)
    return Diagnosis("settings", f"{checked.layers[0].path} is fine" if checked.layers else "no file: defaults hold")


def _cache() -> Diagnosis:
    try:
        return Diagnosis("kept answers", str(cache_folder(os.environ, Path.cwd())))
    except NoCacheFolder as error:
        return Diagnosis("kept answers", f"none: {error}", is_note=True)


def _sandbox() -> Diagnosis:
    if os.name != "posix":
        return Diagnosis("sandbox", "none on this system: suggested tests are not run", is_note=True)
    from reviewer.sandbox.sandbox import find_sandbox  # noqa: PLC0415 - cannot be imported on Windows

    try:
        find_sandbox()
    except ReviewerError as error:
        return Diagnosis("sandbox", f"suggested tests are not run: {error}", is_note=True)
    return Diagnosis("sandbox", "suggested tests can be run")


def _model() -> Iterator[Diagnosis]:
    """Yield whether the service answers, and whether a streamed call succeeds."""
    try:
        with open_client(None) as client:
            yield _listed(client)
            yield _answers(client)
    except ReviewerError as error:
        yield Diagnosis.of("model", error)


def _listed(client: Client) -> Diagnosis:
    try:
        models = client.models()
    except ModelError as error:
        return Diagnosis("models", f"{client.base_url} lists none: {error}", is_note=True)
    is_listed = client.model in models
    listed = "listed" if is_listed else f"not listed (the service lists {', '.join(models[:20])})"
    return Diagnosis("models", f"{client.base_url} answers; {client.model} is {listed}", is_note=not is_listed)


def _answers(client: Client) -> Diagnosis:
    """Make the call. A model that spent the few tokens on thinking has shown all the same that it can be used."""
    began = time.monotonic()
    try:
        attempts = client.complete(_PING).attempts
    except BrokenReply as error:
        if error.unusable is None or not error.unusable.ran_out:
            return Diagnosis.of("model", error)
        attempts = error.attempts
    except ReviewerError as error:
        return Diagnosis.of("model", error)
    seconds, cost = time.monotonic() - began, cost_text(Usage.of(attempts).cost_usd)
    price = "" if model_named(client.model, client.prices).price else "; its price is not known: set REVIEWER_PRICES"
    return Diagnosis("model", f"{client.model} streamed an answer in {seconds:.1f} s for {cost}{price}")
