"""Measure CPU time, to hold functions to linear time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest


@pytest.fixture
def cpu_ratio() -> Callable[[Callable[[str], object], Callable[[int], str], int], float]:
    """Return a function that measures how much more CPU time twice the input takes: 2 is linear, 4 quadratic.

    Both sizes are measured by turns and the least of each counts, so that a slow second of a busy machine, which only
    adds time, changes both or neither. What takes less than 50 ms counts as 50 ms. A high ratio is measured again with
    four times the input to twice: a step is passed then, what is quadratic stays so.
    """
    return _ratio


def _ratio(act: Callable[[str], object], text_of: Callable[[int], str], size: int) -> float:
    once, twice, fourfold = (_Least(act, text_of(times * size)) for times in (1, 2, 4))
    for turn in range(3):
        found = twice.again() / once.again()
        if found <= _NO_DOUBT and (turn or twice.is_short):
            return found
    if found <= 3:
        return found
    fourfold.again()
    twice.again()
    return min(found, fourfold.again() / twice.seconds)


#: Ratios up to this need no third turn: what is quadratic would have taken more than half as long again, twice over.
_NO_DOUBT = 2.5


@dataclass(slots=True)
class _Least:
    """The least CPU seconds that something took for a text, of some runs."""

    act: Callable[[str], object]
    text: str
    seconds: float = math.inf

    @property
    def is_short(self) -> bool:
        return self.seconds <= _SHORTEST

    def again(self) -> float:
        """Run it once more, and return the least so far."""
        start = time.process_time()
        self.act(self.text)
        self.seconds = max(min(self.seconds, time.process_time() - start), _SHORTEST)
        return self.seconds


_SHORTEST = 0.05
