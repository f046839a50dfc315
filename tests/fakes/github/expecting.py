"""Expectations of a test: what must be written, and that nothing is left over at the end.

Waits on the world's condition with a deadline, never sleeps, and shows the whole conversation if an expectation is
not met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tests.fakes.github.model.acts import Acts
from tests.fakes.github.model.records import Call, Written
from tests.fakes.github.model.state import (
    CheckRun,
    CommitStatus,
    Issue,
    IssueComment,
    Pull,
    PushedCommit,
    Reaction,
    Review,
    ReviewComment,
    Thread,
)

DEADLINE = 3.0

T = TypeVar("T")


class NotMet(AssertionError):
    """An expectation was not met in time."""


class LeftOver(AssertionError):
    """Something happened that the test did not expect, or something prepared was never used."""


class Expectations(Acts):
    """The expectations. Each takes what it names off the list of unexpected things and returns it."""

    def wait_until(self, true: Callable[[], object], what: str, *, within: float = DEADLINE) -> None:
        """Wait until a condition on the world holds. Raises NotMet with the conversation after `within` seconds."""
        with self.changed:
            if not self.changed.wait_for(true, timeout=within):
                raise NotMet(f"expected {what} within {within:g} s\n\n{self.story()}")

    def _expect(self, kind: str, fits: Callable[[T], bool], what: str, within: float) -> T:
        def waiting() -> Iterator[tuple[tuple[str, int], Written]]:
            for key, written in self.unexpected.items():
                if written.kind == kind and written.acts[-1] != "deleted" and fits(written.thing):
                    yield key, written

        self.wait_until(lambda: next(waiting(), None) is not None, what, within=within)
        with self.changed:
            key, written = next(waiting())
            del self.unexpected[key]
            thing: T = written.thing
            return thing

    def expect_comment(
        self, containing: str = "", *, on: Pull | Issue | None = None, by: str | None = None, within: float = DEADLINE
    ) -> IssueComment:
        """Expect a comment in a conversation: a new one, or one that was edited since it was last expected."""

        def fits(comment: IssueComment) -> bool:
            right_place = on is None or comment.issue is self.issue_of(on)
            return right_place and containing in comment.body and by in (None, comment.user.login)

        return self._expect("comment", fits, f"a comment containing {containing!r}", within)

    def expect_review(
        self,
        containing: str = "",
        *,
        on: Pull | None = None,
        state: str | None = None,
        comments: int | None = None,
        within: float = DEADLINE,
    ) -> Review:
        """Expect a submitted review. `state` COMMENTED, APPROVED or CHANGES_REQUESTED; `comments`: how many."""

        def fits(review: Review) -> bool:
            right_kind = review.state == state if state else review.state != "PENDING"
            right_size = comments in (None, len(review.comments))
            return on in (None, review.pull) and right_kind and right_size and containing in review.body

        return self._expect("review", fits, f"a review ({state or 'submitted'}) containing {containing!r}", within)

    def expect_review_comment(
        self, containing: str = "", *, on: Pull | None = None, within: float = DEADLINE
    ) -> ReviewComment:
        """Expect a review comment that was not part of a review: on its own, a reply, or one that was edited."""

        def fits(comment: ReviewComment) -> bool:
            return on in (None, comment.thread.pull) and containing in comment.body

        return self._expect("review comment", fits, f"a review comment containing {containing!r}", within)

    def expect_check(
        self,
        conclusion: str | None = None,
        *,
        status: str = "completed",
        on: Pull | None = None,
        name: str | None = None,
        within: float = DEADLINE,
    ) -> CheckRun:
        """Expect a check run to have come to a status, and with `completed` to a conclusion."""

        def fits(run: CheckRun) -> bool:
            right_run = name in (None, run.name) and (on is None or run.head_sha in on.heads)
            return right_run and run.status == status and conclusion in (None, run.conclusion)

        return self._expect("check run", fits, f"a check run {status} {conclusion or ''}".rstrip(), within)

    def expect_commit(self, containing: str = "", *, branch: str = "", within: float = DEADLINE) -> PushedCommit:
        """Expect a client to make a commit over the API, with such a message and on such a branch."""

        def fits(commit: PushedCommit) -> bool:
            return containing in commit.body and branch in ("", commit.branch)

        return self._expect("commit", fits, f"a commit containing {containing!r}", within)

    def expect_pull(self, containing: str = "", *, within: float = DEADLINE) -> Pull:
        """Expect a client to open a pull request with such a title."""
        return self._expect("pull request", lambda issue: containing in issue.title, "a pull request", within).pull

    def expect_deletion(self, kind: str = "comment", *, within: float = DEADLINE) -> Any:
        """Expect a client to delete a `comment` or a `review comment` and return what it was."""

        def gone() -> Iterator[tuple[tuple[str, int], Written]]:
            return ((k, w) for k, w in self.unexpected.items() if w.kind == kind and w.acts[-1] == "deleted")

        self.wait_until(lambda: next(gone(), None) is not None, f"a {kind} to be deleted", within=within)
        with self.changed:
            key, written = next(gone())
            del self.unexpected[key]
            return written.thing

    def expect_reaction(
        self, content: str, on: IssueComment | ReviewComment | Issue, *, by: str | None = None, within: float = DEADLINE
    ) -> Reaction:
        """Expect a reaction to a comment; reactions never count as left over."""

        def given() -> Reaction | None:
            fitting = (r for r in on.reactions if r.content == content and by in (None, r.user.login))
            return next(fitting, None)

        self.wait_until(given, f"the reaction {content}", within=within)
        return next(r for r in on.reactions if r.content == content and by in (None, r.user.login))

    def expect_resolved(self, thread: Thread, *, resolved: bool = True, within: float = DEADLINE) -> None:
        """Expect a review thread to be resolved, or with False to be open."""
        what = f"thread {thread.id} to be {'resolved' if resolved else 'open'}"
        self.wait_until(lambda: (thread.resolved_by is not None) == resolved, what, within=within)

    # -- calls ----------------------------------------------------------------------------------------------

    def calls_to(self, request: str = "* ", *, status: int | None = None) -> list[Call]:
        """Return the calls that fit `METHOD REGEX` (searched in the path; `*` is any method), oldest first."""
        method, _, path = request.partition(" ")
        with self.changed:
            return [
                call
                for call in self.calls
                if method in ("*", call.method) and re.search(path, call.path) and status in (None, call.status)
            ]

    def expect_call(self, request: str, *, times: int = 1, within: float = DEADLINE) -> list[Call]:
        """Expect at least so many calls that fit `METHOD REGEX` since the beginning, and return them."""
        self.wait_until(lambda: len(self.calls_to(request)) >= times, f"{times} calls to {request}", within=within)
        return self.calls_to(request)

    # -- the end --------------------------------------------------------------------------------------------

    def left_over(self) -> list[str]:
        """Return what was not expected and what was prepared but not used, a sentence each."""
        with self.changed:
            unexpected = [f"unexpected {_written(one)}" for one in self.unexpected.values()]
            unmet = [f"a fault that met no request: {fault}" for fault in self.faults if fault.unmatched]
            return [*unexpected, *unmet, *(f"violation: {violation}" for violation in self.violations)]

    def check_nothing_left(self) -> None:
        """Check that everything written was expected. Raises LeftOver with the conversation."""
        left = self.left_over()
        if left:
            raise LeftOver("\n".join([*left, "", self.story()]))

    def forgive(self) -> None:
        """Treat everything written so far as expected."""
        with self.changed:
            self.unexpected.clear()

    def story(self) -> str:
        """Return the whole conversation and all calls, as text for a person."""
        with self.changed:
            lines: list[str] = []
            for repo in self.repositories:
                for issue in repo.issues.values():
                    lines += _conversation(issue)
                lines += [f"{repo.full_name} {_check(run)}" for run in repo.check_runs.values()]
            calls = [f"  {call}" for call in self.calls[-60:]]
            return "\n".join([*lines, f"calls ({len(self.calls)}):", *calls])


def _written(one: Written) -> str:
    acts, thing = ", ".join(one.acts), one.thing
    if isinstance(thing, CheckRun):
        return f"{one.kind} ({acts}): {_check(thing)}"
    if isinstance(thing, CommitStatus):
        return f"{one.kind} ({acts}): {thing.context} {thing.state}"
    return f"{one.kind} ({acts}) by {thing.user.login}: {_short(thing.body)}"


def _check(run: CheckRun) -> str:
    title = run.output.get("title", "")
    outcome = f"{run.status} {run.conclusion or ''}".rstrip()
    return f"check run {run.name} on {run.head_sha[:7]}: {outcome}, {len(run.annotations)} annotations, {title}"


def _short(text: str, limit: int = 300) -> str:
    flat = text.replace("\n", "\\n")
    return flat if len(flat) <= limit else f"{flat[:limit]}... ({len(text)} characters)"


def _conversation(issue: Issue) -> list[str]:
    kind = "pull request" if issue.pull else "issue"
    lines = [f"{issue.repository.full_name}#{issue.number} {kind}, {issue.state}: {issue.title}"]
    if issue.pull:
        lines.append(f"  head {issue.pull.head[:7]} (heads: {', '.join(sha[:7] for sha in issue.pull.heads)})")
    lines += [f"  {comment.user.login}: {_short(comment.body)}" for comment in issue.comments.values()]
    for review in issue.pull.reviews.values() if issue.pull else ():
        lines.append(f"  review {review.state} by {review.user.login}: {_short(review.body)}")
        for comment in review.comments:
            where = comment.thread.place
            lines.append(f"    {where.path}:{where.line} {where.side}: {_short(comment.body)}")
    return lines
