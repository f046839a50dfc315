"""`make chaos`: kill the App again and again while deliveries come in, then count what was lost or done twice.

    python -m tests.chaos [--deliveries 400] [--kills 20] [--seed 1] [MODE...]

Real gunicorn, real engine, real sockets; the doubles of GitHub and of the model see everything from outside and do the
counting. A delivery that is not answered with 202 is sent again with its GUID, as GitHub's "Redeliver" does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.table import show
from tests.chaos.traffic import CODE, DUPLICATES, PUSHES, Traffic
from tests.fakes.github import World
from tests.fakes.github.model.state import Pull, Review
from tests.fakes.model import Answer, Call, FakeModel
from tests.fixtures import postgres
from tests.fixtures.app_processes import AppProcesses, environment, running
from webhooks.queue.jobs import Jobs, JobState

#: How it is run -> how many workers beside the process that accepts.
MODES = {"sqlite": 0, "sqlite-apart": 1, "postgres": 3}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much happens. `between` is the time between two deliveries, `thinks` what a model call takes, in seconds."""

    deliveries: int = 400
    kills: int = 20
    seed: int = 1
    between: float = 0.25
    thinks: tuple[float, float] = (0.5, 1.5)
    patience: float = 300.0

    @property
    def pulls(self) -> int:
        return max(1, round(self.deliveries * DUPLICATES / (DUPLICATES + 1) / (1 + PUSHES)))


@dataclass(slots=True)
class Seen:
    """What the doubles saw, counted."""

    mode: str
    sent: str = ""
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    #: Milliseconds between the last look at the head and the review, of each; and of those whose head moved meanwhile.
    looked: list[int] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)
    calls: int = 0
    #: Of each call that was bought again, how many milliseconds before a kill its first answer had been sent.
    bought_again: list[int] = field(default_factory=list)
    reviews: int = 0
    seconds: float = 0.0
    #: From when until when something was being killed (monotonic): what ends then reaches nobody.
    killing: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rebought_share(self) -> str:
        return f"{len(self.bought_again)} of {self.calls:,}"

    @property
    def is_sound(self) -> bool:
        """Whether it is what issue and README promise: at most one finished call in 300 is bought again."""
        return not (self.lost or self.twice or self.stale) and len(self.bought_again) * 300 <= self.calls


def thinking_model(plan: Plan, chance: random.Random) -> FakeModel:
    """Return a model that finds one defect in each pushed function, and takes its time."""
    model = FakeModel()

    def find(call: Call) -> str:
        lines = [line for line in call.user.split("\n") if "return total / people  #" in line]
        quote = lines[-1].split("|", 1)[-1] if lines else ""
        one = {
            "path": "src/share.py",
            "line": 1,
            "quote": quote[quote.find("return") - 4 :],
            "severity": "error",
            "category": "bug",
            "title": f"share_{quote.rpartition(' ')[2]} fails for nobody",
            "body": "`people` may be 0.",
            "suggestion": None,
        }
        return json.dumps({"summary": "Shares totals.", "findings": [one] if lines else []})

    def verify(call: Call) -> str:
        count = call.user.count("\n## Claim ")
        return json.dumps({"verdicts": [{"id": n + 1, "verdict": "confirmed", "reason": "r"} for n in range(count)]})

    def slowly(answer: Callable[[Call], str]) -> Callable[[Call], Answer]:
        return lambda call: Answer(answer(call), latency=chance.uniform(*plan.thinks), piece=400)

    model.answers("findings", slowly(find))
    model.answers("verify", slowly(verify))
    model.answers("tests", slowly(lambda _: "The change needs no further test."))
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", slowly(lambda _: json.dumps({"summary": "", "findings": []})))
    return model


