"""What GitHub, or somebody who claims to be GitHub, sends: signatures, payloads, commands, links to the next page."""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.fuzz.campaign import Target
from tests.fuzz.texts import explain_itself, made, text, utf8
from webhooks.events.commands import LONGEST_TEXT, NoCommand, parse_commands
from webhooks.events.deliveries import Job, MalformedDelivery, decide
from webhooks.handling.commands.table import SYNTAX
from webhooks.server.signature import is_signed, sign

# --- signatures -----------------------------------------------------------------------------------------------------

_HEADERS = st.one_of(
    text("sha256=", "sha1=", "0" * 64, "f" * 64),
    st.builds(lambda body, secret: sign(body, secret).upper(), st.binary(max_size=20), st.just("s")),
)
#: As the environment gives them: bytes that are not UTF-8 are surrogates.
_SECRETS = st.binary(max_size=12).map(lambda secret: secret.decode("utf-8", "surrogateescape"))
SIGNED = st.tuples(st.binary(max_size=200), _HEADERS, st.lists(_SECRETS, max_size=3))


def check_signature(value: tuple[bytes, str, list[str]]) -> None:
    """Check that only what one of the secrets signed counts as signed, and nothing that differs in one byte."""
    body, header, secrets = value
    right = {sign(body, secret) for secret in secrets if secret}
    assert is_signed(body, header, secrets) == (header in right)
    for secret in filter(None, secrets):
        signature = sign(body, secret)
        assert is_signed(body, signature, secrets)
        assert not is_signed(body, signature, [])
        assert not is_signed(body, signature, [""])
        assert not is_signed(body + b"\0", signature, secrets)
        assert not is_signed(body, signature[:-1], secrets)
        assert not is_signed(body, f"{signature} ", secrets)


# --- payloads -------------------------------------------------------------------------------------------------------

_PULL = {
    "action": "opened",
    "number": 7,
    "pull_request": {
        "number": 7, "state": "open", "draft": False, "updated_at": "2026-01-01T00:00:00Z", "title": "t",
        "head": {"sha": "a" * 40, "ref": "x"}, "base": {"sha": "b" * 40, "ref": "main"}, "user": {"login": "mona"},
    },
    "label": {"name": "reviewer: tests"},
    "repository": {"full_name": "o/r", "default_branch": "main", "owner": {"login": "o"}, "name": "r"},
    "installation": {"id": 3},
    "sender": {"login": "mona", "type": "User"},
}  # fmt: skip
_COMMENT = {
    "action": "created",
    "issue": {"number": 7, "state": "open", "pull_request": {"url": "u"}, "user": {"login": "mona"}},
    "comment": {"id": 9, "body": "/review", "user": {"login": "mona", "type": "User"}},
    "repository": {"full_name": "o/r"},
    "installation": {"id": 3},
    "sender": {"login": "mona", "type": "User"},
}
_LEAVES = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**63,
        10**400,
        1.5,
        float("nan"),
        float("inf"),
        "",
        "o/r",
        "o/r\n",
        "../..",
        "o/r/x",
    ),
    *("Bot", "/review", "/ask why", "opened", "labeled", "created", "synchronize", "closed", "\ud800", "x" * 300, "\0"),
)


def _junk(chance: random.Random, depth: int = 0) -> Any:
    """Return any JSON value."""
    kind = chance.random() if depth < 4 else 1.0
    if kind < 0.15:
        return [_junk(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    if kind < 0.4:
        return {chance.choice(_KEYS): _junk(chance, depth + 1) for _ in range(chance.randint(0, 4))}
    return chance.choice(_LEAVES)


_KEYS = ("action", "number", "head", "sha", "id", "body", "login", "type", "full_name", "pull_request", "state", "x")
_EVENTS = st.sampled_from(["pull_request", "issue_comment", "ping", "push", "", "pull_request\n"])


def _payload(chance: random.Random) -> Any:
    """Return a payload of GitHub's with up to three parts replaced or removed; sometimes any JSON."""
    if chance.random() < 0.1:
        return _junk(chance)
    payload: dict[str, Any] = copy.deepcopy(chance.choice((_PULL, _COMMENT)))
    for _ in range(chance.randint(0, 3)):
        parent = payload
        key = chance.choice(sorted(parent))
        while isinstance(parent[key], dict) and parent[key] and chance.random() < 0.8:
            parent = parent[key]
            key = chance.choice(sorted(parent))
        parent[key] = _junk(chance)
        if chance.random() < 0.2 and len(payload) > 1:
            del parent[key]
    return payload


PAYLOADS = st.tuples(_EVENTS, made(_payload))


def check_payload(value: tuple[str, Any]) -> None:
    """Check that a payload becomes a job that the queue can keep, a reason to ignore it, or a typed error."""
    event, payload = value
    try:
        job = decide(event, payload, "guid", SYNTAX)
    except MalformedDelivery as error:
        explain_itself(error)
        return
    if isinstance(job, Job):
        assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#[1-9][0-9]*@[0-9A-Za-z]{1,64}(?:\+\w+)?", job.key, re.ASCII), job.key
        assert job.repository in job.key
    else:
        assert job.reason


def read_payload(body: str) -> object:
    """Read a comment whose body is the text."""
    return decide("issue_comment", {**_COMMENT, "comment": {"id": 9, "body": body}}, body, SYNTAX)


# --- commands -------------------------------------------------------------------------------------------------------

COMMENTS = text(
    *("/review", "/review full", "/ask why", "/ask ", "/tests commit", "/refactor", "/nothing", "\n/review\n", "> "),
    *("    ", "   ", "\n```\n", "\n~~~\n", "<!--", "-->", "`", "``", "- ", "1. ", "<div>", "\n\n", "\n", "\r"),
)
_MARKDOWN = MarkdownIt("commonmark", {"html": True})


def check_command(body: str) -> None:
    """Check that a command stands where Markdown shows text: not in code, a quote or an HTML comment."""
    requests = parse_commands(body, SYNTAX)
    if isinstance(requests, NoCommand):
        assert requests.reason
        return
    assert len(set(requests)) == len(requests)
    for request in requests:
        assert request.command in {syntax.name for syntax in SYNTAX}
        assert len(request.argument) <= LONGEST_TEXT + 10
    # A line behind a quote is not quoted, though Markdown takes it into the quote's last paragraph.
    apart = re.sub(r"(?m)^( {0,3}>.*)$", r"\1\n", re.sub(r"\r\n?", "\n", body))
    depth, shown = 0, []
    for token in _MARKDOWN.parse(apart):
        depth += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if depth == 0 and token.type == "inline":
            shown += [leaf.content for leaf in token.children or () if leaf.type == "text"]
        elif depth == 0 and token.type == "html_block":
            shown.append(re.sub(r"<!--.*?(-->|\Z)", "", token.content, flags=re.DOTALL))
    visible = re.sub("[\u200b\u2060\ufeff]", "", "\n".join(shown)).lower()
    for request in requests:
        written = request.argument.split()[0] if request.mistake else f"/{request.command}"
        assert written.lower() in visible, shown


DELIVERIES = (
    Target(
        "signature",
        SIGNED,
        check_signature,
        lambda body: is_signed(utf8(body), body, [utf8(body).decode("utf-8", "surrogateescape") or "s"]),
        lambda value: value[1] or repr(value[0]),
    ),
    Target(
        "payload",
        PAYLOADS,
        check_payload,
        read_payload,
        lambda value: json.dumps(value[1], default=str),
        (MalformedDelivery,),
    ),
    Target("command", COMMENTS, check_command, lambda body: parse_commands(body, SYNTAX)),
)
