"""What GitHub told the App in vain: against the double of GitHub, whose list of deliveries is what it really sent."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.fakes.github import Delivery, World, faults
from tests.fakes.github.model.example import CHANGES
from tests.fakes.github.model.state import Pull
from tests.fakes.model import FakeModel
from tests.fakes.selftests.test_fake_github_story import Receiver, receiver
from tests.fixtures import app_processes
from tests.fixtures.job_worker import ScriptedWorker, automatic
from tests.fixtures.scenarios import DELETE, carry_out, job_of, model
from tests.fixtures.waiting import wait_until
from tests.stories.test_app import find
from webhooks.events.deliveries import Trigger
from webhooks.github.app import AppClient, HookAttempt
from webhooks.github.credentials import Credentials
from webhooks.github.repository import connect
from webhooks.publishing.checks import Conclusion, completed_check
from webhooks.queue.jobs import Jobs, JobState
from webhooks.recovery.redelivery import FailedDelivery, MissedDeliveries, RedeliveryPolicy, failures
from webhooks.recovery.unreviewed_pulls import SearchBounds, UnreviewedPulls

__all__ = ["receiver"]

LISTED, ASKED = "GET /app/hook/deliveries$", "POST /attempts$"
QUICK = RedeliveryPolicy(period=0.3, soon=0.1, pace=0.0, settle=0.0, between_starts=0.0, pulls=SearchBounds(reviews=0))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.sqlite3")
    jobs.open()
    yield jobs
    jobs.close()


def credentials(github: World) -> Credentials:
    return Credentials(api_url=github.url, app_id=str(github.app.id), private_key=github.app.private_key)


@contextmanager
def looking(github: World, jobs: Jobs, patience: RedeliveryPolicy = QUICK) -> Iterator[None]:
    """Look for what was missed as long as the block lasts."""
    missed = MissedDeliveries(jobs, credentials(github), patience)
    missed.start()
    try:
        yield
    finally:
        missed.stop()


def more_looks(github: World, count: int = 2) -> None:
    """Wait for so many more looks to begin: those before the last are over by then."""
    goal = len(github.calls_to(LISTED)) + count
    github.expect_call(LISTED, times=goal, within=15)


def open_pulls(github: World, count: int) -> list[Delivery]:
    """Open more pull requests and return the deliveries that tell of them."""
    opened = []
    for number in range(count):
        files = {**CHANGES, f"notes-{number}.md": "More.\n"}
        github.repo.commit(files, "Add discount codes", branch=f"more-{number}", author="alice")
        opened.append(github.open_pull(github.repo, f"more-{number}"))
    return opened


def statuses(github: World, delivery: Delivery) -> list[int]:
    return [one.status_code for one in github.log.attempts if one.delivery.guid == delivery.guid]


# -- deliveries ---------------------------------------------------------------------------------------------------


def test_what_was_sent_while_the_app_was_down_is_reviewed_once(github: World, tmp_path: Path) -> None:
    """Deliveries fail while the App is killed; up again, it has them all sent again and reviews each head once."""
    github.hook.secret = "s3cret"
    with FakeModel() as model:
        find(model, DELETE)
        told = app_processes.environment(github, model, f"sqlite:///{tmp_path}/reviewer.sqlite3", tmp_path)
        with app_processes.running(told, tmp_path, workers=0) as app:
            github.hook.url = app.server.hook
            github.expect_call(LISTED, within=20)
            app.processes[0].kill()
            missed = [github.reopen(github.pull), *open_pulls(github, 2)]
            unimportant = github.edit(github.pull, title="x")
            for delivery in [*missed, unimportant]:
                with suppress(httpx.HTTPError):
                    delivery.post()
            app.processes[0].start()
            for delivery in missed:
                pull = delivery.subject
                github.wait_until(partial(_finished, github, pull), f"the review of #{pull.number}", within=60)
                github.expect_review(on=pull, comments=1)
                github.expect_comment("<!-- reviewer:summary", on=pull)
                github.expect_check("neutral")
            assert [statuses(github, delivery) for delivery in missed] == [[0, 202]] * 3
            assert all(one.redelivery for one in github.log.attempts if one.status_code == 202)
            assert statuses(github, unimportant) == [0]


def _finished(github: World, pull: Pull) -> bool:
    return any(run.head_sha == pull.head and run.status == "completed" for run in github.repo.check_runs.values())


def test_what_succeeded_is_not_asked_for_again(github: World, jobs: Jobs, receiver: Receiver) -> None:
    """A delivery that failed and then succeeded is left alone, as is one of an action that is not handled."""
    github.hook.url, receiver.status = receiver.url, 503
    opened, labelled = github.reopen(github.pull), github.edit(github.pull, title="x")
    opened.post()
    labelled.post()
    receiver.status = 202
    opened.post()
    with looking(github, jobs):
        more_looks(github, 3)
    assert github.calls_to(ASKED) == []


def test_what_keeps_failing_is_given_up(
    github: World, jobs: Jobs, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent a few times with growing pauses, then never again, and the log says so once."""
    github.hook.url, receiver.status = receiver.url, 503
    opened = github.reopen(github.pull)
    opened.post()
    with looking(github, jobs, replace(QUICK, attempts=3)):
        github.wait_until(lambda: len(statuses(github, opened)) == 3, "the third attempt", within=20)
        more_looks(github, 4)
    assert statuses(github, opened) == [503] * 3
    assert ["URL right" in one.getMessage() for one in caplog.records if one.levelno == logging.ERROR] == [True]


