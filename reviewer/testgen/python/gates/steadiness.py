"""Run a candidate in many new processes under other conditions, to find tests whose outcome depends on them.

The conditions are hash seed, order, time zone, locale, date, repetition in one process, and another run beside it. They
follow from the text of the file, so the same file gets the same ones. A file whose text or unit mentions what often
differs between runs is run more often. Effects only through the client.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from reviewer.testgen.evidence import Candidate, Gate, GateFailure, GenerationBudget
from reviewer.testgen.python.harness_client import HarnessClient, HarnessRun
from reviewer.testgen.python.harness_report import HarnessReport

#: How many processes run at the same time.
AT_ONCE = 2

_ZONES = ("XYZ-13:45", "ABC+11", "Europe/Berlin", "America/St_Johns", "UTC")
_LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8", "POSIX")

#: Moves of the clock: a month, a leap year's length and half a year back; and one that only replaces the clock.
_CLOCKS = (31 * 86_400.0, 366 * 86_400.0 + 41_000.0, -183 * 86_400.0)
_NO_MOVE = 1e-6

#: Words of what differs between runs, and of what asks for the date.
_SUSPECT = re.compile(
    r"\b(?:set|frozenset|hash|id|random|uuid|secrets|mtime|st_mtime|listdir|glob|scandir|thread|Thread|Pool|asyncio|gc"
    r"|weakref|locale|environ|getpid|perf_counter|monotonic|cache|lru_cache|global)\b|\{[^{}:\n]{1,200},[^{}:\n]{1,200}\}"
)
_DATED = re.compile(r"\b(?:datetime|date|time|calendar|timezone|localtime|strftime|now|today)\b")


def conditions(candidate: Candidate, most: int) -> tuple[HarnessRun, ...]:
    """Return the conditions of the candidate's first runs, the same for the same file."""
    seed = hashlib.sha256(candidate.code.encode("utf-8", "surrogateescape")).digest()
    chance = random.Random(seed)  # noqa: S311 - not a secret
    dated = _is_dated(candidate)
    runs: list[HarnessRun] = []
    for number in range(most):
        environment = {
            "PYTHONHASHSEED": str(chance.randrange(1, 1 << 32)),
            "TZ": _ZONES[number % len(_ZONES)],
            "LC_ALL": _LOCALES[number % len(_LOCALES)],
        }
        order = chance.randrange(1, 1 << 32)
        runs.append(
            HarnessRun(
                paths=(candidate.path,),
                reverse=number == 0,
                shuffle=order if number % 2 else 0,
                repeat=2 if number == 2 else 1,
                clock=_CLOCKS[number // 3 % len(_CLOCKS)] if dated and number % 3 == 1 else 0.0,
                environment=environment,
            )
        )
    return tuple(runs)


def _is_dated(candidate: Candidate) -> bool:
    return _DATED.search(f"{candidate.code}\n{candidate.unit.code}") is not None


def _is_suspect(candidate: Candidate) -> bool:
    return _is_dated(candidate) or _SUSPECT.search(f"{candidate.code}\n{candidate.unit.code}") is not None


def steady(candidate: Candidate, client: HarnessClient, budget: GenerationBudget) -> int | GateFailure:
    """Return how often the file passed; a failure says in how many of how many runs it does not."""
    planned = [replace(run, seconds=budget.run_seconds) for run in conditions(candidate, 2 * budget.runs)]
    first = len(planned) if _is_suspect(candidate) else budget.runs
    reports = _reports(planned[:first], client, until_failure=True)
    if not any(is_failed(report) for report in reports):
        return sum(run.repeat for run in planned[:first])
    reports += _reports(planned[len(reports) :], client)
    failed = [place for place, report in enumerate(reports) if is_failed(report)]
    why = _common([planned[place] for place in failed], [run for run in planned if planned.index(run) not in failed])
    reason = f"It is flaky: it fails in {len(failed)} of {len(reports)} runs{why}."
    return GateFailure(Gate.STEADY, reason, f"{reason}\n{_failure_text(reports[failed[0]])}")


def _reports(
    planned: Sequence[HarnessRun], client: HarnessClient, *, until_failure: bool = False
) -> list[HarnessReport]:
    """Run the conditions, several at the same time; after the first failure no more, if that is enough."""
    reports: list[HarnessReport] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(planned), AT_ONCE):
            reports += pool.map(lambda run: _report(run, client), planned[start : start + AT_ONCE])
            if until_failure and any(is_failed(report) for report in reports):
                break
    return reports


def _report(run: HarnessRun, client: HarnessClient) -> HarnessReport:
    """Run the file; where moving the clock is what disturbs it, without."""
    report = client.run(run)
    if not run.clock or not is_failed(report) or not is_failed(client.run(replace(run, clock=_NO_MOVE))):
        return report
    return client.run(replace(run, clock=0.0))


def is_failed(report: HarnessReport) -> bool:
    """Whether not every collected test passed."""
    return not report.green or not report.tests or any(test.outcome != "passed" for test in report.tests)


def _common(failed: Sequence[HarnessRun], passed: Sequence[HarnessRun]) -> str:
    """Return in words the condition that all failing runs have and no other; empty if there is none."""
    if all(run.clock for run in failed):  # without the moved clock it passes: see `_report`
        return ", on another date"
    if all(run.reverse or run.shuffle for run in failed) and not any(run.reverse or run.shuffle for run in passed):
        return ", in another order"
    if all(run.repeat > 1 for run in failed):
        return ", when it is run twice in one process"
    for name, words in (("TZ", "in the time zone"), ("LC_ALL", "in the locale")):
        values = {run.environment[name] for run in failed}
        others = {run.environment[name] for run in passed}
        if len(failed) > 1 and len(values) == 1 and not values & others:
            return f", each time {words} {values.pop()}"
    return ""


def _failure_text(report: HarnessReport) -> str:
    if not report.bad:
        return report.problem or (report.errors[0].text[-2_000:] if report.errors else "")
    first = report.bad[0]
    return f"{first.id}: {first.kind}\n{first.message}\n{first.trace[-2_000:]}"
