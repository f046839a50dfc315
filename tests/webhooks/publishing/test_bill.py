"""The marks in which the Action keeps what it has cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reviewer.llm.usage import Usage
from webhooks.publishing.markers.bill import RunBill, bill_lines, read_bills, total_of, with_bill

SUMMARY = "<!-- reviewer:summary head=abc -->\n<!-- reviewer:ledger v1=x -->\n"


def cost(usd: str, calls: int = 1) -> Usage:
    return Usage(calls, 100, 10, Decimal(usd))


def test_runs_add_up_and_a_run_counts_once():
    """The same run again takes the place of what it had before; another one is added; months stay apart."""
    body = SUMMARY + bill_lines("", RunBill("run-1", "2026-11", cost("0.01"))) + "Text\n<!-- reviewer:bill run=x -->"
    body = SUMMARY + bill_lines(body, RunBill("run-1", "2026-11", cost("0.02"))) + "Text"
    assert total_of(read_bills(body)).cost_usd == Decimal("0.02")
    for run, month in (("run-2", "2026-11"), ("run-3", "2026-12"), ("run-3", "2026-12"), ("run-4", "2026-12")):
        body = SUMMARY + bill_lines(body, RunBill(run, month, cost("0.01"))) + "Text"
    assert total_of(read_bills(body)) == Usage(5 - 1, 400, 40, Decimal("0.05"))
    assert {bill.month: bill.usage.calls for bill in read_bills(body) if bill.run == "earlier"} == {
        "2026-11": 2,
        "2026-12": 1,
    }
    assert read_bills(SUMMARY + bill_lines(body, None)) != []
    assert with_bill(body, RunBill("run-5", "2026-12", cost("1"))).startswith(SUMMARY)
    assert with_bill(body, RunBill("run-5", "2026-12", cost("1"))).endswith("-->\nText")


@pytest.mark.parametrize(
    "line",
    [
        "<!-- reviewer:bill run=a month=2026-11 calls=1 prompt=1 completion=1 nano=-5 -->",
        "<!-- reviewer:bill run=a month=2026-11 calls=1 prompt=1 completion=1 -->",
        "<!-- reviewer:bill run=a month=x calls=1 prompt=1 completion=1 nano=1 -->",
        "<!-- reviewer:bill run=a month=2026-11 calls=1 prompt=1 completion=1 nano=99999999999999999999 -->",
        "<!-- reviewer:bill v=9 run=a month=2026-11 calls=1 prompt=1 completion=1 nano=1 -->",
        "text\n<!-- reviewer:bill run=a month=2026-11 calls=1 prompt=1 completion=1 nano=1 -->",
    ],
)
def test_what_is_no_bill(line):
    """A damaged mark, and one that is not among the first lines: a comment may show anything further down."""
    assert read_bills(line) == []
