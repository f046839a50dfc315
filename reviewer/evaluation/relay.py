"""Ask a person, or any chat, instead of a service: each prompt becomes a file, and its reply is read from another.

The prompt of `0001-findings-1a2b3c.prompt.md` is answered in `0001-findings-1a2b3c.reply.md`. The name ends with the
prompt's digest, so that a reply that is there already is used again. Nothing is sent anywhere.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reviewer.errors import UsageError
from reviewer.llm.client import Client
from reviewer.llm.errors import ModelUnavailable
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.models import planned_tokens
from reviewer.llm.reasoning import strip_reasoning
from reviewer.llm.serialization import prompt_digest
from reviewer.llm.usage import Attempt

#: Seconds between two looks for a reply; a file that did not change between two looks is complete.
LOOK_EVERY = 0.2

#: The name under which answers of a relay are counted, prompts that may wait at once, and the largest reply in bytes.
MODEL, MAX_WAITING, MAX_REPLY = "relay", 64, 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelayClient(Client):
    """A client whose answers are files in a folder. Made by `open_relay`."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def salt(self) -> bytes:
        """Return the secret of the fences: the same for every run with this folder, so that prompts are the same."""
        place = self.folder / "fences.key"
        if not place.exists():
            place.write_text(secrets.token_hex(16), encoding="ascii")
        return place.read_bytes()

    def close(self) -> None:
        """End the waiting with ModelUnavailable."""
        self._closed.set()

    def _complete(self, prompt: Prompt, batch: object) -> Reply:
        """Write the prompt, unless it is there, and wait for its reply."""
        del batch
        with self._lock:
            asked = self._prompt_file(prompt)
            if not asked.exists():
                asked.write_text(written(prompt), encoding="utf-8", errors="backslashreplace")
        text = self._reply_in(asked.with_name(asked.name.replace(".prompt.md", ".reply.md")))
        tokens = planned_tokens("".join(message.content for message in prompt.messages)), planned_tokens(text)
        attempt = Attempt(self.model, "ok", *tokens, estimated=True)
        return Reply(strip_reasoning(text), raw=text, model=self.model, attempts=(attempt,))

    def _prompt_file(self, prompt: Prompt) -> Path:
        ending = f"{prompt.task}-{prompt_digest(prompt)[:12]}.prompt.md"
        if known := sorted(self.folder.glob(f"*-{ending}")):
            return known[0]
        numbers = (number for number in self._numbers if not any(self.folder.glob(f"{number:04}-*")))
        return self.folder / f"{next(numbers):04}-{ending}"

    def _reply_in(self, place: Path) -> str:
        """Return the text of a reply's file once it is there and complete. Raises ModelUnavailable after `close`."""
        before = b""
        while not self._closed.is_set():
            try:
                with place.open("rb") as file:
                    data = file.read(MAX_REPLY)
            except OSError:
                data = b""
            if data.strip() and data == before:
                return data.decode("utf-8", "replace")
            before = data
            self._closed.wait(LOOK_EVERY)
        raise ModelUnavailable(f"Stopped before {place.name} was written.")


def open_relay(folder: Path) -> RelayClient:
    """Return the client of a folder, which is made if there is none. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        client = RelayClient(
            key="", base_url=f"file://{folder.resolve()}", model=MODEL, max_parallel=MAX_WAITING, folder=folder
        )
        client.salt()
    except OSError as error:
        raise UsageError(f"Cannot write into {folder}: {error.strerror}. Name another folder for --relay.") from error
    return client


def written(prompt: Prompt) -> str:
    """Return a prompt as a text that can be read, or pasted into a chat."""
    return "\n\n".join(f"=== {message.role} ===\n\n{message.content}" for message in prompt.messages) + "\n"
