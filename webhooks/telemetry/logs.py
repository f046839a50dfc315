"""Write logs as events with fields, without credentials: as lines for people, or as JSON for machines. Never logs code.

`2026-01-31T12:00:00.123+01:00 INFO accepted delivery=... job=...`, or with REVIEWER_LOG_FORMAT=json one object a line:
`{"time": "...", "level": "INFO", "event": "accepted", "delivery": "...", "job": "..."}`. gunicorn writes the same.
Times are local, with their distance from UTC; the variable TZ sets the zone. Where traces are sent, `trace` is the id
of the trace.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import datetime

from reviewer.safety.invisible import show_invisible
from reviewer.safety.redaction import redact
from webhooks.telemetry.spans import current_trace

#: The attributes of every record; all others are fields.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

#: Credentials that a message might carry: GitHub's tokens in either format, bearer headers, passwords in URLs.
_SECRET = re.compile(
    r"gh[pousr]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}|(?<=[Bb]earer )\S{8,}|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
)

_PLAIN = re.compile(r"[\w.:/#@+*-]+")


class Fields(logging.Formatter):
    """Writes a record's message and its fields on one line, without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        pairs = " ".join(f"{name}={_word(value)}" for name, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname} {record.getMessage()} {pairs}".rstrip()
        line = show_invisible(line.replace("\r", "\\r").replace("\n", "\\n"))
        if record.exc_info:
            # Indented: the words of an error may look like an event of ours.
            trace = show_invisible(self.formatException(record.exc_info)).replace("\n", "\n  ")
            line = f"{line}\n  {trace}"
        return _without_secrets(line)


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object on one line, without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object; a traceback is its field `traceback`. A field never hides one of ours."""
        event = {"time": _time(record), "level": record.levelname, "logger": record.name, "event": record.getMessage()}
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        plain = {
            name: value if isinstance(value, int | float | bool) else str(value)
            for name, value in _fields(record).items()
        }
        cleaned = {
            name: _without_secrets(show_invisible(value)) if isinstance(value, str) else value
            for name, value in {**plain, **event}.items()
        }
        return json.dumps(cleaned, ensure_ascii=True)


def formatter() -> logging.Formatter:
    """Return the formatter that REVIEWER_LOG_FORMAT names; the App does not start with a name that is none."""
    return JsonLines() if os.environ.get("REVIEWER_LOG_FORMAT", "").strip().lower() == "json" else Fields()


def log_to_stderr(level: int = logging.INFO) -> None:
    """Let the root logger write to standard error. The engine and the HTTP libraries log only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("dbos", "httpx", "httpcore", "github", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    trace = current_trace()
    return {**fields, "trace": trace} if trace else fields


def _word(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _without_secrets(text: str) -> str:
    return redact(_SECRET.sub("[redacted]", text))[0]
