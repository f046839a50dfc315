"""The marks of what a run of the Action has cost, in the first lines of our own comments. Pure.

`<!-- reviewer:bill run=RUN month=2026-11 calls=3 prompt=9000 completion=800 nano=1830000 -->`, one for each month.
`run` is the last run that was added, and earlier ones are one line. Amounts are whole nanodollars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from reviewer.llm.usage import Usage
from webhooks.publishing.markers.syntax import PREFIX, Marker

_BILL = Marker("bill")
_NANO = Decimal(1_000_000_000)

#: The run of lines that hold what several earlier runs have cost.
_EARLIER = "earlier"

#: Months that are kept in one comment.
_MOST_MONTHS = 24

_MONTH, _RUN, _COUNT = re.compile(r"\d{4}-\d{2}"), re.compile(r"[\w.-]{1,100}"), re.compile(r"\d{1,15}")
_COUNTS = ("calls", "prompt", "completion", "nano")


@dataclass(frozen=True, slots=True)
class RunBill:
    """What a run has cost; `month` is the calendar month in UTC, such as 2026-11. The cost is that which is known."""

    run: str
    month: str
    usage: Usage


def read_bills(body: str) -> list[RunBill]:
    """Return the bills in the first lines of a comment of ours; a damaged one is none."""
    return [bill for line in _first_lines(body) if (bill := _read(line)) is not None]


def bill_lines(body: str, run: RunBill | None) -> str:
    """Return the lines for the comment that takes the place of this body: its bills, with this run's added once."""
    kept = [bill for bill in read_bills(body) if run is None or bill.run != run.run]
    months = sorted({bill.month for bill in kept})[-_MOST_MONTHS:]
    earlier = [RunBill(_EARLIER, month, total_of(bill for bill in kept if bill.month == month)) for month in months]
    return "".join(f"{_write(bill)}\n" for bill in [*earlier, *([run] if run is not None else [])])


def with_bill(body: str, run: RunBill) -> str:
    """Return the comment with this run's bill among its first lines."""
    lines = body.replace("\r\n", "\n").lstrip().split("\n")
    count = len(list(_first_lines(body)))
    first = [line for line in lines[:count] if not line.startswith(_BILL.beginning)]
    return "\n".join([*first, *bill_lines(body, run).splitlines(), *lines[count:]])


def total_of(bills: Iterable[RunBill]) -> Usage:
    """Return the sum of the bills."""
    return sum((bill.usage for bill in bills), Usage())


def _first_lines(body: str) -> Iterator[str]:
    for line in body.replace("\r\n", "\n").lstrip().split("\n"):
        if not line.startswith(PREFIX):
            return
        yield line


def _write(bill: RunBill) -> str:
    usage = bill.usage
    nano = int(((usage.cost_usd or Decimal(0)) * _NANO).to_integral_value())
    counts = (usage.calls, usage.prompt_tokens, usage.completion_tokens, nano)
    fields = {name: str(count) for name, count in zip(_COUNTS, counts, strict=True)}
    return _BILL.write(run=bill.run, month=bill.month, **fields)


def _read(line: str) -> RunBill | None:
    fields = _BILL.read(line)
    if fields is None:
        return None
    run, month, counts = fields.get("run"), fields.get("month"), [fields.get(name) for name in _COUNTS]
    if not (_RUN.fullmatch(run) and _MONTH.fullmatch(month) and all(_COUNT.fullmatch(count) for count in counts)):
        return None
    calls, prompt, completion, nano = map(int, counts)
    return RunBill(run, month, Usage(calls, prompt, completion, Decimal(nano) / _NANO))
