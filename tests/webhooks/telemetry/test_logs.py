"""Logs: one event a line, as text or as JSON, with the time zone and without credentials."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest

from webhooks.telemetry.logs import Fields, JsonLines, formatter

RECORD = {"name": "reviewer", "levelname": "INFO", "msg": "accepted\nx", "created": 1_795_900_000.25, "job": "o/r#1"}


def test_lines_tell_their_time_zone():
    """Local time, with the distance from UTC."""
    line = Fields().format(logging.makeLogRecord(RECORD))
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.250[+-]\d\d:\d\d INFO accepted\\nx job=o/r#1$", line)


def test_json_lines():
    """One object a line; a field cannot take the place of ours; an error has its traceback, and no secret shows."""
    try:
        raise ValueError("ghp_" + "a" * 36)  # noqa: TRY301
    except ValueError:
        trace = sys.exc_info()
    record = logging.makeLogRecord({**RECORD, "exc_info": trace, "event": "forged", "count": 3, "why": object()})
    (line,) = JsonLines().format(record).splitlines()
    value = json.loads(line)
    assert value["event"] != "forged"
    assert (value["level"], value["count"], value["job"]) == ("INFO", 3, "o/r#1")
    assert "ValueError" in value["traceback"]
    assert "a" * 36 not in line


@pytest.mark.parametrize(("name", "kind"), [("", Fields), ("text", Fields), (" JSON ", JsonLines)])
def test_the_format_is_a_setting(monkeypatch, name, kind):
    """REVIEWER_LOG_FORMAT, for the App's lines and gunicorn's."""
    monkeypatch.setenv("REVIEWER_LOG_FORMAT", name)
    assert isinstance(formatter(), kind)
