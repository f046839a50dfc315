"""Put together what a command asks the model with: client, kept answers, progress, and the secret of the fences."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reviewer.cli.asking.cache_folder import NoCacheFolder, cache_folder
from reviewer.cli.asking.calls import PaidCalls
from reviewer.cli.asking.paid_answers import PaidAnswers
from reviewer.cli.asking.progress import Progress
from reviewer.cli.model_client import open_client
from reviewer.llm.client import Client


@dataclass(frozen=True, slots=True)
class AskingSession:
    """What one run of a command asks with. `calls.ask` is the `ask` of the core, `salt` the secret of its fences."""

    client: Client
    calls: PaidCalls
    salt: bytes


@contextmanager
def asking(
    model: str | None, progress: Progress, *, cache: bool, needs_key: bool = True, relay: str | None = None
) -> Iterator[AskingSession]:
    """Open the client that the environment describes, with the answers that were kept unless `cache` is off.

    With `relay`, prompts and replies are files in that folder instead, and nothing is sent. Raises BadKey without a
    key. Where nothing can be kept, a line says why, and everything else works.
    """
    if relay is not None:
        from reviewer.evaluation.relay import open_relay  # noqa: PLC0415 - rarely needed

        with open_relay(Path(relay)) as person:
            progress.say(f"prompts are written to {relay}; write the reply to NAME.prompt.md into NAME.reply.md")
            yield AskingSession(person, PaidCalls(person, None, progress), person.salt())
        return
    with open_client(model, needs_key=needs_key, on_wait=progress.waiting) as client:
        kept, salt = _kept(client, progress) if cache and needs_key else (None, secrets.token_bytes(16))
        yield AskingSession(client, PaidCalls(client, kept, progress), salt)


def _kept(client: Client, progress: Progress) -> tuple[PaidAnswers | None, bytes]:
    """Return the answers that were kept, and the secret that makes prompts the same again."""
    service = "\n".join((client.base_url, client.model, *client.fallback_models))
    try:
        kept = PaidAnswers(cache_folder(os.environ, Path.cwd()), service)
        salt = kept.salt()
        kept.delete_old()
    except NoCacheFolder as error:
        progress.say(f"answers are not kept: {error}")
        return None, secrets.token_bytes(16)
    return kept, salt