@pytest.mark.parametrize(("status", "todo"), [(401, "GITHUB_WEBHOOK_SECRET"), (413, "25 MB")])
def test_what_would_fail_again_is_not_asked_for(
    github: World, jobs: Jobs, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int, todo: str
) -> None:
    """A wrong secret is no better the second time: the log says what to do, once."""
    github.hook.url, receiver.status = receiver.url, status
    github.reopen(github.pull).post()
    with looking(github, jobs):
        more_looks(github, 3)
    assert github.calls_to(ASKED) == []
    assert [todo in one.getMessage() for one in caplog.records if one.levelno == logging.ERROR] == [True]


def test_what_github_refuses_to_send_is_asked_for_once(github: World, jobs: Jobs) -> None:
    """A delivery that GitHub will not send again costs one request."""
    with suppress(httpx.HTTPError):
        github.reopen(github.pull).post("http://127.0.0.1:1/")  # and the hook has no address to send it to
    with looking(github, jobs):
        github.expect_call(ASKED)
        more_looks(github, 3)
    assert [call.status for call in github.calls_to(ASKED)] == [422]


def test_a_look_reads_only_what_is_new(github: World, jobs: Jobs, receiver: Receiver) -> None:
    """The first look reads every page; the next ones stop where the last one was, also after a restart."""
    github.max_per_page = 2
    opened = github.reopen(github.pull)
    for _ in range(6):
        opened.post(receiver.url)
    github.log.attempts = [replace(one, delivered_at=one.delivered_at - 7200) for one in github.log.attempts]
    opened.post(receiver.url)
    with looking(github, jobs):
        github.expect_call(LISTED, times=4)
        assert [bool(call.query.get("cursor")) for call in github.calls_to(LISTED)[:4]] == [False, True, True, True]
        more_looks(github)
    with looking(github, jobs):
        more_looks(github)
    assert not any(call.query.get("cursor") for call in github.calls_to(LISTED)[4:])


def test_a_failure_is_kept_in_sight_until_its_turn(github: World, jobs: Jobs, receiver: Receiver) -> None:
    """What a look may not ask for yet, the next one still sees, though newer deliveries came since."""
    github.hook.url, receiver.status = receiver.url, 503
    failed = [github.reopen(github.pull), github.reopen(github.pull)]
    for delivery in failed:
        delivery.post()
    github.log.attempts = [replace(one, delivered_at=one.delivered_at - 7200) for one in github.log.attempts]
    receiver.status = 202
    github.edit(github.pull, title="x").post()
    with looking(github, jobs, replace(QUICK, asked=1)):
        wait_until(lambda: all(statuses(github, one)[-1] == 202 for one in failed), "both come again")
    assert [statuses(github, one) for one in failed] == [[503, 202]] * 2


