"""Measure CPU time, to hold functions to linear time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


@pytest.fixture
def cpu_ratio() -> Callable[[Callable[[str], object], Callable[[int], str], int], float]:
    """Return a function that measures how much more CPU time twice the input takes: 2 is linear, 4 quadratic.

    The best of several runs counts, and what takes less than 50 ms counts as 50 ms: a busy machine only adds time. A
    high ratio is measured again with four times the input to twice: a step is passed then, what is quadratic stays so.
    """

    def cost(act: Callable[[str], object], text: str) -> float:
        runs = []
        for _ in range(3):
            start = time.process_time()
            act(text)
            runs.append(time.process_time() - start)
            if runs[-1] < 0.05:
                break
        return max(min(runs), 0.05)

    def ratio(act: Callable[[str], object], text_of: Callable[[int], str], size: int) -> float:
        twice = cost(act, text_of(2 * size))
        found = twice / cost(act, text_of(size))
        return min(found, cost(act, text_of(4 * size)) / twice) if found > 3 else found

    return ratio
