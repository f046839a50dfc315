"""Suggested tests put where they belong: a commit on the pull request's branch, or a pull request stacked on it.

Promises: only new files, only onto the head that the tests were run on, never on a fork. May be killed anywhere and
done again: what was made is found and not made twice. What cannot be done comes back as one sentence that says what to
do. Never judges a test, and never runs one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reviewer.domain.findings import TestSuggestion
from reviewer.safety.markdown import code_span, neutralise
from webhooks.github.branches import Branches, Commit, CommitRefusal, CommitRefused, OpenedPull
from webhooks.github.errors import Forbidden, GitHubError, Unprocessable, WriteUncertain
from webhooks.github.repository import Pull, Repository
from webhooks.publishing.allowed_files import AllowedTests, choose_allowed, places
from webhooks.publishing.markers.replies import tests_pull_marker

#: Characters of one test's evidence in the text of the stacked pull request, which GitHub limits to 65,536.
_MAX_EVIDENCE = 1_000

_TRAILER = re.compile(r"^Reviewer-Job: [0-9a-f]{32}$", re.MULTILINE)
_MERGE = re.compile(r"Merge pull request #\d{1,10} from [^\s/]{1,100}/reviewer/tests-\d{1,10}-[0-9a-f]{7}\s")
_PROTECTED = re.compile(r"protected|rule violation|must be made through|review is required", re.IGNORECASE)

_ASK_AGAIN = "ask for the tests again"
_GONE = f"The pull request's branch is gone: restore it, then {_ASK_AGAIN}."
_MOVED = f"The head moved since the tests were run: {_ASK_AGAIN} for the new head."
_ARCHIVED = "The repository is archived and takes no commits: unarchive it first."


@dataclass(frozen=True, slots=True)
class AddedTests:
    """The tests are there. `url` is the page of the commit, or of the stacked pull request, which is then `number`.

    `left_out` says of each file that was not added why, as Markdown that is safe to post.
    """

    url: str
    sha: str
    number: int | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAdded:
    """Nothing was added. `reason` is one sentence with what to do, as Markdown that is safe to post."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be added, and to what. `trailer` is the line by which the commit is found again."""

    branches: Branches
    pull: Pull
    chosen: AllowedTests
    trailer: str

    @property
    def left_out(self) -> tuple[str, ...]:
        return self.chosen.left_out

    @property
    def stacked_branch(self) -> str:
        return f"reviewer/tests-{self.pull.number}-{self.pull.head_sha[:7]}"


def add_tests(
    repository: Repository, pull: Pull, tests: Sequence[TestSuggestion], *, stacked: bool, job: str
) -> AddedTests | NotAdded:
    """Add the tests that were run on `pull.head_sha` to the pull request's branch, or stacked on it.

    `job` is the key of the request: done again under the same key, the commit that is there already is returned. A
    stacked pull request is found by its branch, whatever the key. Raises GitHubError for what may go better later.
    """
    if (reason := _unfit(repository, pull)) is not None:
        return NotAdded(reason)
    branches = repository.branches(pull.repository)
    trailer = f"Reviewer-Job: {hashlib.sha256(job.encode()).hexdigest()[:32]}"
    try:
        made = None if stacked else _made(branches, pull.head_ref, trailer)
        onto = made.parents[0] if made is not None and made.parents else pull.head_sha
        wish = _Wish(branches, pull, choose_allowed(tests, branches.kinds(onto, places(tests))), trailer)
        if made is not None:
            return AddedTests(made.url, made.sha, left_out=wish.left_out)
        return _stack(wish) if stacked else _commit(wish)
    except Forbidden as error:
        return NotAdded(_forbidden(str(error)))


def is_own(message: str) -> bool:
    """Whether a head commit only adds tests of ours: made by `add_tests`, or the merge of such a pull request.

    Such a head is reviewed, but tests are not suggested for it unasked: that would go on for ever. Whoever copies the
    line into a commit of their own loses nothing but the automatic suggestion.
    """
    return _TRAILER.search(message.rstrip().rpartition("\n\n")[2]) is not None or _MERGE.match(message) is not None