def test_github_away_costs_a_look(github: World, jobs: Jobs, receiver: Receiver) -> None:
    """While GitHub answers with errors nothing is forgotten: the next look asks."""
    github.hook.url, receiver.status = receiver.url, 503
    opened = github.reopen(github.pull)
    opened.post()
    receiver.status = 202
    github.fault("GET /app/hook/deliveries", faults.server_error(401, "Bad credentials"), times=1)
    github.fault("POST /attempts", faults.server_error(403, "Forbidden"), times=1)
    with looking(github, jobs):
        wait_until(lambda: statuses(github, opened) == [503, 202], "it comes again")
    assert len(github.calls_to(LISTED)) >= 2  # once in vain


def test_of_several_processes_one_looks(github: World, jobs: Jobs) -> None:
    """Two on one store: the second finds that the first had the turn."""
    patience = replace(QUICK, period=1000.0, soon=900.0)
    with looking(github, jobs, patience), looking(github, jobs, patience):
        github.expect_call(LISTED)
        wait_until(lambda: jobs.take_turn("deliveries", after=1000.0) is None, "the turn is taken")
    assert len(github.calls_to(LISTED)) == 1


def attempt(number: int, at: float, *, guid: str = "g", succeeded: bool = False, action: str = "opened") -> HookAttempt:
    return HookAttempt(number, guid, at, "pull_request", action, 202 if succeeded else 502, succeeded)


def test_attempts_are_judged_by_their_delivery() -> None:
    """The last attempt is the one to ask by; a success among them or an action that is not handled ends the matter."""
    attempts = [
        attempt(4, 40.0, guid="b"),
        attempt(3, 30.0, guid="a"),
        attempt(2, 20.0, guid="b"),
        attempt(9, 50.0, guid="c"),
        attempt(1, 10.0, guid="c", succeeded=True),
        attempt(5, 5.0, guid="d", action="edited"),
    ]
    assert failures(attempts) == [
        FailedDelivery("b", attempt=4, status=502, first=20.0, last=40.0, attempts=2),
        FailedDelivery("a", attempt=3, status=502, first=30.0, last=30.0, attempts=1),
    ]


@pytest.mark.parametrize(
    ("attempts", "passed", "due"),
    [(1, 0.0, True), (2, 299.0, False), (2, 300.0, True), (3, 1199.0, False), (3, 1200.0, True), (3, -3600.0, True)],
)
def test_pauses_grow(attempts: int, passed: float, *, due: bool) -> None:
    """At once, after five minutes, after twenty; a clock that was put back an hour does not block it for one."""
    failure = FailedDelivery("g", attempt=1, status=502, first=0.0, last=10_000.0, attempts=attempts)
    assert failure.is_due(10_000.0 + passed, RedeliveryPolicy()) is due


def test_a_turn_survives_a_clock_that_is_put_back(jobs: Jobs) -> None:
    """The last turn lies an hour in the future: it counts as over."""
    assert jobs.take_turn("x", after=60.0) == {}
    assert jobs.take_turn("x", after=60.0) is None
    jobs.note("x", {"n": 1})
    connection = sqlite3.connect(jobs._database.path)
    connection.execute("UPDATE reviewer_looks SET began = began + 3600")
    connection.commit()
    connection.close()
    assert jobs.take_turn("x", after=60.0) == {"n": 1}
    assert jobs.take_turn("x", after=60.0) is None


def test_a_new_base_is_asked_for_and_a_new_title_is_not(github: World, jobs: Jobs, receiver: Receiver) -> None:
    """The list does not tell them apart, so the payload of an edit is read, once."""
    github.hook.url, receiver.status = receiver.url, 503
    github.repo.commit({"x.txt": "x\n"}, "Begin", branch="next")
    renamed, moved = github.edit(github.pull, title="x"), github.edit(github.pull, base="next")
    renamed.post()
    moved.post()
    receiver.status = 202
    with looking(github, jobs):
        wait_until(lambda: statuses(github, moved) == [503, 202], "it comes again")
        more_looks(github, 3)
    assert statuses(github, renamed) == [503]
    assert len(github.calls_to(r"GET /app/hook/deliveries/\d+$")) <= 3


