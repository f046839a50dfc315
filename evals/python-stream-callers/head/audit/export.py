"""Export for compliance: every event since a day, as CSV."""

from __future__ import annotations

import csv
from datetime import date
from typing import TextIO

from audit.log import EventLog


def export_csv(log: EventLog, first: date, out: TextIO) -> int:
    """Write the events as CSV and return how many there were."""
    writer = csv.writer(out)
    writer.writerow(["day", "actor", "action", "target"])
    count = 0
    for event in log.since(first):
        writer.writerow([event.day.isoformat(), event.actor, event.action, event.target])
        count += 1
    return count