def _unfit(repository: Repository, pull: Pull) -> str | None:
    """Return why nothing can be added to this pull request whatever the tests are, or None."""
    ours = (pull.repository or repository.name).lower()
    if pull.head_repository is None:
        return "The repository that the pull request comes from is gone: its branch takes no commits any more."
    if pull.head_repository.lower() != ours:
        return "The pull request comes from a fork, which we never write to: copy the tests from the summary."
    if pull.state != "open":
        return f"The pull request is not open: reopen it, then {_ASK_AGAIN}."
    return None


# ----------------------------------------------------------------------- a commit


def _commit(wish: _Wish) -> AddedTests | NotAdded:
    head = wish.branches.head(wish.pull.head_ref)
    if head != wish.pull.head_sha:
        return NotAdded(_GONE if head is None else _MOVED)
    made = _put(wish, wish.pull.head_ref)
    return made if isinstance(made, NotAdded) else AddedTests(made.url, made.sha, left_out=wish.left_out)


def _put(wish: _Wish, branch: str) -> Commit | NotAdded:
    """Commit the files onto the pull request's head, on the branch given. A lost answer is looked for first."""
    if not wish.chosen.tests:
        return NotAdded(f"None of the tests can be added: {'; '.join(wish.left_out) or 'there are none'}.")
    onto = wish.pull.head_sha
    message = ("Add suggested tests", f"They were run on {onto[:7]}.\n\n{wish.trailer}")
    try:
        return wish.branches.commit(
            branch, onto=onto, message=message, files={test.path: test.code for test in wish.chosen.tests}
        )
    except WriteUncertain:
        made = _made(wish.branches, branch, wish.trailer)
        if made is None:
            raise
        return made
    except CommitRefused as error:
        # A request that was cut off may have been carried out, and this one came too late because of it.
        return _made(wish.branches, branch, wish.trailer) or NotAdded(_why(wish, branch, error))


def _made(branches: Branches, branch: str, trailer: str) -> Commit | None:
    """Return our commit if it is among the last of the branch: people may have pushed on top of it."""
    head = branches.head(branch)
    commits = branches.commits(head) if head else []
    return next((one for one in commits if trailer in one.message.splitlines()), None)


def _why(wish: _Wish, branch: str, error: CommitRefused) -> str:
    """Return a sentence for GitHub's refusal. Its words are not documented, so the branch itself is asked as well."""
    if error.why is CommitRefusal.MOVED:
        return _MOVED
    if error.why is CommitRefusal.FORBIDDEN and not _PROTECTED.search(error.said):
        return _forbidden(error.said)
    head = wish.branches.head(branch)
    if head != wish.pull.head_sha:
        return _GONE if head is None else _MOVED
    return _ruled(branch, error.said)


def _ruled(branch: str, said: str) -> str:
    if _PROTECTED.search(said):
        return (
            f"The branch {code_span(branch)} is protected ({code_span(said)}): let the reviewer pass its rules, or use "
            "`/tests pull` or `/tests commit`, whichever you did not."
        )
    return f"GitHub refused it ({code_span(said)}): copy the tests from the summary, or settle that and {_ASK_AGAIN}."


def _forbidden(said: str) -> str:
    if "archived" in said:
        return _ARCHIVED
    if "not permitted to create or approve pull requests" in said:
        return (
            "The repository does not let Actions open pull requests: allow it in Settings, Actions, General, or use "
            "`/tests commit`."
        )
    return (
        "The reviewer may not write here: grant it `contents: write` (for `/tests pull` `pull_requests: write` too) in "
        f"the App's or the workflow's permissions, then {_ASK_AGAIN} (a new grant may take an hour)."
    )


# ----------------------------------------------------------------------- a stacked pull request