# -- pull requests ------------------------------------------------------------------------------------------------


def examine(github: World, jobs: Jobs, bounds: SearchBounds | None = None) -> list[str]:
    """Examine once; return the keys of the jobs that were put in for heads that nobody told of."""
    told = credentials(github)
    UnreviewedPulls(jobs, AppClient(told), told, bounds or SearchBounds()).examine(lambda: False)
    stored = [record.stored for record in jobs.records()]
    return sorted(one["key"] for one in stored if one["trigger"] == Trigger.MISSED)


def key(pull: Pull) -> str:
    return f"{pull.repository.full_name}#{pull.number}@{pull.head}"


def test_heads_without_a_review_are_found(github: World, jobs: Jobs) -> None:
    """Not drafts, old or closed ones, nor heads with our check run, our summary or a job; a lost job's run is none."""
    pulls = [github.pull, *(delivery.subject for delivery in open_pulls(github, 7))]
    checked, summarised, known, draft, old, closed, lost, missed = pulls
    ours = connect(credentials(github), github.repo.full_name, github.installation.id)
    body = {"name": "reviewer", "status": "in_progress"}
    run = ours.create_check({**body, "head_sha": checked.head, "external_id": key(checked)})
    ours.update_check(run["id"], completed_check(Conclusion.SUCCESS, "No findings", "None."))
    ours.create_comment(summarised.number, f"<!-- reviewer:summary head={summarised.head} -->\nNo findings.")
    jobs.accept(job_of(github.reopen(known)))
    github.convert_to_draft(draft)
    github.close(closed)
    ours.create_check({**body, "head_sha": lost.head, "external_id": key(lost)})
    github.comment(missed, f"<!-- reviewer:summary head={missed.head} -->", by="stan")
    old.issue.updated_at -= 10 * 86_400
    github.forgive()
    assert examine(github, jobs) == sorted([key(lost), key(missed)])
    assert examine(github, jobs) == sorted([key(lost), key(missed)])
    record = jobs.records()[0]
    assert (record.job.installation_id, record.job.head_sha is not None) == (github.installation.id, True)


def test_the_last_change_comes_first_within_bounds(github: World, jobs: Jobs) -> None:
    """Of many heads the newest are reviewed; with no reviews allowed the thread does not even ask."""
    pulls = [delivery.subject for delivery in open_pulls(github, 3)]
    for age, pull in enumerate([pulls[1], pulls[0], github.repo.pulls[0], pulls[2]]):
        pull.issue.updated_at -= 60 * age
    github.max_per_page = 2
    assert examine(github, jobs, SearchBounds(reviews=2)) == sorted([key(pulls[1]), key(pulls[0])])
    with looking(github, jobs, replace(QUICK, pulls=SearchBounds(reviews=0))):
        asked = len(github.calls_to("GET /app/installations$"))
        more_looks(github)
    assert len(github.calls_to("GET /app/installations$")) == asked


def test_one_head_in_two_pull_requests(github: World, jobs: Jobs) -> None:
    """A check run belongs to a commit, its id to a pull request: the other one with that head is found."""
    other = github.open_pull(github.repo, "discounts", base="main").subject
    ours = connect(credentials(github), github.repo.full_name, github.installation.id)
    run = ours.create_check({"name": "reviewer", "head_sha": other.head, "external_id": key(other)})
    ours.update_check(run["id"], completed_check(Conclusion.SUCCESS, "No findings", "None."))
    github.forgive()
    assert examine(github, jobs) == [key(github.repo.pulls[0])]


def test_another_base_since_the_review_is_found(github: World, jobs: Jobs) -> None:
    """The head has our check run and our summary; only the summary tells that they are about another diff."""
    carry_out(github, github.opened, model(DELETE))
    github.forgive()
    assert examine(github, jobs) == []
    github.repo.commit({"x.txt": "x\n"}, "Begin", branch="next")
    github.edit(github.pull, base="next")
    assert examine(github, jobs) == [key(github.pull)]
    assert examine(github, jobs) == [key(github.pull)], "it is put in once"


