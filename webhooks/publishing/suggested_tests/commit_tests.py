"""Add suggested tests to the repository: in a commit on the pull request's branch, or in a pull request stacked on it.

Promises: only onto the head that the tests were run on, never on a fork. The branch of the pull request gets new
files only; an update of an existing test changes what people demand of their code, so it is put into a pull request
of its own, whose diff somebody reads before it is merged. May be killed at any moment and repeated: a commit that
exists is found and not made twice. A failure is returned as one sentence that says what to do. Never judges a test,
and never runs one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reviewer.domain.findings import TestSuggestion
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from webhooks.github.branches import Branches, Commit, CommitRefusal, CommitRefused, OpenedPull
from webhooks.github.errors import Forbidden, GitHubError, Unprocessable, WriteUncertain
from webhooks.github.repository import Pull, Repository
from webhooks.publishing.markers.replies import marker_of_tests_pull
from webhooks.publishing.suggested_tests.addition_words import PROTECTED, TESTS_WORDS, AdditionWords
from webhooks.publishing.suggested_tests.allowed_files import AllowedTests, choose_allowed, places

#: Characters of one test's evidence in the text of the stacked pull request, which GitHub limits to 65,536.
_MAX_EVIDENCE = 1_000

_TRAILER = re.compile(r"^Reviewer-Job: [0-9a-f]{32}$", re.MULTILINE)
_MERGE = re.compile(r"Merge pull request #\d{1,10} from [^\s/]{1,100}/reviewer/tests-\d{1,10}-[0-9a-f]{7}\s")


@dataclass(frozen=True, slots=True)
class AddedTests:
    """The tests were added. `url` is the page of the commit, or of the stacked pull request, whose number is `number`.

    `left_out` says for each file that was not added why, as Markdown that is safe to post.
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
class Addition:
    """What is added, and to which pull request.

    `message` is headline and text of the commit; `trailer` is the line by which it is found again. `stacked_branch` is
    the branch of a stacked pull request, `title` and `text` are its own.
    """

    branches: Branches
    pull: Pull
    files: Mapping[str, str]
    left_out: tuple[str, ...]
    trailer: str
    message: tuple[str, str]
    stacked_branch: str
    title: str
    text: str
    words: AdditionWords = TESTS_WORDS

    @property
    def not_at_head(self) -> str:
        """The sentence for a branch whose head is not the one that was run."""
        words = self.words
        return words.gone if self.branches.head(self.pull.head_ref) is None else words.moved


def add_tests(
    repository: Repository, pull: Pull, tests: Sequence[TestSuggestion], *, stacked: bool, job: str
) -> AddedTests | NotAdded:
    """Add the tests that were run on `pull.head_sha` to the pull request's branch, or stacked on it.

    `job` is the key of the request: for the same key, a commit that exists already is returned. A stacked pull request
    is found by its branch, whatever the key. Raises GitHubError for what may succeed later.
    """

    def addition(branches: Branches, onto: str, trailer: str) -> Addition:
        folders = branches.folders(onto, places(tests, updates=stacked))
        chosen = choose_allowed(tests, folders, updates=stacked)
        return Addition(
            branches, pull, {test.path: test.code for test in chosen.tests}, chosen.left_out, trailer,
            ("Add suggested tests", f"They were run on {pull.head_sha[:7]}.\n\n{trailer}"),
            f"reviewer/tests-{pull.number}-{pull.head_sha[:7]}", f"Tests suggested for #{pull.number}",
            _body(pull, chosen, trailer),
        )  # fmt: skip

    return add_files(repository, pull, addition, stacked=stacked, job=job)


