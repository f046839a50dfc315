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
    events = log.since(first)
    for event in events:
        writer.writerow([event.day.isoformat(), event.actor, event.action, event.target])
    return len(events)