def test_another_base_since_the_job_is_found(github: World, jobs: Jobs) -> None:
    """The store knows the head, and against which base it was to be reviewed."""
    jobs.accept(job_of(github.reopen(github.pull)))
    assert examine(github, jobs) == []
    github.repo.commit({"x.txt": "x\n"}, "Begin", branch="next")
    github.edit(github.pull, base="next")
    assert examine(github, jobs) == [key(github.pull)]


def test_a_skipped_draft_that_became_ready_is_found(github: World, jobs: Jobs) -> None:
    """The check run of a skip is no review."""
    github.convert_to_draft(github.pull)
    carry_out(github, github.reopen(github.pull), model())
    github.expect_check("neutral")
    github.ready_for_review(github.pull)
    assert examine(github, jobs) == [key(github.pull)]


def test_closed_doors_are_passed_by(github: World, jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    """A suspended installation, one that is gone meanwhile and a repository without permission cost a line each."""
    caplog.set_level(logging.INFO)
    for owner in ("asleep", "gone"):
        github.create_repository(f"{owner}/x", {"a.txt": "a"})
        github.install(owner)
    asleep, gone = list(github.installations.values())[1:]
    github.suspend(asleep)
    github.fault(f"POST /{gone.id}/access_tokens$", faults.server_error(404, "Not Found"))
    secret = github.create_repository("octo-org/secret", {"a.txt": "a"})
    github.fault(f"GET /{secret.full_name}/pulls$", faults.server_error(403, "Resource not accessible by integration"))
    assert examine(github, jobs) == [key(github.repo.pulls[0])]
    said = [one.getMessage() for one in caplog.records]
    assert [said.count(text) for text in ("not examined, the installation is suspended", "not examined")] == [1, 2]


def test_a_start_examines(github: World, jobs: Jobs) -> None:
    """What the thread does at a start, once: the default world's pull request becomes a job."""
    with looking(github, jobs, replace(QUICK, period=0.0, pulls=SearchBounds())):
        wait_until(jobs.records, "a job")
        wait_until(lambda: jobs.take_turn("pulls", after=0.0) is not None, "a turn")
    assert [record.job.trigger for record in jobs.records()] == [Trigger.MISSED]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ScriptedWorker]:
    worker = ScriptedWorker(f"sqlite:///{tmp_path}/worker.sqlite3")
    worker.jobs.open()
    yield worker
    worker.jobs.close()


@pytest.mark.parametrize("order", [("found", "told"), ("told", "found")])
def test_found_and_told_is_one_review(worker: ScriptedWorker, order: tuple[str, str]) -> None:
    """The delivery that was missed comes after all: whichever is accepted first is carried out, the other is not."""
    told = automatic()
    both = {"told": told, "found": replace(told, delivery="missed-1", trigger=Trigger.MISSED)}
    first, second = (both[name] for name in order)
    for job in (first, second):
        worker.on(job, lambda *_: {"state": "reviewed"})
        assert worker.jobs.accept(job)
    worker.jobs.start_worker(worker.work())
    assert [worker.ended(job).state for job in (first, second)] == [JobState.DONE, JobState.SUPERSEDED]
    assert worker.carried == {first.delivery: 1}
    assert worker.jobs.record(second.delivery).reason == f"the same head is reviewed by job {first.delivery}"


def test_found_but_not_reviewed_leaves_room(worker: ScriptedWorker) -> None:
    """The head that was found was a draft by then: when it is made ready, it is reviewed."""
    ready = automatic(trigger=Trigger.READY_FOR_REVIEW)
    found = replace(ready, delivery="missed-1", trigger=Trigger.MISSED)
    worker.on(found, lambda *_: {"state": "ignored", "reason": "draft"})
    worker.jobs.start_worker(worker.work())
    for job in (found, ready):
        worker.jobs.accept(job)
        assert worker.ended(job).state is JobState.DONE