def _stack(wish: _Wish) -> AddedTests | NotAdded:
    branches, branch = wish.branches, wish.stacked_branch
    if (opened := branches.pull_from(branch)) is not None:
        return _again(wish, opened)
    head = branches.head(wish.pull.head_ref)
    if head != wish.pull.head_sha:
        return NotAdded(_GONE if head is None else _MOVED)
    if not wish.chosen.tests:
        return NotAdded(f"None of the tests can be added: {'; '.join(wish.left_out) or 'there are none'}.")
    tip = _branched(wish)
    if isinstance(tip, NotAdded):
        return tip
    made = _put(wish, branch) if tip == wish.pull.head_sha else _put_before(wish, tip)
    if isinstance(made, NotAdded):
        _tidy(wish, wish.pull.head_sha)
        return made
    return _opened(wish, made)


def _again(wish: _Wish, opened: OpenedPull) -> AddedTests | NotAdded:
    """Return what was done before for the same head, by this job or another."""
    if opened.state != "open":
        return NotAdded(
            f"The tests for this head were proposed in #{opened.number}, which was closed: reopen that one."
        )
    sha = wish.branches.head(wish.stacked_branch) or ""
    return AddedTests(opened.url, sha, opened.number, wish.left_out)


def _branched(wish: _Wish) -> str | NotAdded:
    """Return the head of the branch for the tests, which is made where there is none."""
    branches, branch, onto = wish.branches, wish.stacked_branch, wish.pull.head_sha
    tip = branches.head(branch)
    if tip is not None:
        return tip
    try:
        branches.create(branch, onto)
    except (Unprocessable, WriteUncertain) as error:
        tip = branches.head(branch)
        if tip is None and isinstance(error, WriteUncertain):
            raise
        return tip or NotAdded(_ruled(branch, str(error)))
    return onto


def _put_before(wish: _Wish, tip: str) -> Commit | NotAdded:
    """Return the commit that an earlier run left on the branch; anything else there is not ours to build on."""
    newest = wish.branches.commits(tip, 1)[0]
    if is_own(newest.message) and newest.parents == (wish.pull.head_sha,):
        return newest
    branch = code_span(wish.stacked_branch)
    return NotAdded(f"The branch {branch} holds commits that are not ours: delete it, then {_ASK_AGAIN}.")


def _opened(wish: _Wish, made: Commit) -> AddedTests | NotAdded:
    """Open the pull request for the commit; where that is refused, nothing stays behind."""
    pull, branch = wish.pull, wish.stacked_branch
    title = f"Tests suggested for #{pull.number}"
    try:
        opened = wish.branches.open_pull(branch, base=pull.head_ref, title=title, body=_body(wish))
    except Forbidden:
        _tidy(wish, made.sha)
        raise
    except (Unprocessable, WriteUncertain) as error:
        before = wish.branches.pull_from(branch)
        if before is not None:
            return _again(wish, before)
        if isinstance(error, WriteUncertain):
            raise
        _tidy(wish, made.sha)
        return NotAdded(_ruled(pull.head_ref, str(error)))
    return AddedTests(opened.url, made.sha, opened.number, wish.left_out)


def _tidy(wish: _Wish, expected: str) -> None:
    """Delete the branch for the tests if it still is as we left it."""
    try:
        if wish.branches.head(wish.stacked_branch) == expected:
            wish.branches.delete(wish.stacked_branch)
    except GitHubError:
        return  # the refusal is what has to be told; the next request finds the branch and goes on from it


def _body(wish: _Wish) -> str:
    """Return the text of the stacked pull request: what each test proved. What the tests said is made harmless."""
    lines = [f"- {code_span(test.path)}: {_evidence(test)}" for test in wish.chosen.tests[:50]]
    more = [f"- and {len(wish.chosen.tests) - 50} more"] if len(wish.chosen.tests) > 50 else []
    begin = f"Suggested for #{wish.pull.number} and run on {wish.pull.head_sha}; merging this adds them to its branch."
    digest = wish.trailer.rpartition(" ")[2]
    return "\n".join([begin, "", *lines, *more, "", tests_pull_marker(wish.pull.number, digest)])


def _evidence(test: TestSuggestion) -> str:
    said = neutralise(" ".join(test.evidence.split()), limit=_MAX_EVIDENCE)
    return f"{said} (for {code_span(test.covers)})" if test.covers else said
