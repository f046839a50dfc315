"""Measure CPU time, to hold functions to linear time."""

from __future__ import annotations

import gc
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
    for _ in range(_DOUBTS):
        if found <= 3:
            break
        fourfold.again()
        twice.again()
        found = min(found, fourfold.again() / twice.seconds)
    return found


#: So often a high ratio is measured again: a slow second may hit the longer text alone, what is quadratic stays high.
_DOUBTS = 3

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
        gc.disable()  # it runs when many objects are there, whoever made them
        try:
            start = time.process_time()
            self.act(self.text)
            taken = time.process_time() - start
        finally:
            gc.enable()
        self.seconds = max(min(self.seconds, taken), _SHORTEST)
        return self.seconds


_SHORTEST = 0.05
