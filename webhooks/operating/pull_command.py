"""`reviewer pr`: review a pull request by its number or address with a person's token, and print or post the review."""

from __future__ import annotations

import argparse
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from reviewer.cli.asking.progress import Progress
from reviewer.cli.asking.reviewing import ended, made_review, uncapped
from reviewer.cli.asking.session import AskingSession
from reviewer.cli.console import check_writable, say
from reviewer.cli.model_client import cost_of
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import FailLevel
from reviewer.errors import ReviewerError, SettingsError, UsageError, WorktreeError
from reviewer.git.command import git_answer
from reviewer.git.worktree import open_worktree
from reviewer.llm.client_settings import unquoted
from reviewer.tasks.review import ReviewOptions, review
from webhooks.environment import read_api_url
from webhooks.events.job import Job, Trigger
from webhooks.github.credentials import Credentials
from webhooks.github.repository import Repository, connect
from webhooks.github.types import Pull
from webhooks.handling.fetch import FetchedPull, change_of, fetch
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobEnding
from webhooks.handling.review_changes import ReviewRequest
from webhooks.handling.review_pull import review_pull
from webhooks.registration.manifest import web_url_of

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_PULL_PATH = re.compile(r"/([A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})/pull/(\d{1,9})(?:/.*)?")
_SCP_FORM = re.compile(r"(?:[^@/\s]{1,100}@)?([A-Za-z0-9.-]{1,253}):(?!//)(.{1,300})")

#: The remotes whose pull requests a number may mean; a fork's clone often names the other repository `upstream`.
_REMOTES = ("upstream", "origin")


@dataclass(frozen=True, slots=True)
class PullPlace:
    """Which pull request is meant."""

    repository: str
    number: int


def run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the command and return its exit code. Raises ReviewerError."""
    check_writable(options.output)
    token = unquoted(environ.get("GITHUB_TOKEN", "")) or unquoted(environ.get("GH_TOKEN", ""))
    if not token:
        raise SettingsError(
            "No token for GitHub. Set GITHUB_TOKEN to one that may read the repository, for example: "
            "export GITHUB_TOKEN=$(gh auth token)"
        )
    api_url = read_api_url(environ)
    place = pull_place(options.pull, options.repo, web_url_of(api_url))
    repository = connect(Credentials(api_url=api_url, token=token), place.repository)
    with Progress(quiet=options.quiet) as progress:
        progress.say(f"reading {place.repository}#{place.number} from {api_url}")
        pull = repository.pull(place.number)
        fetched = _fetched(repository, pull)
        change = change_of(repository, pull, fetched)
        make = partial(_posted, repository, pull) if options.post else partial(_read_only, change)
        finished = made_review(change, fetched.settings, options, progress, partial(make, fetched, options))
    return ended(finished, fetched.diff, options, fetched.settings.review.fail_level)


def pull_place(text: str, repository: str | None, web_url: str) -> PullPlace:
    """Return which pull request a number or an address means. Raises UsageError.

    The token is sent to the GitHub that GITHUB_API_URL names and to no other, whatever an address says.
    """
    number = text.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        name = repository or _repository_of_clone(Path.cwd(), web_url)
        if not _REPOSITORY.fullmatch(name):
            raise UsageError(f"--repo {name} is not a repository: give OWNER/NAME.")
        return PullPlace(name, int(number))
    try:
        parts = urlsplit(text)
        path = _PULL_PATH.fullmatch(parts.path)
    except ValueError:
        path = None
    if path is None or parts.scheme not in {"http", "https"}:
        raise UsageError(f"{text} is not a pull request: give its number, or https://HOST/OWNER/NAME/pull/NUMBER.")
    if parts.netloc.lower() != urlsplit(web_url).netloc.lower():
        raise UsageError(
            f"{parts.netloc} is not the GitHub of GITHUB_API_URL ({web_url}). For an Enterprise Server set "
            f"GITHUB_API_URL=https://{parts.netloc}/api/v3 and a token of it."
        )
    if repository and repository.lower() != path[1].lower():
        raise UsageError("Give either an address or --repo, not both.")
    return PullPlace(path[1], int(path[2]))


def _repository_of_clone(folder: Path, web_url: str) -> str:
    """Return `owner/name` of the clone's remote on that GitHub. Raises UsageError where there is none."""
    try:
        root = open_worktree(folder).root
    except WorktreeError as error:
        raise UsageError(f"Which repository? Give --repo OWNER/NAME, or the address. ({error})") from error
    host = urlsplit(web_url).hostname or ""
    for remote in _REMOTES:
        url = git_answer(root, "config", "--get", f"remote.{remote}.url") or ""
        if name := repository_of_remote(url, host):
            return name
    raise UsageError(f"No remote of this clone is a repository on {host}: give --repo OWNER/NAME, or the address.")


def repository_of_remote(url: str, host: str) -> str:
    """Return `owner/name` of a remote's address if it is on that host, else ""."""
    if short := _SCP_FORM.fullmatch(url):
        there, path = short[1], short[2]
    else:
        try:
            parts = urlsplit(url)
            there, path = parts.hostname or "", parts.path
        except ValueError:
            return ""
    name = path.strip("/").removesuffix(".git")
    same = there.lower() in {host.lower(), f"ssh.{host.lower()}"}
    return name if same and _REPOSITORY.fullmatch(name) else ""


def _fetched(repository: Repository, pull: Pull) -> FetchedPull:
    """Fetch the change and the settings, and print problems of these. Raises SettingsError where they stop a review."""
    fetched = fetch(repository, pull)
    for problem in fetched.problems:
        say(f"reviewer: {problem}")
    if any(problem.stops for problem in fetched.problems):
        raise SettingsError(
            "Nothing was reviewed, because the settings do not say what may be. Correct them on the base."
        )
    return fetched


def _read_only(change: Change, fetched: FetchedPull, options: argparse.Namespace, session: AskingSession) -> Review:
    """Review the change and post nothing."""
    review_options = ReviewOptions(tests=False, deeper=options.refactor, cost_per_thousand=cost_of(session.client))
    with session.calls.ending_early():
        return review(change, uncapped(fetched.settings), session.calls.ask, salt=session.salt, options=review_options)


def _posted(
    repository: Repository, pull: Pull, fetched: FetchedPull, options: argparse.Namespace, session: AskingSession
) -> Review:
    """Review the whole pull request and post the review, as the command `/review` does. Raises ReviewerError.

    After Ctrl-C nothing is posted.
    """
    key = f"{repository.name}#{pull.number}@{pull.head_sha}"
    job = Job(key, repository.name, pull.number, Trigger.COMMAND, f"cli-{secrets.token_hex(8)}", pull.head_sha)
    calls = session.calls
    context = JobContext(
        repository,
        calls.ask,
        session.salt,
        is_wanted=lambda: not calls.is_stopped,
        cost_per_thousand=cost_of(session.client),
        again=True,
        fail_level=FailLevel(options.fail_level) if options.fail_level else fetched.settings.review.fail_level,
    )
    with calls.ending_early():
        outcome = review_pull(job, context, pull, fetched, ReviewRequest(everything=True, deeper=options.refactor))
    if outcome.error is not None:
        raise outcome.error
    if outcome.state is not JobEnding.REVIEWED or outcome.review is None:
        raise ReviewerError(f"Nothing was posted: {outcome.reason}.")
    if outcome.sent.refused:
        say(f"reviewer: comments could not be posted: {outcome.sent.refused}")
    say(f"posted: {outcome.sent.review_url or outcome.sent.summary_url or pull.web_url}")
    return outcome.review
