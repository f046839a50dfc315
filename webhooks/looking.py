"""What of ours stands on a pull request, and what people did about it, read from GitHub.

Promises: comments of others do not count, whatever marks they bear; only who may write, or who opened the pull request,
can dismiss a finding. Never writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from webhooks.github_api import Comment, Pull, Repository, ThreadState
from webhooks.ledger import Posted, Thread, is_dismissal
from webhooks.marks import SUMMARY_MARK, read_fixed


def look(repository: Repository, pull: Pull, login: str) -> Posted:
    """Return what of ours stands on the pull request."""
    found = _conversation(repository, pull.number, login)
    comments = repository.review_comments(pull.number)
    answers: dict[int, list[Comment]] = defaultdict(list)
    for one in comments:
        answers[one.reply_to].append(one)
    ours = [one for one in answers[0] if _same(one.author, login)]
    if not ours:
        return found
    states = repository.threads(pull.number) or {}
    may_dismiss = _judge(repository, pull)
    threads = (_thread(repository, one, answers[one.id], states.get(one.id), login, may_dismiss) for one in ours)
    return replace(found, threads=tuple(threads))


def look_again(repository: Repository, pull: Pull, login: str, before: Posted) -> Posted:
    """Return what was there a moment ago, with the inline comments that were posted since."""
    known = {thread.comment_id for thread in before.threads}
    new = [
        Thread(one.id, one.body, one.path, one.line, one.url)
        for one in repository.review_comments(pull.number)
        if not one.reply_to and one.id not in known and _same(one.author, login)
    ]
    return replace(before, threads=(*before.threads, *new))


def _conversation(repository: Repository, number: int, login: str) -> Posted:
    for one in repository.comments(number):
        if _same(one.author, login) and one.body.lstrip().startswith(SUMMARY_MARK):
            return Posted(one.id, one.body, one.url)
    return Posted()


def _thread(
    repository: Repository,
    comment: Comment,
    replies: Sequence[Comment],
    state: ThreadState | None,
    login: str,
    may_dismiss: Callable[[str], bool],
) -> Thread:
    own = [one for one in replies if _same(one.author, login)]
    return Thread(
        comment_id=comment.id,
        body=comment.body,
        path=comment.path,
        line=comment.line,
        url=comment.url,
        node_id=state.node_id if state else "",
        resolved_by=state.resolved_by if state else None,
        ours=_resolved_by_us(state, login),
        fixed=next((head for one in own if (head := read_fixed(one.body))), ""),
        dismissed=_is_dismissed(repository, comment, [one for one in replies if one not in own], may_dismiss),
    )


def _is_dismissed(
    repository: Repository, comment: Comment, replies: Sequence[Comment], may_dismiss: Callable[[str], bool]
) -> bool:
    if any(is_dismissal(one.body) and may_dismiss(one.author) for one in replies):
        return True
    return comment.thumbs_down > 0 and any(may_dismiss(who) for who in repository.thumbs_down(comment.id))


def _judge(repository: Repository, pull: Pull) -> Callable[[str], bool]:
    """Return the question whether somebody may dismiss findings; each is asked about once."""
    known: dict[str, bool] = {pull.author.lower(): True}

    def may_dismiss(who: str) -> bool:
        if who.lower() not in known:
            known[who.lower()] = repository.permission(who) in ("admin", "write")
        return known[who.lower()]

    return may_dismiss


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _resolved_by_us(state: ThreadState | None, login: str) -> bool:
    """Whether we resolved the thread: GraphQL leaves the `[bot]` of a login away."""
    return state is not None and _same(state.resolved_by.removesuffix("[bot]"), login.removesuffix("[bot]"))
