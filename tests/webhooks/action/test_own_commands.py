"""Which commands of a comment a workflow carries out, where two share the comments of a repository."""

from __future__ import annotations

import pytest

from webhooks.action.own_commands import own_part
from webhooks.events.commands import CommandRequest
from webhooks.events.job import Job, Trigger


@pytest.mark.parametrize(
    ("trigger", "command", "own", "kept"),
    [
        (Trigger.COMMAND, "review", {"review"}, ("review",)),
        (Trigger.COMMAND, "review", {"tests"}, ("tests",)),
        (Trigger.COMMAND, "review", {"ask"}, None),
        (Trigger.MENTION, "review", {"tests"}, ("tests",)),
        (Trigger.MENTION, "review", {"ask"}, None),
        (Trigger.MENTION, "ask", {"explain"}, ("ask", "tests")),
        (Trigger.MENTION, "help", {"review"}, None),
        (Trigger.REPLY, "reply", {"ask"}, ("reply", "tests")),
        (Trigger.REPLY, "reply", {"review"}, None),
    ],
)
def test_a_workflow_keeps_its_own_commands(trigger, command, own, kept):
    """A command behind a mention is one as any other; questions and answers go to who takes them."""
    job = Job("k", "o/r", 7, trigger, "d", command=command, more=(CommandRequest("tests"),))
    found = own_part(job, frozenset(own))
    assert (None if found is None else tuple(request.command for request in found.requests)) == kept