@contextmanager
def busy_world() -> Iterator[World]:
    """Give a world of four organisations, so that no single one comes to GitHub's limits."""
    world = World(strict=False)
    world.hook.secret = "s3cret"
    world.limits.contents_per_minute = 100_000
    with world.start():
        for name in ("ada", "bob", "cyd", "dee"):
            world.create_repository(f"{name}/app", {"src/share.py": CODE}, permissions={"alice": "write"})
            world.install(name)
        yield world


def strike(app: AppProcesses, plan: Plan, seen: Seen, over: threading.Event) -> None:
    """Kill one process after the other, at random, and start each again at once; then once more after the last push."""
    chance = random.Random(plan.seed + 1)
    pause = plan.between * plan.deliveries / plan.kills
    while seen.kills < plan.kills:
        over.wait(pause * chance.uniform(0.5, 1.5))
        victim = app.processes[seen.kills % len(app.processes)]
        began = time.monotonic()
        victim.kill()
        seen.killing.append((began, time.monotonic()))
        victim.start()
        seen.kills += 1


def is_reviewed(pull: Pull) -> bool:
    """Whether the newest head has its check run completed and the summary is of it."""
    done = any(
        run.head_sha == pull.head and run.status == "completed" and run.conclusion != "cancelled"
        for run in pull.repository.check_runs.values()
    )
    return done and any(f"summary head={pull.head}" in one.body for one in pull.issue.comments.values())


def count(world: World, model: FakeModel, pulls: Sequence[Pull], seen: Seen) -> None:
    """Count what was lost, posted twice, posted on an old head, and bought again."""
    for pull in pulls:
        name = f"{pull.repository.full_name}#{pull.number}"
        if not is_reviewed(pull):
            seen.lost.append(name)
        reviews = [one for one in pull.reviews.values() if one.app is world.app]
        seen.reviews += len(reviews)
        per_head = Counter(review.commit_id for review in reviews)
        marks = Counter(one.body.rstrip().rpartition("\n")[2] for one in pull.review_comments())
        summaries = sum("<!-- reviewer:summary" in one.body for one in pull.issue.comments.values())
        repeated = [*(key for key, times in (per_head + marks).items() if times > 1)]
        seen.twice += [f"{name}: {key}" for key in repeated]
        seen.twice += [f"{name}: {summaries} summaries"] if summaries > 1 else []
        for one in reviews:
            looked_at, posted_at = last_look(world, one)
            seen.looked.append(round((posted_at - looked_at) * 1000))
            if one.commit_id == one.head_then:
                continue
            following = pull.heads[pull.heads.index(one.commit_id) + 1]
            if pull.moved[following] > looked_at:
                seen.overtaken.append(seen.looked[-1])  # GitHub has no way to post only if the head is the same
            else:
                seen.stale.append(f"{name}: {one.commit_id}")
    heard = [(at, _digest(call)) for at, call in model.finished if not any(a <= at <= b for a, b in seen.killing)]
    seen.calls = len(heard)
    first: dict[str, float] = {}
    for at, digest in heard:
        if digest in first:
            wait = min((began - first[digest] for began, _ in seen.killing if began >= first[digest]), default=0.0)
            seen.bought_again.append(round(wait * 1000))
        first.setdefault(digest, at)


def last_look(world: World, review: Review) -> tuple[float, float]:
    """Return when the head was read last before the review was posted, and when that was."""
    path = f"/repos/{review.pull.repository.full_name}/pulls/{review.pull.number}"
    looked_at = 0.0
    for call in world.calls_to():
        if call.method == "GET" and call.path == path and call.status == 200:
            looked_at = call.at
        if call.at >= review.created_at and call.method == "POST" and call.path == f"{path}/reviews":
            return looked_at, call.at
    raise AssertionError(f"no request posted the review {review.id}")


def _digest(call: Call) -> str:
    return hashlib.sha256(json.dumps(call.messages).encode()).hexdigest()