def add_files(
    repository: Repository,
    pull: Pull,
    make: Callable[[Branches, str, str], Addition],
    *,
    stacked: bool,
    job: str,
    words: AdditionWords = TESTS_WORDS,
) -> AddedTests | NotAdded:
    """Add files as `add_tests` does; `make` takes the branches, the commit they go onto, and the line of the job."""
    if (reason := unfit(repository, pull, words)) is not None:
        return NotAdded(reason)
    branches = repository.branches(pull.repository)
    trailer = trailer_of(job)
    try:
        commit = None if stacked else find_commit(branches, pull.head_ref, trailer)
        onto = commit.parents[0] if commit is not None and commit.parents else pull.head_sha
        addition = make(branches, onto, trailer)
        if commit is not None:
            return AddedTests(commit.url, commit.sha, left_out=addition.left_out)
        return _stack(addition) if stacked else _commit(addition)
    except Forbidden as error:
        return NotAdded(words.forbidden(str(error)))


def trailer_of(job: str) -> str:
    """Return the line by which the commit of a job is found again."""
    return f"Reviewer-Job: {hashlib.sha256(job.encode()).hexdigest()[:32]}"


def is_own(message: str) -> bool:
    """Whether a head commit only adds tests of ours: a commit of `add_tests`, or the merge of its pull request.

    Such a head is reviewed, but no tests are suggested for it automatically: that would never end. Whoever copies the
    line into another commit loses only the automatic suggestion.
    """
    return _TRAILER.search(message.rstrip().rpartition("\n\n")[2]) is not None or _MERGE.match(message) is not None


def unfit(repository: Repository, pull: Pull, words: AdditionWords) -> str | None:
    """Return why nothing can be added to this pull request, or None."""
    ours = (pull.repository or repository.name).lower()
    if pull.head_repository is None:
        return "The repository of the pull request's branch no longer exists, so nothing can be committed there."
    if pull.head_repository.lower() != ours:
        return f"The pull request comes from a fork, which is never written to: {words.copy}."
    if pull.state != "open":
        return f"The pull request is not open: reopen it, then {words.again}."
    return None


def _commit(addition: Addition) -> AddedTests | NotAdded:
    if addition.branches.head(addition.pull.head_ref) != addition.pull.head_sha:
        return NotAdded(addition.not_at_head)
    commit = _put(addition, addition.pull.head_ref)
    return commit if isinstance(commit, NotAdded) else AddedTests(commit.url, commit.sha, left_out=addition.left_out)


def _put(addition: Addition, branch: str) -> Commit | NotAdded:
    """Commit the files onto the pull request's head, on that branch; look for the commit when the answer was lost."""
    if not addition.files:
        return NotAdded(f"None of the tests can be added: {'; '.join(addition.left_out) or 'there are none'}.")
    onto = addition.pull.head_sha
    try:
        return addition.branches.commit(branch, onto=onto, message=addition.message, files=addition.files)
    except WriteUncertain:
        commit = find_commit(addition.branches, branch, addition.trailer)
        if commit is None:
            raise
        return commit
    except CommitRefused as error:
        # An earlier request without an answer may have made the commit, which is why this one was refused.
        return find_commit(addition.branches, branch, addition.trailer) or NotAdded(_why(addition, branch, error))


def find_commit(branches: Branches, branch: str, trailer: str) -> Commit | None:
    """Return our commit if it is among the last of the branch: people may have pushed on top of it."""
    head = branches.head(branch)
    commits = branches.commits(head) if head else []
    return next((commit for commit in commits if trailer in commit.message.splitlines()), None)


def _why(addition: Addition, branch: str, error: CommitRefused) -> str:
    """Return a sentence for GitHub's refusal. Its words are not documented, so the branch is read as well."""
    if error.why is CommitRefusal.MOVED:
        return addition.words.moved
    if error.why is CommitRefusal.FORBIDDEN and not PROTECTED.search(error.message):
        return addition.words.forbidden(error.message)
    head = addition.branches.head(branch)
    if head != addition.pull.head_sha:
        return addition.words.gone if head is None else addition.words.moved
    return addition.words.ruled(branch, error.message)


