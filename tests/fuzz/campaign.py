"""Feed one target with many inputs; keep the failures, and the inputs that took longest."""

from __future__ import annotations

import contextlib
import heapq
import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.strategies import SearchStrategy

#: Hypothesis remembers each input of a round: a long campaign is many rounds.
_ROUND = 2_500

#: Inputs that are grown at the end of a campaign, the slowest first, and to how many characters.
_GROWN, _SIZE = 16, 10_000

#: Twice the text may take this times as long; what takes less than 50 ms counts as 50 ms.
_MOST_GROWTH, _NOTHING = 3.2, 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads untrusted input.

    `check` raises for an input that is read wrongly. `read` gets the text of an input and must take linear time;
    of both, only the errors in `typed` are allowed, and `check` must raise none of them.
    """

    name: str
    inputs: SearchStrategy[Any]
    check: Callable[[Any], object]
    read: Callable[[str], object]
    text_of: Callable[[Any], str] = str
    typed: tuple[type[Exception], ...] = ()


@dataclass(slots=True)
class Outcome:
    """What a campaign found. `failures` are shown with the smallest input that causes each."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, 0)
    growth: float = 0.0
    failures: list[str] = field(default_factory=list)


def run(target: Target, inputs: int, *, seed: int = 0, grown: int = _GROWN) -> Outcome:
    """Feed the target with that many inputs, then grow the slowest of them. The same seed gives the same inputs."""
    outcome = Outcome(target.name)
    slow: list[tuple[float, int, str]] = []
    kinds: set[str] = set()
    began = time.monotonic()
    while outcome.inputs < inputs:
        before = outcome.inputs
        error = _round(target, min(_ROUND, inputs - before), seed + before, outcome, slow)
        if error is not None and _kind(error) not in kinds:
            kinds.add(_kind(error))
            outcome.failures.append("".join(traceback.format_exception(error)[-6:]))
        if outcome.inputs == before:
            break
    for _, _, text in sorted(slow, reverse=True)[:grown]:
        if not _grow(target, text, outcome):
            break
    outcome.seconds = time.monotonic() - began
    return outcome


def _round(
    target: Target, inputs: int, seed: int, outcome: Outcome, slow: list[tuple[float, int, str]]
) -> Exception | None:
    """Run one round; return the failure with the smallest input, if there is one."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(target.inputs)
    def attempt(value: Any) -> None:
        start = time.process_time()
        target.check(value)
        seconds = time.process_time() - start
        text = target.text_of(value)
        outcome.inputs += 1
        outcome.slowest = max(outcome.slowest, (seconds, len(text)))
        if text:
            heapq.heappush(slow, (seconds, outcome.inputs, text))
        if len(slow) > _GROWN:
            heapq.heappop(slow)

    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure of the target
        return error
    return None


def _kind(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {place.filename}:{place.lineno}"


def _grow(target: Target, text: str, outcome: Outcome) -> bool:
    """Repeat the text, then a part of it between its two ends: twice as much may cost about twice as much.

    Return whether it did. The first text that costs more is the failure: measuring slow code takes long.
    """
    chance = random.Random(text.encode("utf-8", "surrogatepass"))
    start = chance.randrange(len(text))
    end = start + chance.randint(1, min(len(text) - start, 40))

    for head, unit, tail in (("", text, ""), (text[:start], text[start:end], text[end:])):

        def grown(size: int, head: str = head, unit: str = unit, tail: str = tail) -> str:
            return head + unit * (size // len(unit)) + tail

        ratio = _ratio(target, grown)
        for _ in range(2):  # a busy machine only adds time
            ratio = min(ratio, _ratio(target, grown)) if ratio > _MOST_GROWTH else ratio
        outcome.growth = max(outcome.growth, ratio)
        if ratio > _MOST_GROWTH:
            outcome.failures.append(
                f"Twice as much takes {ratio:.1f} times as long: {head!r} + {unit!r} * N + {tail!r}"
            )
            return False
    return True


def _ratio(target: Target, grown: Callable[[int], str]) -> float:
    """Return how many times as long twice the text takes; 0 where both take too little to measure."""
    twice = _cost(target, grown(2 * _SIZE))
    return twice / max(_cost(target, grown(_SIZE)), _NOTHING) if twice > _NOTHING else 0.0


def _cost(target: Target, text: str) -> float:
    start = time.process_time()
    with contextlib.suppress(*target.typed):
        target.read(text)
    return time.process_time() - start
