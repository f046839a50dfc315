"""Stories of people who may only read: they are answered a few times, and cannot fill a pull request."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.github import World
from tests.fixtures.app_server import AppServer
from tests.fixtures.scenarios import app_credentials, carry_out, job_of
from tests.stories.tellers import Teller, nobody, talks
from webhooks.handling.commands.admission import MOST_REPLIES
from webhooks.handling.handle import JobEnding
from webhooks.publishing.markers.replies import reply_marker
from webhooks.queue.jobs import Jobs, JobState

pytestmark = pytest.mark.slow

ENOUGH = "enough was answered"


def replies(github: World) -> list[str]:
    bodies = [comment.body for comment in github.pull.issue.comments.values()]
    bodies += [comment.body for thread in github.pull.threads.values() for comment in thread.comments]
    return [body for body in bodies if "reviewer:answer" in body]


def test_a_reader_is_answered_a_few_times(teller: Teller) -> None:
    """Then a reaction says so, at a few requests; people who may write, and other readers, are answered as ever."""
    for number in range(MOST_REPLIES):
        command = ("/help", "/config", "/hepl", "/help\n/config\n/help")[number % 4]
        assert teller.comment(command, nobody, by="stan")[0].reason != ENOUGH
    assert len(replies(teller.github)) == MOST_REPLIES
    before = len(teller.github.calls)
    outcome, comment = teller.comment("/config", nobody, by="stan")
    assert (outcome.state, outcome.reason) == (JobEnding.IGNORED, ENOUGH)
    teller.github.expect_reaction("confused", on=comment)  # type: ignore[arg-type]
    assert [reaction.content for reaction in comment.reactions] == ["confused"]  # type: ignore[attr-defined]
    assert len(teller.github.calls) - before <= 8
    teller.github.user("erin")
    for who in ("erin", "mona"):
        assert teller.comment("/help", nobody, by=who)[0].state is JobEnding.ANSWERED
    for _ in range(MOST_REPLIES + 1):
        assert teller.comment("/help", nobody)[0].state is JobEnding.ANSWERED
    teller.github.forgive()


def test_threads_count_too(teller: Teller) -> None:
    """Where the comment stands makes no difference."""
    first = teller.reviewed()[0]
    for _ in range(MOST_REPLIES):
        teller.reply(first, "/help", nobody, by="stan")
    assert teller.comment("/help", nobody, by="stan")[0].reason == ENOUGH
    assert teller.reply(first, "/help", nobody, by="stan")[0].reason == ENOUGH
    teller.github.forgive()


def test_two_hundred_comments_at_once(github: World, tmp_path: Path) -> None:
    """The App takes all of them at once; whenever their jobs are carried out, a few are answered."""
    github.hook.secret = "s3cret"
    asked = [github.comment(github.pull, "/help", by="stan") for _ in range(200)]
    with AppServer(tmp_path, REVIEWER_ROLE="web", GITHUB_WEBHOOK_SECRET=github.hook.secret) as server:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda delivery: delivery.post(server.hook).status_code, asked))
        jobs = Jobs(server.store_url)
        jobs.open()
        assert (answers, jobs.counts()[JobState.QUEUED]) == ([202] * 200, 200)
        jobs.close()
    credentials = app_credentials(github)
    every_tenth = [carry_out(github, delivery, nobody, credentials=credentials).reason for delivery in asked[::10]]
    assert every_tenth == [""] * MOST_REPLIES + [ENOUGH] * (20 - MOST_REPLIES)
    assert len(replies(github)) == MOST_REPLIES
    github.forgive()


def test_a_question_of_a_reader(teller: Teller) -> None:
    """Where the setting lets everybody ask, questions are paid for as often as that, and no more."""
    teller.github.push_to_base(teller.github.repo, {".github/reviewer.yml": "review:\n  ask: read\n"})
    for _ in range(MOST_REPLIES):
        assert teller.comment("/ask Why?", talks("So."), by="stan")[0].state is JobEnding.ANSWERED
    assert teller.comment("/ask Why?", nobody, by="stan")[0].reason == ENOUGH
    teller.github.forgive()


def test_only_our_own_replies_count(teller: Teller) -> None:
    """Somebody who copies our marker silences nobody; a job that is begun again is not silenced by its own reply."""
    first = teller.github.comment(teller.github.pull, "/help", by="stan")
    teller.run(first, nobody)
    (reply,) = replies(teller.github)
    (account,) = re.findall(r" to=(\d+) -->", reply)
    assert account == str(job_of(first).actor_id)
    for number in range(MOST_REPLIES):
        teller.github.comment(teller.github.pull, f"{reply_marker(f'x{number}', 1, int(account))}\nHa.", by="stan")
    for _ in range(MOST_REPLIES - 1):
        teller.comment("/help", nobody, by="stan")
    assert teller.run(first, nobody).reason == "answered before"
    assert teller.comment("/help", nobody, by="stan")[0].reason == ENOUGH
    teller.github.forgive()


def test_the_author_may_still_do_what_authors_may(github: World) -> None:
    """Only commands that everybody may use are limited."""
    teller = Teller(github, "the App")
    github.pull.issue.user = github.user("stan")
    for _ in range(MOST_REPLIES):
        teller.comment("/help", nobody, by="stan")
    assert teller.comment("/help", nobody, by="stan")[0].reason == ENOUGH
    assert teller.comment("/ci", nobody, by="stan")[0].state is JobEnding.ANSWERED
    github.forgive()