def _stack(addition: Addition) -> AddedTests | NotAdded:
    branches, branch = addition.branches, addition.stacked_branch
    if (opened := branches.pull_from(branch)) is not None:
        return _again(addition, opened)
    if branches.head(addition.pull.head_ref) != addition.pull.head_sha:
        return NotAdded(addition.not_at_head)
    if not addition.files:
        return NotAdded(f"None of the tests can be added: {'; '.join(addition.left_out) or 'there are none'}.")
    tip = _branched(addition)
    if isinstance(tip, NotAdded):
        return tip
    commit = _put(addition, branch) if tip == addition.pull.head_sha else _put_before(addition, tip)
    if isinstance(commit, NotAdded):
        _tidy(addition, addition.pull.head_sha)
        return commit
    return _opened(addition, commit)


def _again(addition: Addition, opened: OpenedPull) -> AddedTests | NotAdded:
    """Return the stacked pull request that an earlier job, or this one, opened for the same head."""
    if opened.state != "open":
        return NotAdded(addition.words.closed(opened.number))
    sha = addition.branches.head(addition.stacked_branch) or ""
    return AddedTests(opened.url, sha, opened.number, addition.left_out)


def _branched(addition: Addition) -> str | NotAdded:
    """Return the head of the branch for the tests; create it where there is none."""
    branches, branch, onto = addition.branches, addition.stacked_branch, addition.pull.head_sha
    tip = branches.head(branch)
    if tip is not None:
        return tip
    try:
        branches.create(branch, onto)
    except (Unprocessable, WriteUncertain) as error:
        tip = branches.head(branch)
        if tip is None and isinstance(error, WriteUncertain):
            raise
        return tip or NotAdded(addition.words.ruled(branch, str(error)))
    return onto


def _put_before(addition: Addition, tip: str) -> Commit | NotAdded:
    """Return the commit that an earlier run left on the branch; other commits there are refused."""
    newest = addition.branches.commits(tip, 1)[0]
    if is_own(newest.message) and newest.parents == (addition.pull.head_sha,):
        return newest
    branch = code_span(addition.stacked_branch)
    return NotAdded(f"The branch {branch} has commits of somebody else: delete it, then {addition.words.again}.")


def _opened(addition: Addition, commit: Commit) -> AddedTests | NotAdded:
    """Open the pull request for the commit; where that is refused, delete the branch."""
    pull, branch = addition.pull, addition.stacked_branch
    try:
        opened = addition.branches.open_pull(branch, base=pull.head_ref, title=addition.title, body=addition.text)
    except Forbidden:
        _tidy(addition, commit.sha)
        raise
    except (Unprocessable, WriteUncertain) as error:
        before = addition.branches.pull_from(branch)
        if before is not None:
            return _again(addition, before)
        if isinstance(error, WriteUncertain):
            raise
        _tidy(addition, commit.sha)
        return NotAdded(addition.words.ruled(pull.head_ref, str(error)))
    return AddedTests(opened.url, commit.sha, opened.number, addition.left_out)


def _tidy(addition: Addition, expected: str) -> None:
    """Delete the branch for the tests if nobody changed it."""
    try:
        if addition.branches.head(addition.stacked_branch) == expected:
            addition.branches.delete(addition.stacked_branch)
    except GitHubError:
        return  # the refusal is reported; the next request finds the branch and continues from it


def _body(pull: Pull, chosen: AllowedTests, trailer: str) -> str:
    """Return the text of the stacked pull request: each test and its evidence, neutralised."""
    lines = [f"- {code_span(test.path)}: {_evidence(test)}" for test in chosen.tests[:50]]
    more = [f"- and {len(chosen.tests) - 50} more"] if len(chosen.tests) > 50 else []
    begin = f"Tests for #{pull.number}, run on {pull.head_sha}. Merging this adds them to its branch."
    digest = trailer.rpartition(" ")[2]
    return "\n".join([begin, "", *lines, *more, "", marker_of_tests_pull(pull.number, digest)])


def _evidence(test: TestSuggestion) -> str:
    text = neutralise(" ".join(test.evidence.split()), limit=_MAX_EVIDENCE)
    return f"{text} (for {code_span(test.covers)})" if test.covers else text
