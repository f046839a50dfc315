"""Which commands of a comment this workflow carries out: two may share the comments of a repository. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from webhooks.events.job import Job, Trigger

#: A workflow with one of these commands answers in threads, and where it is mentioned.
_TALK = frozenset({"ask", "explain"})

#: What a mention asks for where it gives no command.
_ANSWERS = frozenset({"ask", "help"})


def own_part(job: Job, own: AbstractSet[str]) -> Job | None:
    """Return the job with those of its commands that are this workflow's; None where there are none. Empty: all."""
    if job.command is None or not own:
        return job
    is_question = job.trigger is Trigger.MENTION and job.command in _ANSWERS
    if job.trigger is Trigger.REPLY or is_question:
        return job if own & _TALK else None
    kept = [request for request in job.requests if request.command in own]
    if not kept:
        return None
    first, *more = kept
    return replace(job, command=first.command, argument=first.argument, mistake=first.mistake, more=tuple(more))
