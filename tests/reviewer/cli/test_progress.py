"""Progress as a person sees it: a live line on a terminal, plain lines elsewhere, nothing with `--quiet`."""

from __future__ import annotations

import io
import json
import re
import time
from pathlib import Path

import pytest

from reviewer.cli.asking.progress import Progress, fitting
from reviewer.llm.errors import SlowDown
from reviewer.tasks.planning.preview import ReviewPreview
from tests.fakes.model import Answer, FakeModel, error
from tests.fixtures.waiting import wait_until
from tests.reviewer.cli.local_review import ZERO, Run, find, on_a_terminal

PREVIEW = ReviewPreview(
    files=(("a.py", 10), ("b.py", 10)), parts=2, skipped=(), calls=4, prompt_tokens=1, cost_usd=None
)
SLOW = json.dumps({"summary": "Splits the sum.", "findings": [ZERO]})


def test_live_line(model: FakeModel, clone: Path) -> None:
    """It holds parts, files, calls, dollars and seconds, is drawn over itself, and is gone at the end."""
    model.script("findings", Answer(SLOW, latency=1.0))
    model.script("verify", Answer('{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}', latency=1.0))
    shown = on_a_terminal("stderr", model, clone, 100)
    assert re.search(r"\r\x1b\[2Kreviewing, 0 of 1 part, \d+ s, \$0\.0000, 0 of 1 file, 0 calls", shown)
    assert re.search(r"\r\x1b\[2Kdouble-checking, 1 of 1 part, \d+ s, \$0\.00\d\d, 1 of 1 file, 1 call", shown)
    assert "asking" not in shown
    assert shown.endswith("\r\x1b[2K")


def test_narrow_terminal(model: FakeModel, clone: Path) -> None:
    """With 40 columns the line holds what fits, so that it never breaks."""
    model.script("findings", Answer('{"summary": "", "findings": []}', latency=0.8))
    shown = on_a_terminal("stderr", model, clone, 40)
    lines = [line for line in shown.split("\r\x1b[2K")[1:] if line]
    assert any(line.startswith("reviewing, 0 of 1 part") for line in lines)
    assert max(len(line) for line in lines if line.startswith("reviewing")) < 40


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}])
def test_dumb_terminal_gets_plain_lines(model: FakeModel, clone: Path, environ: dict[str, str]) -> None:
    """No escape sequence is written where none is understood."""
    model.script("findings", Answer('{"summary": "", "findings": []}', latency=0.5))
    shown = on_a_terminal("stderr", model, clone, 80, **environ)
    assert "\x1b" not in shown
    assert "asking MiniMax-M2.1 (calls: 1 x findings)" in shown


def test_rate_limit_is_named(model: FakeModel, clone: Path) -> None:
    """The line counts down to the next try."""
    model.script("findings", error(429, "rate limit (1002)", retry_after="1"), '{"summary": "", "findings": []}')
    assert re.search(r"rate limited, next try in [12] s", on_a_terminal("stderr", model, clone, 100))


def test_lines_without_a_terminal(reviewer: Run, model: FakeModel) -> None:
    """One comes at least every two seconds while a model thinks, without any escape sequence."""
    model.script("findings", Answer('{"summary": "", "findings": []}', latency=4.5))
    done = reviewer("diff")
    assert len(re.findall(r"^reviewing, 0 of 1 part, \d+ s, ", done.stderr, re.MULTILINE)) >= 2, done.stderr
    assert "\x1b" not in done.stderr


def test_quiet_says_nothing(reviewer: Run, model: FakeModel) -> None:
    """Also of rate limits and kept answers."""
    model.script("findings", error(429, "rate limit (1002)", retry_after="0"), '{"summary": "", "findings": []}')
    assert reviewer("diff", "--quiet").stderr == ""
    find(model, ZERO)
    assert reviewer("diff", "--quiet", "--no-quiet").stderr != ""


def test_lines_and_the_live_line_do_not_mix() -> None:
    """A line that is said while the live line stands takes its place; the live line comes back below it."""
    stream = io.StringIO()
    with Progress(quiet=False, stream=stream, live=True) as progress:
        progress.begin(PREVIEW)
        wait_until(lambda: "reading" in stream.getvalue(), "the live line")
        progress.say("a line\x1b[31m")
        at = len(stream.getvalue())
        wait_until(lambda: "reading" in stream.getvalue()[at:], "the live line again")
    assert "\r\x1b[2Ka line�[31m\n" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_reader_that_goes_away_ends_progress_only() -> None:
    """A closed standard error does not end a review that is paid for."""
    stream = io.StringIO()
    with Progress(quiet=False, stream=stream, live=False) as progress:
        progress.say("a first line")
        written = stream.getvalue()
        stream.close()
        progress.say("a line")
        assert progress.quiet  # it is not tried again for every line
        progress.waiting(SlowDown("m"), 7)
    assert written == "a first line\n"


def test_what_fits_into_a_line() -> None:
    """The most important first; a part that is too long is left out, the first is cut."""
    assert fitting(["reviewing", "1 of 2 parts", "3 s"], 25) == "reviewing, 1 of 2 parts"
    assert fitting(["reviewing", "1 of 2 parts", "3 s"], 15) == "reviewing, 3 s"
    assert fitting(["reviewing"], 4) == "revi"
    assert fitting([], 4) == ""


def test_waits_do_not_hold_up_anything() -> None:
    """Leaving the block takes no time, whatever the thread that draws is doing."""
    began = time.monotonic()
    with Progress(quiet=False, stream=io.StringIO(), live=False) as progress:
        progress.begin(PREVIEW)
    assert time.monotonic() - began < 1
