"""Write to the console: results to standard output or a file, progress and errors to standard error.

On a GitHub runner, commands inside quoted code have no effect.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.errors import UsageError
from reviewer.output.formats import FORMATS, Layout
from reviewer.output.terminal import columns_of, shows_colour
from reviewer.safety.terminal import json_safe, line_safe, workflow_safe

if TYPE_CHECKING:
    from reviewer.diff.model import Diff
    from reviewer.domain.findings import Review

#: What a command ends with after Ctrl-C, as shells have it.
STOPPED = 130


def say(text: str) -> None:
    """Write a line of progress, or an error, to standard error."""
    sys.stderr.write(line_safe(text) + "\n")
    sys.stderr.flush()


def print_line(text: str) -> None:
    """Write a line of the result at once: the next may take a while."""
    sys.stdout.write(line_safe(text) + "\n")
    sys.stdout.flush()


def check_writable(output: str | None) -> None:
    """Raise UsageError for a file that cannot be written, before any call costs money."""
    if output is None:
        return
    place = Path(output)
    # What is there is written in place, also a device in a folder that nobody may write.
    is_there = os.access(place, os.F_OK)
    if (is_there and place.is_dir()) or not os.access(place if is_there else place.parent, os.W_OK):
        raise UsageError(f"Cannot write {output}: it is a folder, or may not be written. Name another file.")


def write_review(review: Review, diff: Diff, *, form: str, output: str | None, title: str | None = None) -> None:
    """Write the review in one of FORMATS to the file, or to standard output where `output` is None."""
    layout = Layout(title=title)
    if not output:
        stream = sys.stdout
        layout = Layout(title, shows_colour(stream, os.environ), columns_of(stream, os.environ))
    text = FORMATS[form].render(review, diff, layout)
    on_runner = not output and os.environ.get("GITHUB_ACTIONS") == "true"
    if FORMATS[form].for_people and on_runner and ("::" in text or "##[" in text):
        text = workflow_safe(text)
    if not FORMATS[form].for_people and not output:
        text = json_safe(text)
    # Files, pages and what programs read are UTF-8 everywhere; a terminal may be of another kind.
    encoding = sys.stdout.encoding if form == "text" and not output else "utf-8"
    _write((text if text.endswith("\n") else text + "\n").encode(encoding, "backslashreplace"), output)


def _write(data: bytes, output: str | None) -> None:
    if output is not None:
        try:
            Path(output).write_bytes(data)
        except OSError as error:
            raise UsageError(f"Cannot write {output}: {error.strerror}.") from error
        return
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_stdout()
        raise UsageError(f"Cannot write to standard output: {error.strerror}.") from error


def discard_stdout() -> None:
    """Discard what is still buffered for standard output: writing it at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
