"""What people do while the App is killed: they open pull requests and push; GitHub delivers until it is heard."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx

from tests.fakes.github import Delivery, World
from tests.fakes.github.model.state import Pull

#: Pushes to a pull request after it was opened.
PUSHES = 2

#: One in so many deliveries is sent twice.
DUPLICATES = 10

CODE = """def share(total, people):
    return total / people
"""
PUSHED = """

def share_{number}(total, people):
    return total / people  # {number}
"""


def open_pull(world: World, number: int) -> Delivery:
    """Open a pull request that adds one function, in one of the world's repositories; the subject is the Pull."""
    repo = world.repositories[number % len(world.repositories)]
    branch = f"branch-{number}"
    repo.commit({"src/share.py": CODE + PUSHED.format(number=f"{number}_0")}, branch=branch, author="alice")
    return world.open_pull(repo, branch, title=f"Share {number}")


def push(world: World, pull: Pull) -> Delivery:
    """Push one more function to it."""
    branch, done = pull.head_ref.removeprefix("branch-"), len(pull.heads)
    parts = [PUSHED.format(number=f"{branch}_{number}") for number in range(done + 1)]
    return world.push(pull, {"src/share.py": CODE + "".join(parts)})


class Traffic:
    """Sends deliveries at their pace, and again until they are accepted; remembers which were.

    `between` is the time between two deliveries in seconds. `sent` counts deliveries, `sent_again` those of them that
    were not answered with 202.
    """

    def __init__(self, world: World, hook: str, *, pulls: int, between: float, seed: int) -> None:
        self.accepted: set[str] = set()
        self.pulls: list[Pull] = []
        self.sent = 0
        self.sent_again = 0
        self._world, self._hook = world, hook
        self._count, self._between = pulls, between
        self._chance = random.Random(seed)
        self._senders = ThreadPoolExecutor(32)

    def run(self) -> None:
        """Open the pull requests and push to them, mixed; return when the last delivery was accepted."""
        waiting: list[Callable[[], Delivery]] = [
            partial(open_pull, self._world, number) for number in range(self._count)
        ]
        while waiting:
            delivery = waiting.pop(self._chance.randrange(min(len(waiting), 12)))()
            pull = delivery.subject
            if len(pull.heads) == 1:
                self.pulls.append(pull)
            if len(pull.heads) <= PUSHES:
                place = self._chance.randrange(min(len(waiting) + 1, 24))
                waiting.insert(place, partial(push, self._world, pull))
            self._senders.submit(self._send, delivery)
            if self._chance.random() * DUPLICATES < 1:
                self._senders.submit(self._send, delivery, self._chance.uniform(0, 5))
            time.sleep(self._between)
        self._senders.shutdown()

    def _send(self, delivery: Delivery, after: float = 0.0) -> None:
        time.sleep(after)
        self.sent += 1
        while True:
            try:
                if delivery.post(self._hook).status_code == 202:
                    self.accepted.add(delivery.guid)
                    return
            except httpx.HTTPError:
                pass
            self.sent_again += 1
            time.sleep(0.5)
