"""The client when the service is slow, busy or broken: retries, deadlines, fallbacks, batches."""

import threading
import time
from decimal import Decimal

import pytest

from reviewer.llm.client import Client
from reviewer.llm.error_mapping import CutOff, NoSuchModel
from reviewer.llm.errors import BadKey, ModelError, ModelUnavailable, NoCredit, RequestRefused, SlowDown
from reviewer.llm.messages import Message, Prompt, Reply, Task
from tests.fakes.model import KEY, Answer, Reset, Stall, base_resp, error, page, thinks

BUSY = error(529, "server cluster is under high load", "overloaded_error")
DOWN = error(503, "down")


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def times():
    """Return a clock for the client."""
    return Time()


def client_of(model, times=None, **more):
    """Return a client of the double; with a clock of the test, jitter is its upper bound."""
    if times is not None:
        more = {"clock": times.clock, "sleep": times.sleep, "jitter": lambda _, most: most, **more}
    return Client(key=KEY, base_url=model.base_url, **more)


def prompt(text="the diff"):
    """Return a prompt for findings."""
    return Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", f"# Task: findings\n{text}")))


def text_of(call):
    """Return what the prompt asks, without the line that names its task."""
    return call.user.split("\n", 1)[1]


def failure(client):
    """Return the error that a call ends with."""
    with pytest.raises(ModelError) as raised:
        client.complete(prompt())
    return raised.value


@pytest.mark.parametrize(
    "trouble",
    [DOWN, BUSY, page(502), Reset(), base_resp(1002, "rate"), base_resp(1013, "internal"), Answer("half", cut=2)],
)
def test_what_passes_is_tried_again(model, times, trouble):
    """A transient failure is retried, and all attempts are on the bill of the reply."""
    model.script("findings", trouble, Answer(thinks("fine"), usage=(1000, 0)))
    with client_of(model, times) as client:
        reply = client.complete(prompt())
    assert reply.text == "fine"
    assert [attempt.outcome for attempt in reply.attempts][1:] == ["ok"]
    assert reply.usage.calls == 2
    assert reply.usage.cost_usd == Decimal("0.00015")


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (error(401, "no (1004)"), BadKey),
        (base_resp(1008, "insufficient balance"), NoCredit),
        (error(400, "no (2013)"), RequestRefused),
        (base_resp(1026, "sensitive"), RequestRefused),
        (error(429, "usage limit exceeded, resets at 16:00 (2056)"), NoCredit),
    ],
)
def test_what_does_not_pass_is_not_tried_again(model, times, trouble, kind):
    """A final failure is sent once: 1008 is no HTTP status, and a plan that is used up stays so for hours."""
    model.script("findings", trouble)
    with client_of(model, times) as client:
        assert type(failure(client)) is kind
    assert times.slept == []


def test_attempts_are_counted(model, times):
    """After `max_attempts` the last error is raised, with every attempt on its bill."""
    model.script("findings", DOWN, Reset(), DOWN)
    with client_of(model, times, max_attempts=3) as client:
        found = failure(client)
    assert type(found) is ModelUnavailable
    assert [attempt.outcome for attempt in found.attempts] == ["unavailable"] * 3


def test_waits_grow_and_a_busy_service_is_given_longer(model, times):
    """The bound of the random wait doubles, up to a minute, from a longer start where the service is overloaded."""
    model.script("findings", *[DOWN] * 4, "fine", *[BUSY] * 5, "fine")
    with client_of(model, times, max_attempts=9) as client:
        client.complete(prompt())
        failed, times.slept = times.slept, []
        client.complete(prompt())
    assert failed == [1.5, 3.0, 6.0, 12.0]
    assert times.slept == [8.0, 16.0, 32.0, 60.0, 60.0]


def test_waits_are_random_down_to_nothing(model, times):
    """Clients that failed together do not come back together: the wait is drawn from zero to its bound."""
    drawn = []

    def jitter(*bounds: float) -> float:
        drawn.append(bounds)
        return 0.25

    model.script("findings", DOWN, "fine")
    with client_of(model, times, jitter=jitter) as client:
        client.complete(prompt())
    assert (drawn, times.slept) == ([(0.0, 1.5)], [0.25])


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 8.0), ("0", 1.0), ("3600", 121.0), ("Thu, 01 Jan 2026 00:00:00 GMT", 1.0)]
)
def test_the_wait_that_the_service_asks_for_is_kept(model, times, asked, waited):
    """Retry-After, in seconds or as a date, decides the wait, up to two minutes and a second of jitter."""
    model.script("findings", error(429, "slow down", retry_after=asked), "fine")
    with client_of(model, times) as client:
        client.complete(prompt())
    assert times.slept == [waited]


