"""The durable engine, in this process: what is accepted is carried out, once, and what is not wanted is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reviewer.errors import ReviewerError
from reviewer.llm.errors import ModelError, ModelUnavailable, NoCredit
from reviewer.llm.messages import Ask, Reply
from reviewer.llm.usage import Attempt, Usage
from tests.fixtures.job_worker import QUICK, ScriptedWorker, automatic, command, numbers, prompt
from tests.fixtures.waiting import wait_until
from webhooks.events.deliveries import Job, Trigger
from webhooks.queue.jobs import JobPostponed, JobState, NoSuchJob, ReportedFailure


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def worker(request, tmp_path_factory) -> Iterator[ScriptedWorker]:
    """Give a worker that works, on each kind of store."""
    if request.param == "postgres":
        url = request.getfixturevalue("fresh_postgres")()
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/jobs.sqlite3"
    worker = ScriptedWorker(url)
    worker.jobs.open()
    worker.jobs.start_worker(worker.work())
    yield worker
    worker.jobs.close()


class TestCarryingOut:
    def test_an_accepted_job_is_carried_out(self, worker):
        """What `carry_out` returns is kept with the job."""
        job = worker.on(automatic(), lambda _job, _ask, wanted: {"findings": 3, "wanted": wanted()})
        assert worker.jobs.accept(job)
        record = worker.ended(job)
        assert (record.state, record.result, record.reason) == (JobState.DONE, {"findings": 3, "wanted": True}, "")
        assert record.job == job

    def test_a_delivery_is_accepted_once(self, worker):
        """A redelivery of an accepted delivery changes nothing, neither while the job waits nor when it is done."""
        job = automatic()
        assert worker.jobs.accept(job)
        assert not worker.jobs.accept(job)
        worker.ended(job)
        assert not worker.jobs.accept(job)
        follow_up = automatic(number=job.number)
        worker.jobs.accept(follow_up)
        worker.ended(follow_up)
        assert worker.carried[job.delivery] == 1

    def test_one_pull_request_one_job_at_a_time(self, worker):
        """Of two jobs of one pull request the second waits for the first; another pull request does not wait."""
        hold, begun = threading.Event(), threading.Event()

        def wait(*_: object) -> dict[str, Any]:
            begun.set()
            assert hold.wait(15)
            return {}

        first = worker.on(command(), wait)
        second = command(number=first.number)
        other = automatic()
        worker.jobs.accept(first)
        assert begun.wait(15)
        worker.jobs.accept(second)
        worker.jobs.accept(other)
        worker.ended(other)
        assert worker.jobs.record(second.delivery).state is JobState.QUEUED
        hold.set()
        assert worker.ended(second).state is JobState.DONE

    def test_a_job_of_a_newer_version_fails_with_what_to_do(self, worker, monkeypatch):
        """A job that a newer version accepted is on the failed list, and does not block others."""
        job = automatic()
        monkeypatch.setattr("webhooks.events.job.JOB_VERSION", 2)
        worker.jobs.accept(job)
        monkeypatch.undo()
        record = worker.ended(job)
        assert record.state is JobState.FAILED
        assert "run it with the version that accepted it" in record.reason


def text_of(answer: Reply | ModelError) -> str:
    assert isinstance(answer, Reply), answer
    return answer.text


def asking(text: str, seen: list[Any]) -> Callable[[Job, Ask, object], dict[str, Any]]:
    """Return the work of asking one prompt; the answers are put into `seen`."""

    def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
        seen.extend(ask([prompt(text)]))
        return {}

    return work


class TestAsking:
    def test_answers_come_in_order_and_in_parallel(self, worker):
        """Three prompts are asked at the same time, and their answers come back in the order of the prompts."""
        together = threading.Barrier(3, timeout=15)
        for text in ("one", "two", "three"):
            worker.answering(text, lambda text=text: together.wait() is not None and Reply(text.upper()))

        def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            return {"texts": [text_of(answer) for answer in ask([prompt("one"), prompt("two"), prompt("three")])]}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        assert worker.ended(job).result == {"texts": ["ONE", "TWO", "THREE"]}

    def test_the_same_prompt_is_paid_once(self, worker):
        """A job that asks the same twice, at once and later, makes one call; another job makes its own."""

        def work(job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            answers = ask([prompt("same"), prompt("same")]) + ask([prompt("same")])
            return {"texts": sorted({text_of(answer) for answer in answers})}

        first, second = worker.on(automatic(), work), worker.on(automatic(), work)
        worker.jobs.accept(first)
        assert worker.ended(first).result == {"texts": ["re: same"]}
        assert worker.asked["same"] == 1
        worker.jobs.accept(second)
        worker.ended(second)
        assert worker.asked["same"] == 2

    def test_a_failure_is_a_value(self, worker):
        """A prompt that failed gets its typed error with its attempts, beside the replies of the others."""
        tried = (Attempt("MiniMax-M2.1", "no-credit"),)

        def fail() -> Reply:
            raise NoCredit("top up", attempts=tried, retry_after=7.0)

        worker.answering("poor", fail)
        seen: list[Any] = []

        def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            seen.extend(ask([prompt("rich"), prompt("poor")]))
            return {}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        assert worker.ended(job).state is JobState.DONE
        reply, error = seen
        assert (reply.text, reply.attempts[0].cost_usd) == ("re: rich", Decimal("0.000021"))
        assert isinstance(error, NoCredit)
        assert (str(error), error.attempts, error.retry_after) == ("top up", tried, 7.0)

    def test_an_unexpected_error_of_the_client_is_a_failure(self, worker):
        """A bug in the model client is an error that the review hears of, not a wait for ever, and quotes nothing."""

        def fail() -> Reply:
            raise KeyError("def secret_code():")

        worker.answering("bug", fail)
        seen: list[Any] = []
        job = worker.on(automatic(), asking("bug", seen))
        worker.jobs.accept(job)
        worker.ended(job)
        assert isinstance(seen[0], ModelUnavailable)
        assert "KeyError at test_jobs.py" in str(seen[0])
        assert "secret_code" not in str(seen[0])

    def test_text_beyond_unicode_survives(self, worker):
        """A diff may hold bytes that are no text: their surrogates come to the model and back as they are."""
        seen: list[Any] = []
        text = "x = '\udcff' # \u2028 \x00 \U0001f600"
        job = worker.on(automatic(), asking(text, seen))
        worker.jobs.accept(job)
        worker.ended(job)
        assert seen[0].text == f"re: {text}"

    def test_the_bill(self, worker):
        """Every attempt is on the bill, by pull request and job, exact; one unknown price makes the sum unknown."""
        started = time.time()
        known = worker.on(automatic(), lambda _job, ask, _wanted: bool(ask([prompt("b1"), prompt("b2")])) and {})
        worker.jobs.accept(known)
        worker.ended(known)
        bill = Usage(2, 200, 20, Decimal("0.000042"))
        assert worker.jobs.spent(repository="octo/hello", number=known.number) == bill
        assert worker.jobs.spent(job_id=known.delivery, since=started - 1) == bill
        assert worker.jobs.spent(job_id=known.delivery, since=time.time() + 1) == Usage()
        assert worker.jobs.spent(repository="octo/other") == Usage()
        mystery = f"mystery-{started}"
        worker.answering("unpriced", lambda: Reply("x", attempts=(Attempt(mystery, "ok", 1, 1, None),)))
        job = worker.on(
            automatic(number=known.number), lambda _job, ask, _wanted: bool(ask([prompt("unpriced")])) and {}
        )
        worker.jobs.accept(job)
        worker.ended(job)
        assert worker.jobs.spent(repository="octo/hello", number=known.number) == Usage(3, 201, 21, None)
        assert [total.usage for total in worker.jobs.totals() if total.model == mystery] == [Usage(1, 1, 1, None)]


class TestFailing:
    def test_what_may_pass_is_tried_again_and_nothing_is_bought_twice(self, worker):
        """After a passing failure the replies are read back and only the failed prompts are asked again."""
        tries = iter([ModelUnavailable("away", attempts=())])

        def answer() -> Reply:
            for error in tries:
                raise error
            return Reply("at last")

        worker.answering("flaky", answer)

        def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            answers = ask([prompt("paid"), prompt("flaky")])
            for one in answers:
                if isinstance(one, ModelError):
                    raise one
            return {"texts": [one.text for one in answers if isinstance(one, Reply)]}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert record.result == {"texts": ["re: paid", "at last"]}
        assert (worker.asked["paid"], worker.asked["flaky"], record.failures) == (1, 2, 1)
        assert job.delivery not in worker.given_up

    def test_waiting_is_no_failure(self, worker):
        """A job that waits is queued again as often as it likes, and nobody is told of a failure."""
        left = list(range(5))

        def work(_job: Job, _ask: Ask, _wanted: object) -> dict[str, Any]:
            if left.pop():
                raise JobPostponed("waits for 2 checks", 0.05)
            return {}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert (record.state, record.failures, worker.carried[job.delivery]) == (JobState.DONE, 0, 5)
        assert job.delivery not in worker.given_up

    def test_what_fails_again_and_again_is_given_up(self, worker):
        """After the last failure the job is on the failed list with its reason, and people are told once."""

        def work(*_: object) -> dict[str, Any]:
            raise ConnectionResetError("github is away")

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert (record.state, worker.carried[job.delivery]) == (JobState.FAILED, QUICK.failures)
        assert record.reason.startswith("ConnectionResetError at test_jobs.py")
        assert worker.given_up[job.delivery] == record.reason
        assert record.id in {one.id for one in worker.jobs.records([JobState.FAILED])}

    def test_what_will_not_pass_is_given_up_at_once(self, worker):
        """One of our own errors that is not marked as passing ends the job with its words."""

        def work(*_: object) -> dict[str, Any]:
            raise ReviewerError("the App may not write: accept the new permissions")

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert record.reason == "ReviewerError: the App may not write: accept the new permissions"
        assert worker.carried[job.delivery] == 1

    def test_a_reason_never_quotes_what_an_error_choked_on(self, worker):
        """An error that is not ours is named by its class and place: its words may be code."""

        def work(*_: object) -> dict[str, Any]:
            raise ValueError("invalid: password = 'hunter2'")

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert record.reason.startswith("ValueError at test_jobs.py:")
        assert "hunter2" not in record.reason

    def test_a_failure_that_people_know_of_is_not_told_again(self, worker):
        """A job whose work said itself that it failed is on the failed list, and nobody is told a second time."""

        def work(*_: object) -> dict[str, Any]:
            raise ReportedFailure("no credit left: top up at RunAPI")

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        record = worker.ended(job)
        assert (record.state, record.reason) == (JobState.FAILED, "no credit left: top up at RunAPI")
        assert job.delivery not in worker.given_up

    def test_an_operator_retries(self, worker):
        """A failed job that is retried reads back what it had paid for, and starts counting failures anew."""
        broken = [True]

        def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            ask([prompt("dear")])
            if broken:
                raise ReviewerError("a bug")
            return {"fine": True}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        assert worker.ended(job).state is JobState.FAILED
        broken.clear()
        worker.jobs.retry(job.delivery)
        record = worker.ended(job)
        assert (record.state, record.result, record.failures) == (JobState.DONE, {"fine": True}, 0)
        assert worker.asked["dear"] == 1

    def test_answers_that_could_not_be_read_are_asked_for_again(self, worker):
        """A retry of a job that failed because of the model's answers does not read the same answers for ever."""
        useless = [True]

        def work(_job: Job, ask: Ask, _wanted: object) -> dict[str, Any]:
            ask([prompt("unreadable")])
            if useless:
                raise ReportedFailure("the answer could not be read", answers_are_useless=True)
            return {"fine": True}

        job = worker.on(automatic(), work)
        worker.jobs.accept(job)
        assert worker.ended(job).state is JobState.FAILED
        useless.clear()
        worker.jobs.retry(job.delivery)
        assert worker.ended(job).state is JobState.DONE
        assert worker.asked["unreadable"] == 2

    def test_only_what_is_over_is_retried(self, worker):
        """A job that is unknown or under way cannot be retried, and the message says why."""
        with pytest.raises(NoSuchJob, match="no job nonsense"):
            worker.jobs.retry("nonsense")
        hold = threading.Event()
        job = worker.on(automatic(), lambda *_: {"held": hold.wait(15)})
        worker.jobs.accept(job)
        with pytest.raises(NoSuchJob, match="cannot be retried: it is"):
            worker.jobs.retry(job.delivery)
        hold.set()
        worker.ended(job)
        with pytest.raises(NoSuchJob, match="it is done; comment `/review`"):
            worker.jobs.retry(job.delivery)
        assert worker.jobs.record(job.delivery).state is JobState.DONE