def unfinished(store: str, accepted: set[str]) -> list[str]:
    """Return the accepted deliveries whose job is not in the store, or is neither done nor superseded."""
    jobs = Jobs(store)
    jobs.open()
    try:
        ended = {one.id: one for one in jobs.records(limit=10 * len(accepted) + 10)}
    finally:
        jobs.close()
    missing = [f"{guid}: not in the store" for guid in accepted - ended.keys()]
    wanted = {JobState.DONE, JobState.SUPERSEDED}
    return missing + [f"{one.key}: {one.state} {one.reason}" for one in ended.values() if one.state not in wanted]


def chaos(mode: str, store: str, plan: Plan) -> Seen:
    """Run one mode and return what was seen."""
    seen = Seen(mode)
    began = time.monotonic()
    chance = random.Random(plan.seed + 2)
    with tempfile.TemporaryDirectory() as folder, busy_world() as world, thinking_model(plan, chance) as model:
        environ = environment(world, model, store, Path(folder)) | {"REVIEWER_CALLS_PER_MINUTE": "100000"}
        with running(environ, Path(folder), workers=MODES[mode]) as app:
            traffic = Traffic(world, app.server.hook, pulls=plan.pulls, between=plan.between, seed=plan.seed)
            over = threading.Event()
            striking = threading.Thread(target=strike, args=(app, plan, seen, over))
            striking.start()
            traffic.run()
            striking.join()
            app.server.wait()
            deadline = time.monotonic() + plan.patience
            while (left := unfinished(store, traffic.accepted)) and time.monotonic() < deadline:
                time.sleep(1.0)
        count(world, model, traffic.pulls, seen)
        seen.lost += left
        seen.sent = f"{traffic.sent} + {traffic.sent_again}"
    seen.seconds = time.monotonic() - began
    return seen


def spread(values: Sequence[int]) -> str:
    """Show how many there are, their median and the largest."""
    if not values:
        return "0"
    return f"{len(values)}: median {statistics.median(values):.0f}, longest {max(values)}"


def table(results: Sequence[Seen]) -> None:
    """Print what was seen, and each thing that went wrong."""
    head = ["", *(one.mode for one in results), "aim"]
    rows: list[list[object]] = [
        ["deliveries sent, and sent again", *(one.sent for one in results), ""],
        ["kill -9", *(one.kills for one in results), ""],
        ["lost", *(len(one.lost) for one in results), 0],
        ["posted twice", *(len(one.twice) for one in results), 0],
        ["posted on an old head", *(len(one.stale) for one in results), 0],
        [
            "of reviews whose head moved between the last look and the write",
            *(spread(one.overtaken) for one in results),
            "",
        ],
        ["milliseconds from that look to the write", *(spread(one.looked) for one in results), ""],
        ["finished calls bought again", *(one.rebought_share for one in results), "1 in 300"],
        ["reviews posted", *(one.reviews for one in results), ""],
        ["seconds", *(f"{one.seconds:.0f}" for one in results), ""],
    ]
    show("Chaos", head, rows)
    for one in results:
        for kind, found in (("lost", one.lost), ("twice", one.twice), ("old head", one.stale)):
            for what in found:
                print(f"{one.mode}: {kind}: {what}")
        for wait in one.bought_again:
            print(f"{one.mode}: bought again: first answered {wait} ms before a kill")


def main(argv: Sequence[str]) -> int:
    """Run the modes; 0 when nothing went wrong."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("modes", nargs="*", choices=[*MODES, []], default=[])
    parser.add_argument("--deliveries", type=int, default=400)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    plan = Plan(options.deliveries, options.kills, options.seed)
    results: list[Seen] = []
    for mode in options.modes or MODES:
        with tempfile.TemporaryDirectory() as folder:
            if mode == "postgres":
                with postgres.serving(durable=True) as server:
                    results.append(chaos(mode, server.fresh(), plan))
            else:
                results.append(chaos(mode, f"sqlite:///{folder}/store.sqlite3", plan))
        print(f"{mode}: {results[-1].seconds:.0f} s", file=sys.stderr, flush=True)
    table(results)
    return 0 if all(one.is_sound for one in results) else 1
