"""The short form of `make chaos`: kill -9 in the midst of deliveries, on SQLite, in one process and in two."""

from __future__ import annotations

import pytest

from tests.chaos.kill_and_count import Plan, chaos

pytestmark = pytest.mark.slow


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("mode", "kills"), [("sqlite", 2), ("sqlite-apart", 3)])
def test_nothing_is_lost_and_nothing_done_twice(mode: str, kills: int, tmp_path) -> None:
    """Killed in the midst of it, the App reviews every newest head, once, and buys no finished answer again."""
    plan = Plan(deliveries=20, kills=kills, between=0.3, thinks=(0.3, 0.8), patience=120)
    seen = chaos(mode, f"sqlite:///{tmp_path}/store.sqlite3", plan)
    assert (seen.lost, seen.twice, seen.stale) == ([], [], [])
    assert seen.kills == kills
    assert seen.reviews >= plan.pulls
    # One of a call's answers may be on its way when the power goes: it is billed and never seen.
    assert len(seen.bought_again) <= 1
