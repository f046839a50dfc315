"""What operators look at, read from SQLite and from Postgres."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.webhooks.pages.seeding import seed
from webhooks.queue.jobs import Jobs, JobState
from webhooks.queue.overview import JobsOverview

pytestmark = pytest.mark.slow

COUNT = 60


@pytest.fixture(params=["sqlite", "postgres"])
def overview(request, tmp_path) -> Iterator[JobsOverview]:
    """Open a store with sixty jobs of two months."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/reviewer.sqlite3" if is_sqlite else request.getfixturevalue("fresh_postgres")()
    seed(url, COUNT)
    jobs = Jobs(url, folder=tmp_path)
    jobs.open()
    yield jobs.overview
    jobs.close()


def test_everything_is_read_the_same(overview):
    """Jobs with their progress, filters, totals by day, findings, failures, the queue; an installation bounds all."""
    listed = overview.jobs(None, states=tuple(JobState), limit=10)
    assert [each.place for each in listed] == sorted((each.place for each in listed), reverse=True)
    assert (listed[3].progress.asked, listed[3].progress.answered) == (6, 5)
    assert [
        each.record.id for each in overview.jobs(None, states=tuple(JobState), before=listed[8].place, limit=1)
    ] == [listed[9].record.id]
    assert sum(overview.counts(None).values()) == COUNT
    failed = overview.jobs(None, states=(JobState.FAILED,), text="the SERVICE is")
    assert {each.record.state for each in failed} == {JobState.FAILED}
    assert overview.jobs(None, states=tuple(JobState), text="%") == []
    everything = overview.days(None, since=0.0)
    assert sum(day.calls for day in everything) == 4 * COUNT
    assert sum(day.reviews for day in everything) == overview.counts(None)[JobState.DONE]
    assert sum((day.cost_usd for day in everything), start=Decimal(0)) > 0
    assert abs(everything[-1].day - time.time() / 86_400) < 2
    assert {day.repository.partition("/")[0] for day in overview.days([43], since=0.0)} == {"acme"}
    assert overview.fates(None)["error", "fixed"] > overview.fates([42])["error", "fixed"] > 0
    assert overview.failed_calls(None, since=0.0)[0].outcome == "slow_down"
    queue = overview.queue(None)
    assert (queue.calls_under_way, queue.oldest_queued_at is not None) == (2, True)


def test_a_job_of_another_installation_is_not_there(overview):
    """The scope bounds a single job, too; so does an empty one everything."""
    job = overview.jobs([43], states=tuple(JobState), limit=1)[0].record.id
    found = overview.job([43], job)
    assert found is not None
    assert len(found[1]) == 4
    assert overview.job([42], job) is None
    assert overview.jobs([], states=tuple(JobState)) == []


def test_deliveries_are_noted(overview):
    """The first stays, the last is replaced."""
    overview.note_delivery("ping")
    first = overview.seen_deliveries()["first"]
    overview.note_delivery("pull_request")
    seen = overview.seen_deliveries()
    assert (seen["first"], seen["last"]["event"]) == (first, "pull_request")
