"""`/help`: a short list of the commands, with what the sender may do."""

from __future__ import annotations

from collections.abc import Sequence

from reviewer.safety.code_blocks import code_span
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.base_files import readers_may_ask
from webhooks.handling.commands.command import Command, Who
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome

_WRITERS = frozenset({"admin", "write"})


def handle(job: Job, context: JobContext, pull: Pull, commands: Sequence[Command]) -> JobOutcome:
    """Answer with the commands that the sender may use, and name the others."""
    level = context.repository.permission(job.actor or "")
    allowed = {Who.READERS}
    if level in _WRITERS:
        allowed = set(Who)
    else:
        if pull.author.lower() == (job.actor or "").lower():
            allowed.add(Who.AUTHOR)
        if readers_may_ask(context.repository, pull):
            allowed.add(Who.ASKERS)
    rows = [f"| {each.usage.replace('|', '&#124;')} | {each.summary} |" for each in commands if each.who in allowed]
    others = [code_span(f"/{each.name}") for each in commands if each.who not in allowed]
    parts = [f"What {code_span(job.actor or 'you')} can ask for here, at the start of a line:"]
    parts.append("\n".join(["| comment | what it does |", "|---|---|", *rows]))
    if others:
        parts.append(f"With write access also: {', '.join(others)}.")
    parts.append("An answer in the thread of a finding is read too: ask back, or say why the finding is wrong.")
    return JobOutcome.answered(pull.head_sha, "\n\n".join(parts))