class TestNotWanted:
    def running(self, worker: ScriptedWorker, job: Job) -> tuple[Job, threading.Event, list[Any]]:
        """Have the job under way, waiting for the model; return it, what lets the model answer, and what it saw."""
        hold, begun, seen = threading.Event(), threading.Event(), list[Any]()

        def answer() -> Reply:
            begun.set()
            assert hold.wait(15)
            return Reply("late")

        worker.answering(f"first {job.delivery}", answer)

        def work(job: Job, ask: Ask, wanted: Callable[[], bool]) -> dict[str, Any]:
            try:
                ask([prompt(f"first {job.delivery}")])
                ask([prompt(f"second {job.delivery}")])
            finally:
                seen.append(wanted())
            return {"posted": True}

        worker.on(job, work)
        worker.jobs.accept(job)
        assert begun.wait(15)
        return job, hold, seen

    def test_a_newer_head_supersedes_a_running_job(self, worker):
        """When a newer head arrives the running job makes no further call and does not get to posting."""
        older, hold, seen = self.running(worker, automatic("a", updated="2026-01-01T00:00:00Z"))
        newer = automatic("b", number=older.number, updated="2026-01-01T00:00:09Z", trigger=Trigger.SYNCHRONIZE)
        worker.jobs.accept(newer)
        record = worker.ended(older)
        hold.set()
        assert (record.state, record.result) == (JobState.SUPERSEDED, None)
        assert record.reason == f"superseded by {newer.key}"
        assert seen == [False]
        assert worker.ended(newer).state is JobState.DONE
        assert worker.asked[f"second {older.delivery}"] == 0

    def test_pushes_in_a_burst_are_one_review(self, worker):
        """Of pushes that follow each other quickly, only the last is carried out."""
        number = next(numbers)
        burst = [
            automatic(head, number=number, updated=f"2026-01-01T00:00:0{second}Z", trigger=Trigger.SYNCHRONIZE)
            for second, head in enumerate("abcd")
        ]
        for job in burst:
            worker.jobs.accept(job)
        states = [worker.ended(job).state for job in burst]
        assert states == [JobState.SUPERSEDED] * 3 + [JobState.DONE]
        assert [worker.carried[job.delivery] for job in burst] == [0, 0, 0, 1]

    def test_a_late_older_delivery_does_nothing(self, worker):
        """A delivery that was overtaken by a newer one is not carried out, whenever it arrives."""
        newer = automatic("b", updated="2026-01-01T00:00:09Z")
        worker.jobs.accept(newer)
        assert worker.ended(newer).state is JobState.DONE
        late = automatic("a", number=newer.number, updated="2026-01-01T00:00:00Z")
        worker.jobs.accept(late)
        assert worker.ended(late).state is JobState.SUPERSEDED
        assert worker.carried[late.delivery] == 0

    def test_the_same_head_is_not_superseded(self, worker):
        """A draft opened and then made ready has one head: both deliveries are carried out."""
        opened = automatic("a")
        ready = automatic("a", number=opened.number, updated="2026-01-01T00:00:09Z", trigger=Trigger.READY_FOR_REVIEW)
        worker.jobs.accept(opened)
        worker.jobs.accept(ready)
        assert {worker.ended(opened).state, worker.ended(ready).state} == {JobState.DONE}

    def test_another_base_supersedes_a_running_job(self, worker):
        """The head is the same and the diff is another; the job for it finds what there is."""
        older, hold, seen = self.running(worker, automatic("a"))
        edited = automatic("a", number=older.number, updated="2026-01-01T00:00:09Z", trigger=Trigger.RETARGETED)
        edited = replace(edited, key=f"{edited.key}+base-{'b' * 40}", base_ref="next")
        worker.jobs.accept(edited)
        assert worker.ended(older).reason == f"superseded by {edited.key}"
        hold.set()
        assert worker.ended(edited).state is JobState.DONE
        assert seen == [False]

    def test_a_merge_group_stands_in_nobodys_way(self, worker):
        """It has no pull request: it is neither superseded by the jobs of one nor waits behind them."""
        job, hold, _ = self.running(worker, automatic("a"))
        group = replace(automatic("c", trigger=Trigger.MERGE_GROUP), number=0, key="octo/hello@c", updated_at="")
        worker.jobs.accept(group)
        assert worker.ended(group).state is JobState.DONE
        hold.set()
        assert worker.ended(job).state is JobState.DONE

    def test_in_the_same_second_nobody_is_superseded(self, worker):
        """Which of two heads of one second is the newer only GitHub knows: both are carried out and ask there."""
        first = automatic("a")
        second = automatic("b", number=first.number)
        worker.jobs.accept(first)
        worker.jobs.accept(second)
        assert {worker.ended(first).state, worker.ended(second).state} == {JobState.DONE}

    def test_a_command_is_not_superseded(self, worker):
        """What a person asked for is done although the pull request moved on."""
        job, hold, seen = self.running(worker, command())
        worker.jobs.accept(automatic("b", number=job.number, updated="2026-01-01T00:00:09Z"))
        hold.set()
        assert worker.ended(job).result == {"posted": True}
        assert seen == [True]

    def test_an_operator_cancels_a_running_job(self, worker):
        """A cancelled job makes no further call, does not get to posting, and is not carried out again."""
        job, hold, seen = self.running(worker, automatic())
        worker.jobs.cancel(job.delivery)
        wait_until(lambda: seen, "the run notices")
        hold.set()
        record = worker.ended(job)
        assert (record.state, record.reason, seen) == (JobState.CANCELLED, "cancelled by an operator", [False])
        assert worker.asked[f"second {job.delivery}"] == 0
        with pytest.raises(NoSuchJob, match="it is cancelled"):
            worker.jobs.cancel(job.delivery)

    def test_an_operator_cancels_a_waiting_job(self, worker):
        """A job that is cancelled while it waits is never carried out; retried, it is."""
        job = automatic(trigger=Trigger.SYNCHRONIZE)
        worker.jobs.accept(job)
        worker.jobs.cancel(job.delivery)
        worker.jobs.retry(job.delivery)
        assert worker.ended(job).state is JobState.DONE
        assert worker.carried[job.delivery] == 1
