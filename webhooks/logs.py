"""Write logs as events with fields: `2026-01-31T12:00:00 INFO accepted delivery=... job=...`. Never logs code."""

from __future__ import annotations

import json
import logging
import re
import sys

from reviewer.safety.invisible import show_invisible
from reviewer.safety.redaction import redact

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
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        pairs = " ".join(f"{name}={_word(value)}" for name, value in fields.items())
        line = (
            f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')} {record.levelname} {record.getMessage()} {pairs}".rstrip()
        )
        line = show_invisible(line.replace("\r", "\\r").replace("\n", "\\n"))
        if record.exc_info:
            # Indented: the words of an error may look like an event of ours.
            trace = show_invisible(self.formatException(record.exc_info)).replace("\n", "\n  ")
            line = f"{line}\n  {trace}"
        return redact(_SECRET.sub("[redacted]", line))[0]


def _word(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Let the root logger write to standard error. The engine and the HTTP libraries log only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Fields())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("dbos", "httpx", "httpcore", "github", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
