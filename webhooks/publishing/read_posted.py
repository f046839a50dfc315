"""Read from GitHub what we posted on a pull request, and how people reacted to it.

Promises: comments of others do not count, whatever markers they have; only people who may write can dismiss a finding.
Who opened the pull request can silence it: it still counts, unless the repository's settings say otherwise. No bot's
word counts, since bots repeat what others wrote. Another identity of this program (the App beside the Action) counts as
ours when it also has a check run of ours on the same head: people who can only comment cannot create one. Never writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from webhooks.github.errors import Forbidden, NotFound
from webhooks.github.repository import Comment, Pull, Repository, ThreadState
from webhooks.publishing.checks import CHECK_NAME, is_about
from webhooks.publishing.ledger import PostedState, Thread
from webhooks.publishing.markers.finding import is_withdrawal, read_finding, read_fixed, read_left
from webhooks.publishing.markers.summary import is_summary
from webhooks.publishing.markers.syntax import PREFIX, last_line
from webhooks.publishing.people.dismissals import Say, Voices, is_dismissal, reason_of


def read_posted(repository: Repository, pull: Pull, login: str, *, author_may_dismiss: bool = False) -> PostedState:
    """Return what we posted on the pull request. `author_may_dismiss` is as in the settings."""
    conversation, comments = repository.comments(pull.number), repository.review_comments(pull.number)
    peers = _peers(repository, pull, login, [*conversation, *comments])
    found = _summary(conversation, {login.lower()}) or replace(
        _summary(conversation, peers) or PostedState(), summary_id=None, summary_url=""
    )
    us = {login.lower(), *peers}
    answers: dict[int, list[Comment]] = defaultdict(list)
    for comment in comments:
        answers[comment.reply_to].append(comment)
    ours = [comment for comment in answers[0] if comment.author.lower() in us]
    if not ours:
        return found
    states = repository.threads(pull.number) or {}
    voices = Voices(repository.permission, pull.author, author_may_dismiss=author_may_dismiss)
    threads = [_thread(repository, it, answers[it.id], states.get(it.id), us, voices) for it in ours]
    return replace(found, threads=tuple(threads))


def _peers(repository: Repository, pull: Pull, login: str, comments: Iterable[Comment]) -> set[str]:
    """Return the other logins under which this program reviews the same head; asks only where markers suggest one."""
    marked = {
        comment.author.lower()
        for comment in comments
        if is_summary(comment.body) or (not comment.reply_to and read_finding(comment.body) is not None)
    }
    candidates = {who for who in marked if who.endswith("[bot]") and who != login.lower()}
    if not candidates:
        return set()
    try:
        runs = repository.check_runs(pull.head_sha, CHECK_NAME)
    except (Forbidden, NotFound):
        return set()
    about_pull = (run for run in runs if is_about(run["external_id"], repository.name, pull.number))
    return candidates & {f"{run['app']}[bot]".lower() for run in about_pull}


def refresh_threads(repository: Repository, pull: Pull, login: str, before: PostedState) -> PostedState:
    """Return the state with the inline comments that were posted since it was read."""
    known = {thread.comment_id for thread in before.threads}
    new = [
        Thread(comment.id, comment.body, comment.path, comment.line, comment.url)
        for comment in repository.review_comments(pull.number)
        if not comment.reply_to and comment.id not in known and comment.author.lower() == login.lower()
    ]
    return replace(before, threads=(*before.threads, *new))


def summary_of(repository: Repository, number: int, login: str) -> PostedState:
    """Return our summary comment alone, in comment request a page of the conversation."""
    return _summary(repository.comments(number), {login.lower()}) or PostedState()


def _summary(conversation: Iterable[Comment], logins: set[str]) -> PostedState | None:
    for comment in conversation:
        if comment.author.lower() in logins and is_summary(comment.body):
            return PostedState(comment.id, comment.body, comment.url)
    return None


def _thread(
    repository: Repository,
    comment: Comment,
    replies: Sequence[Comment],
    state: ThreadState | None,
    us: set[str],
    voices: Voices,
) -> Thread:
    own = [reply for reply in replies if _is_ours(reply, us)]
    others = [reply for reply in replies if reply not in own]
    say, by, why = _say_of(repository, comment, others, voices)
    fixed = next((head for reply in own if (head := read_fixed(reply.body))), "")
    withdrawal = next((reply for reply in own if is_withdrawal(reply.body)), None)
    withdrawn = withdrawal is not None
    if withdrawal is not None and not by:
        by, why = _contradicted(withdrawal, others)
    is_ours = _resolved_by_us(state, us, has_said_so=bool(fixed) or withdrawn)
    resolved_by = state.resolved_by if state else None
    resolver = voices.of(resolved_by) if resolved_by and not is_ours else None
    return Thread(
        comment_id=comment.id,
        body=comment.body,
        path=comment.path,
        line=comment.line,
        url=comment.url,
        node_id=state.node_id if state else "",
        resolved_by=resolved_by,
        ours=is_ours,
        fixed=fixed,
        left=any(read_left(reply.body) for reply in own),
        dismissed=say is Say.DISMISSES,
        withdrawn=withdrawn,
        by=by,
        why=why,
        silenced=resolver is not Say.DISMISSES and (say is Say.SILENCES or resolver is not None),
    )


def _is_ours(reply: Comment, us: set[str]) -> bool:
    """Whether we wrote a reply. Under a person's name, only what has a marker of ours: the person may answer too."""
    author = reply.author.lower()
    return author in us and (author.endswith("[bot]") or last_line(reply.body).startswith(PREFIX))


def _say_of(
    repository: Repository, comment: Comment, replies: Sequence[Comment], voices: Voices
) -> tuple[Say, str, str]:
    """Return the strongest word of the people who dismissed the finding in a reply or with a thumbs down.

    Beside it, who spoke it, and what they said.
    """
    reasons = {reply.author: reason_of(reply.body) for reply in replies if is_dismissal(reply.body)}
    say, by = voices.strongest(reasons)
    if say is Say.DISMISSES or not comment.thumbs_down:
        return say, by, reasons.get(by, "")
    thumbs, who = voices.strongest(repository.thumbs_down(comment.id))
    return (thumbs, who, "") if thumbs > say else (say, by, reasons.get(by, ""))


def _contradicted(withdrawal: Comment, others: Sequence[Comment]) -> tuple[str, str]:
    """Return whose words made us withdraw a finding, and these words: the last ones before our reply."""
    before = [reply for reply in others if reply.id < withdrawal.id and not reply.is_bot]
    return (before[-1].author, reason_of(before[-1].body)) if before else ("", "")


def _resolved_by_us(state: ThreadState | None, us: set[str], *, has_said_so: bool) -> bool:
    """Whether we resolved the thread: GraphQL omits the `[bot]` of a login.

    With a person's token the person may have clicked: it was us only where a reply of ours says why.
    """
    if state is None or not state.resolved_by:
        return False
    who = state.resolved_by.lower().removesuffix("[bot]")
    return any(login.removesuffix("[bot]") == who and (login.endswith("[bot]") or has_said_so) for login in us)
