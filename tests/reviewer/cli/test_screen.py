"""Colours, width and encoding: what the person asked for by the variables that other programs know as well."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from reviewer.cli.console import check_writable
from reviewer.errors import UsageError
from reviewer.output.terminal import columns_of, live_terminal, shows_colour
from tests.fakes.model import FakeModel
from tests.reviewer.cli.local_review import ZERO, Run, find, on_a_terminal


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "on_screen", "elsewhere"),
    [
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"TERM": "xterm", "FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours(environ: dict[str, str], on_screen: bool, elsewhere: bool) -> None:  # noqa: FBT001
    """NO_COLOR comes first, then FORCE_COLOR, then whether there is a terminal that can show them."""
    assert (shows_colour(Screen(), environ), shows_colour(io.StringIO(), environ)) == (on_screen, elsewhere)


def test_width() -> None:
    """COLUMNS counts where it is a number; without a terminal nothing is wrapped."""
    assert columns_of(Screen(), {"COLUMNS": "33"}) == 33
    assert columns_of(io.StringIO(), {"COLUMNS": "33"}) is None
    for nonsense in ("", "0", "-4", "wide", "99999", "²"):
        assert columns_of(Screen(), {"COLUMNS": nonsense}) is None
    assert not live_terminal(Screen(), {"TERM": ""})


def shown_at(model: FakeModel, clone: Path, columns: int, **environ: str) -> str:
    """Return what `reviewer diff` writes to a terminal so wide about a finding with a long body."""
    find(model, ZERO | {"body": "A sentence with quite some words in it, so that it does not fit. " * 3})
    return on_a_terminal("stdout", model, clone, columns, "--quiet", **environ)


def test_forty_columns(model: FakeModel, clone: Path) -> None:
    """The body is broken between words; the place stays whole."""
    shown = shown_at(model, clone, 40, TERM="xterm")
    assert "\x1b[1mstats.py:3\x1b[0m: \x1b[1;31merror\x1b[0m: " in shown
    assert max(len(line) for line in shown.splitlines() if line.startswith("    A sentence")) <= 40


def test_terminal_that_is_not_utf_8(reviewer: Run, model: FakeModel) -> None:
    """What it cannot show is written out; JSON and pages stay what they are."""
    find(model, ZERO | {"title": "Größe 零"})
    shown = reviewer("diff", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (shown.returncode, r"Gr\xf6\xdfe \u96f6" in shown.stdout) == (0, True), shown.stderr


def test_colours_in_a_pipe_on_request(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """FORCE_COLOR reaches a pipe, and never a file that was named."""
    find(model, ZERO)
    assert "\x1b[1;31merror" in reviewer("diff", FORCE_COLOR="1").stdout
    find(model, ZERO)
    reviewer("diff", "--output", str(tmp_path / "out"), FORCE_COLOR="1")
    assert "\x1b" not in (tmp_path / "out").read_text()


def test_where_a_result_may_be_written(tmp_path: Path) -> None:
    """A device in a folder of others counts as well as a new file; a folder does not."""
    for name in ("/dev/null", str(tmp_path / "new.txt"), "new.txt", None):
        check_writable(name)
    for name in (str(tmp_path), str(tmp_path / "none" / "new.txt")):
        with pytest.raises(UsageError, match="Name another file"):
            check_writable(name)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_refused_before(tmp_path: Path) -> None:
    """Its folder may be: nothing is paid for a result that would be lost."""
    (tmp_path / "kept.txt").touch(mode=0o400)
    with pytest.raises(UsageError, match="may not be written"):
        check_writable(str(tmp_path / "kept.txt"))
    tmp_path.chmod(0o500)
    (tmp_path / "kept.txt").chmod(0o600)
    check_writable(str(tmp_path / "kept.txt"))
    tmp_path.chmod(0o700)
