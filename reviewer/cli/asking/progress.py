"""Show how far a review is: a live line on a terminal, a plain line every two seconds elsewhere, on standard error."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Self, TextIO

from reviewer.llm.errors import ModelError, SlowDown
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.llm.usage import Usage
from reviewer.output.terminal import columns_of, live_terminal
from reviewer.output.wording import cost_text, count_of
from reviewer.safety.prompt_text import printable_path
from reviewer.safety.terminal import line_safe
from reviewer.tasks.planning.preview import ReviewPreview

#: Seconds between two lines without a terminal, and between two states of the live line.
PLAIN_PAUSE, LIVE_PAUSE = 1.8, 0.2

_DOING = {Task.FINDINGS: "reviewing", Task.VERIFY: "double-checking", Task.TESTS: "suggesting tests"}
_FILE = re.compile(r"^### ([^\n]{1,4096}?) \((?:added|modified|deleted|renamed|copied)", re.MULTILINE)
_WHOLE_PART = re.compile(r"^# Task: findings[ \t]*$", re.MULTILINE)
_ERASE_LINE = "\r\x1b[2K"


@dataclass(slots=True)
class _State:
    """How far the review is. `paths` are its files as prompts write them, `unread` those that wait for an answer."""

    began: float
    parts: int = 0
    paths: frozenset[str] = frozenset()
    unread: set[str] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    doing: str = "reading the code around the change"
    usage: Usage = field(default_factory=Usage)
    open: int = 0
    wait_until: float = 0.0
    waits_for: str = ""


class Progress:
    """Writes lines, and between them how far the review is. A context manager: at its end, nothing is drawn any more.

    Methods may be called from any thread. With `quiet`, nothing is written.
    """

    def __init__(self, *, quiet: bool, stream: TextIO | None = None, live: bool | None = None) -> None:
        """Find out what the stream can show; nothing is written yet."""
        self.quiet = quiet
        self._stream = stream or sys.stderr
        self._live = live_terminal(self._stream, os.environ) if live is None else live
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._drawn = ""
        self._state: _State | None = None

    def say(self, text: str) -> None:
        """Write a line."""
        if self.quiet:
            return
        with self._lock:
            self._write((_ERASE_LINE if self._drawn else "") + line_safe(text) + "\n")
            self._drawn = ""

    def begin(self, preview: ReviewPreview) -> None:
        """Show from now on how far the review of this is."""
        if self.quiet:
            return
        paths = frozenset(printable_path(path) for path, _ in preview.files)
        with self._lock:
            self._state = _State(time.monotonic(), preview.parts, paths, set(paths))

    def asking(self, prompts: Sequence[Prompt], model: str) -> None:
        """Note that these are asked now; `model` is the one that answers prompts which name none."""
        if not self._live:
            for name in dict.fromkeys(prompt.model for prompt in prompts):
                counts = Counter(prompt.task.value for prompt in prompts if prompt.model == name)
                calls = ", ".join(f"{number} x {task}" for task, number in counts.items())
                self.say(f"asking {name or model} (calls: {calls})")
        self._expect(prompts)

    def found(self, prompt: Prompt, reply: Reply) -> None:
        """Note an answer that was kept from an earlier run."""
        self._expect([prompt])
        self.answered(prompt, reply)

    def _expect(self, prompts: Sequence[Prompt]) -> None:
        with self._lock:
            if self._state is not None and prompts:
                self._state.doing = _DOING.get(prompts[0].task, "asking")
                self._state.open += len(prompts)

    def answered(self, prompt: Prompt, answer: Reply | ModelError) -> None:
        """Note an answer, and what it cost."""
        with self._lock:
            state = self._state
            if state is None:
                return
            state.open -= 1
            state.usage += Usage.of(answer.attempts)
            text = "\n".join(message.content for message in prompt.messages)
            if prompt.task is Task.FINDINGS and _WHOLE_PART.search(text):
                state.done.add(hash(prompt.messages))
                state.unread.difference_update(_FILE.findall(text))

    def waiting(self, error: ModelError, seconds: float) -> None:
        """Note that a call is tried again after so many seconds."""
        why = "rate limited" if isinstance(error, SlowDown) else "the service failed"
        with self._lock:
            if self._state is not None:
                self._state.wait_until = max(self._state.wait_until, time.monotonic() + seconds)
                self._state.waits_for = why
        if not self._live:
            self.say(f"{why}, next try in {seconds:.0f} s")

    def __enter__(self) -> Self:
        """Begin to show that the change is read."""
        if not self.quiet:
            self._state = _State(time.monotonic(), doing="reading the change")
            threading.Thread(target=self._tick, name="progress", daemon=True).start()
        return self

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing meanwhile: the person is asked something."""
        with self._lock:
            if self._drawn:
                self._write(_ERASE_LINE)
                self._drawn = ""
            yield

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live line away."""
        self._ended.set()
        with self._lock:
            self._state = None
            if self._drawn:
                self._write(_ERASE_LINE)
                self._drawn = ""

    def _tick(self) -> None:
        while not self._ended.wait(LIVE_PAUSE if self._live else PLAIN_PAUSE):
            with self._lock:
                if self._state is None:
                    continue
                if self._live:
                    self._draw(self._state)
                else:
                    self.say(", ".join(_parts_of(self._state)))

    def _draw(self, state: _State) -> None:
        line = fitting(_parts_of(state), (columns_of(self._stream, os.environ) or 80) - 1)
        if line != self._drawn:
            self._write(_ERASE_LINE + line)
            self._drawn = line

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads it any more: the review goes on
            self.quiet = True


def fitting(parts: Sequence[str], width: int) -> str:
    """Return as many of the parts as fit into the width, the first ones first, at least a piece of the first."""
    line = parts[0][:width] if parts else ""
    for part in parts[1:]:
        if len(line) + 2 + len(part) <= width:
            line += f", {part}"
    return line


def _parts_of(state: _State) -> list[str]:
    """Return what is to be shown, the most important first."""
    now = time.monotonic()
    parts = [state.doing]
    if state.wait_until > now and state.open:
        parts = [f"{state.waits_for}, next try in {state.wait_until - now:.0f} s"]
    if not state.parts:
        return [*parts, f"{now - state.began:.0f} s"]
    parts.append(f"{min(len(state.done), state.parts)} of {count_of(state.parts, 'part')}")
    cost: Decimal | None = state.usage.cost_usd
    parts += [f"{now - state.began:.0f} s", cost_text(cost)]
    if state.paths:
        parts.append(f"{len(state.paths) - len(state.unread)} of {count_of(len(state.paths), 'file')}")
    parts.append(count_of(state.usage.calls, "call"))
    return parts
