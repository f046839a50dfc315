"""The audit log: append-only, one JSON object a line, one file a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Event:
    day: date
    actor: str
    action: str
    target: str


class EventLog:
    """Events in a folder of files named `2025-01-31.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, event: Event) -> None:
        """Write one event at the end of its day."""
        line = json.dumps({"actor": event.actor, "action": event.action, "target": event.target})
        with (self._folder / f"{event.day:%Y-%m-%d}.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def days(self) -> list[date]:
        """Return the days that have events, the oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in self._folder.glob("*.jsonl"))

    def since(self, first: date) -> list[Event]:
        """Return the events of that day and later ones, the oldest first."""
        return [event for day in self.days() if day >= first for event in self._events_of(day)]

    def _events_of(self, day: date) -> list[Event]:
        text = (self._folder / f"{day:%Y-%m-%d}.jsonl").read_text(encoding="utf-8")
        events = []
        for line in text.splitlines():
            value = json.loads(line)
            events.append(Event(day, value["actor"], value["action"], value["target"]))
        return events
