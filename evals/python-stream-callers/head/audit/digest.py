"""The weekly digest: who did how much, for the owners of an account."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from audit.log import EventLog

TOP = 5


def weekly_digest(log: EventLog, today: date) -> str:
    """Return the digest of the last seven days as text."""
    events = log.since(today - timedelta(days=7))
    if not events:
        return "Nothing happened this week."
    actors = Counter(event.actor for event in events)
    actions = Counter(event.action for event in events)
    lines = [f"{sum(actors.values())} events this week", "", "Most active:"]
    lines += [f"  {actor}: {number}" for actor, number in actors.most_common(TOP)]
    lines += ["", "Most frequent:"]
    lines += [f"  {action}: {number}" for action, number in actions.most_common(TOP)]
    return "\n".join(lines)