def test_retries_end_in_time(model, times):
    """A retry that would begin after `retry_timeout` is not made."""
    model.script("findings", *[error(503, "down", retry_after="100")] * 3)
    with client_of(model, times, retry_timeout=250, max_attempts=99) as client:
        assert len(failure(client).attempts) == 3
    assert times.slept == [101.0, 101.0]


def timed(call):
    """Return how long a call took, in seconds."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


def connected(model, script, times=None, **more):
    """Return a client that has had an answer already, so that its limits count the answers of `script` alone."""
    model.script("findings", "fine", *script)
    client = client_of(model, times, **more)
    client.complete(prompt())
    return client


@pytest.mark.parametrize(
    "stall",
    [Stall(before_head=True), Stall(), Stall(dribble=0.02), Stall("half an answer"), Stall("half", dribble=0.02)],
)
@pytest.mark.parametrize("limit", ["idle_timeout", "total_timeout"])
def test_a_stalled_answer_is_cut_off(model, stall, limit):
    """Silence ends at the deadline, and comments that keep the connection alive do not count as an answer."""
    # Half an answer has to arrive before the end also on a busy machine.
    seconds = 2.0 if stall.text else 0.6
    with connected(model, [stall], max_attempts=1, **{limit: seconds}) as client:
        found = []
        took = timed(lambda: found.append(failure(client)))
    assert isinstance(found[0], CutOff)
    assert seconds - 0.1 < took < seconds + 1.9
    (attempt,) = found[0].attempts
    assert attempt.outcome == "unavailable"
    assert attempt.estimated == bool(stall.text)
    assert bool(attempt.cost_usd) == bool(stall.text)


def test_an_answer_that_goes_on_and_on_is_cut_off(model):
    """An endless answer, each piece in time, ends at the total deadline and is billed at its estimate."""
    endless = Answer("word " * 200_000, piece=5)
    with connected(model, [endless], max_attempts=1, total_timeout=1.0) as client:
        found = failure(client)
    assert isinstance(found, CutOff)
    assert found.attempts[0].estimated
    assert found.attempts[0].completion_tokens > 0


def test_a_slow_answer_that_keeps_coming_is_waited_for(model):
    """The idle deadline counts from the last piece, not from the start."""
    slow = Answer("one two three four five six", piece=3, pause=0.15)
    with connected(model, [slow], max_attempts=1, idle_timeout=1.0) as client:
        assert timed(lambda: client.complete(prompt())) > 1.2


def test_a_stall_is_retried(model, times):
    """After a stall the prompt is sent again, and what the stalled attempt wrote stays on the bill."""
    with connected(model, [Stall("half an answer"), "fine"], times, idle_timeout=1.0) as client:
        reply = client.complete(prompt())
    assert [(one.outcome, one.estimated) for one in reply.attempts] == [("unavailable", True), ("ok", False)]


def test_a_stalled_answer_is_hung_up_on(model):
    """When we give up, the service learns it and can stop writing: the connection does not stay open."""
    model.script("findings", Stall("half an answer"))
    with client_of(model, max_attempts=1, idle_timeout=0.1) as client:
        failure(client)
        model.wait_for(lambda: model.active == 0, "the client to hang up")


@pytest.mark.parametrize("stall", [Stall("half"), Stall(before_head=True)])
def test_closing_ends_the_calls_under_way(model, stall):
    """`close` from another thread ends a call that waits for the service, without another attempt."""
    model.script("findings", stall)
    client = client_of(model)
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(failure(client)))
    thread.start()
    model.wait_for(lambda: model.active == 1, "the call")
    client.close()
    thread.join(5)
    assert [type(one) for one in outcome] == [ModelUnavailable]


def test_closing_ends_the_wait_for_a_retry(model):
    """`close` wakes a call that sleeps between attempts."""
    model.script("findings", error(503, "down", retry_after="100"))
    client = client_of(model)
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(failure(client)))
    thread.start()
    model.wait_for(lambda: len(model.calls) == 1 and model.active == 0, "the first attempt")
    client.close()
    thread.join(5)
    assert [type(one) for one in outcome] == [ModelUnavailable]


@pytest.mark.parametrize(
    "trouble", [error(400, "not on your plan (2061)"), error(400, "unknown model 'm' (2013)"), DOWN, BUSY]
)
def test_a_fallback_takes_over_where_another_model_may_do_better(model, times, trouble):
    """A model that is not served or keeps failing is replaced by the next one, and the bill tells them apart."""
    transient = trouble in {DOWN, BUSY}
    model.script("findings", *[trouble] * (2 if transient else 1), Answer("fine", usage=(100, 100)))
    with client_of(model, times, max_attempts=2, fallback_models=("MiniMax-M2.5",)) as client:
        reply = client.complete(prompt())
    assert reply.model == "MiniMax-M2.5"
    assert [one.model for one in reply.attempts] == ["MiniMax-M2.1"] * (len(model.calls) - 1) + ["MiniMax-M2.5"]
    assert reply.usage.cost_usd == Decimal("0.002")


@pytest.mark.parametrize(
    "trouble", [base_resp(1008, "insufficient balance"), error(401, "no (1004)"), error(400, "no")]
)
def test_no_fallback_where_it_would_not_help(model, times, trouble):
    """Another model does not mend a key, a credit or a prompt."""
    model.script("findings", trouble)
    with client_of(model, times, fallback_models=("MiniMax-M2.5",)) as client:
        assert {one.model for one in failure(client).attempts} == {"MiniMax-M2.1"}


def test_the_last_fallback_ends_it(model, times):
    """When every model has failed, the error bills the attempts of all; a model named twice is asked once."""
    model.script("findings", *[DOWN] * 3)
    models = ("MiniMax-M2.5", "MiniMax-M2.1", "MiniMax-M2.7")
    with client_of(model, times, max_attempts=1, fallback_models=models) as client:
        found = failure(client)
    assert [one.model for one in found.attempts] == ["MiniMax-M2.1", "MiniMax-M2.5", "MiniMax-M2.7"]


def test_a_batch_is_answered_in_order(model, times):
    """Each prompt gets its own answer in its own place, whichever comes first."""
    model.answers("findings", lambda call: DOWN if text_of(call) == "3" else f"answer to {text_of(call)}")
    with client_of(model, times, max_attempts=1) as client:
        answers = client.ask([prompt(str(number)) for number in range(6)])
    assert [type(one) for one in answers] == [Reply] * 3 + [ModelUnavailable] + [Reply] * 2
    assert [one.text for one in answers if isinstance(one, Reply)] == [f"answer to {n}" for n in (0, 1, 2, 4, 5)]


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_calls_than_allowed_at_a_time(model, parallel):
    """The limit holds for a batch and for single calls together."""
    model.answers("findings", lambda _: Stall(before_head=True, then=Answer("fine")))
    with client_of(model, max_parallel=parallel) as client:
        threads = [threading.Thread(target=client.complete, args=[prompt()]) for _ in range(3)]
        threads.append(threading.Thread(target=client.ask, args=[[prompt()] * 5]))
        for thread in threads:
            thread.start()
        model.wait_for(lambda: model.active == parallel, "the first calls")
        model.release()
        for thread in threads:
            thread.join(10)
    assert len(model.calls) == 8
    assert model.most_active == parallel


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(base_resp(1008, "insufficient balance"), NoCredit), (error(401, "no (1004)"), BadKey)],
)
def test_a_batch_ends_with_the_credit_or_the_key(model, times, trouble, kind):
    """When nothing more can be bought, the rest is not sent and gets the same error, without a bill."""
    model.script("findings", "fine", trouble)
    with client_of(model, times, max_parallel=1) as client:
        answers = client.ask([prompt(str(number)) for number in range(5)])
    assert [type(one) for one in answers] == [Reply] + [kind] * 4
    assert [len(one.attempts) for one in answers] == [1, 1, 0, 0, 0]
    assert len({str(one) for one in answers[1:]}) == 1


def test_what_is_under_way_is_finished_when_the_credit_ends(model):
    """In a parallel batch, answers that are on their way when the credit ends are kept: they are paid for."""
    slow = Stall(before_head=True, then=Answer("fine"))
    model.answers("findings", lambda call: base_resp(1008, "insufficient balance") if text_of(call) == "1" else slow)
    answers = []
    with client_of(model, max_parallel=2) as client:
        batch = threading.Thread(target=lambda: answers.extend(client.ask([prompt(str(n)) for n in range(2)])))
        batch.start()
        model.wait_for(lambda: len(model.calls) == 2 and model.active == 1, "both calls, one of them answered")
        model.release()
        batch.join(10)
    assert [type(one) for one in answers] == [Reply, NoCredit]


def test_a_batch_of_a_model_that_is_not_served_stops(model, times):
    """Each prompt of a batch would be refused alike, so one is enough to know."""
    model.script("findings", error(400, "not on your plan (2061)"))
    with client_of(model, times, max_parallel=1) as client:
        answers = client.ask([prompt()] * 3)
    assert [type(one) for one in answers] == [NoSuchModel] * 3


def test_a_client_can_be_shared_after_a_busy_batch(model, times):
    """Nothing of a failed batch stays: the next call of the same client is made."""
    model.script("findings", BUSY, BUSY, "fine")
    with client_of(model, times, max_attempts=1) as client:
        assert [type(one) for one in client.ask([prompt(), prompt()])] == [SlowDown, SlowDown]
        assert client.complete(prompt()).text == "fine"
