"""What the model's service sends: the stream, the error pages, the head; and GitHub's links to the next page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import httpx
from hypothesis import strategies as st

from reviewer.llm.chat_completions import Completion, read_reply
from reviewer.llm.error_mapping import RequestDescription, explain, fault_of
from reviewer.llm.errors import ModelError, retry_after
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.llm.reasoning import strip_reasoning
from reviewer.llm.streaming import Body, Data, Head, StreamingRequest, StreamTimeouts
from tests.fuzz.campaign import Target
from tests.fuzz.texts import edited, explain_itself, text, utf8
from webhooks.github.transport import next_page

_TIMEOUTS = StreamTimeouts(connect=5, idle=5, total=20, trailer=5)
_PROMPT = Prompt(Task.ASK, (Message("system", "s"), Message("user", "# Task: ask\n\nwhy")))


def _chunk(**delta: object) -> str:
    return "data: " + json.dumps({"model": "m", "choices": [{"index": 0, "delta": delta}]}) + "\n\n"


_END = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
_USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}\n\ndata: [DONE]\n\n'
_STREAMS = (
    ": keep-alive\n\n" + _chunk(content="Hello ") + _chunk(content="wörld") + _END + _USAGE,
    _chunk(content="<think>a") + _chunk(content="b</think>c") + _END,
    _chunk(reasoning_content="a") + _chunk(reasoning_content="ab") + _chunk(content="c") + _END + "data: [DONE]\n\n",
    json.dumps({"choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}),
    '{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}',
    '{"error": {"message": "bad key (1004)", "type": "authorized_error", "code": "1004"}}',
    "<html><title>502 Bad Gateway</title></html>",
    'event: error\ndata: {"error": {"message": "overloaded", "http_code": "529"}}\n\n',
)  # fmt: skip
_PIECES = (
    *(
        "data: ",
        "data:",
        "event: x\n",
        "id: 1\n",
        "retry: 1\n",
        "\n\n",
        "\r\n\r\n",
        "\r",
        "data: [DONE]\n\n",
        "data\n",
        ":",
    ),
    *(
        '{"choices": [',
        '"delta": {',
        '"content": ',
        '"finish_reason": "length"',
        '"index": 1',
        "[[[[",
        '"usage": {',
        "\\ud800",
    ),
    *(
        "<think>",
        "</think>",
        "(think)",
        "<mm:think>",
        "minimax:tool_call",
        "]<]minimax[>[",
        '"tool_calls": [1]',
        "<title>",
    ),
)
STREAMS = st.tuples(
    st.one_of(edited(_STREAMS, *_PIECES), edited(_STREAMS, *_PIECES), text(*_PIECES)),
    st.binary(max_size=6),
    st.sampled_from([200, 200, 200, 400, 401, 429, 500, 502]),
)


class _Service(httpx.BaseTransport):
    """Answers each request with the same bytes in the same pieces."""

    def __init__(self, status: int, pieces: Iterable[bytes]) -> None:
        self._status = status
        self._pieces = list(pieces)

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's own method
        return httpx.Response(self._status, headers={"content-type": "text/event-stream"}, content=iter(self._pieces))


def _pieces(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def _answer(status: int, pieces: Iterable[bytes]) -> tuple[int, tuple[str, ...], bytes]:
    """Return what arrives: the status, the data of each event, the body."""
    status_read, events, body = 0, [], b""
    with httpx.Client(transport=_Service(status, pieces)) as http:
        request = http.build_request("POST", "http://model.test/v1/chat/completions")
        with StreamingRequest(http, request, _TIMEOUTS) as exchange:
            for event in exchange.events():
                if isinstance(event, Head):
                    status_read = event.status
                elif isinstance(event, Data):
                    events.append(event.text)
                elif isinstance(event, Body):
                    body = event.data
    return status_read, tuple(events), body


def check_stream(value: tuple[str, bytes, int]) -> None:
    """Check that however the bytes are divided, the same answer arrives; it is a reply or a typed error."""
    source, sizes, status = value
    data = utf8(source)
    got = _answer(status, _pieces(data, sizes))
    assert got == _answer(status, [data])
    assert got[0] == status
    completion = Completion()
    try:
        for event in got[1]:
            completion.feed(event)
        if got[2] and status == 200:
            completion.feed_body(got[2])
        elif got[2]:
            completion.fault = fault_of(status, got[2])
        if completion.fault:
            raise explain(completion.fault, RequestDescription("model.test", "m", ("top_p",)), 1.0)
        reply = read_reply(completion, _PROMPT)
    except ModelError as error:
        explain_itself(error)
    else:
        assert reply.text.strip() == reply.text != ""


def read_stream(source: str) -> object:
    """Read the text as the rest of an answer, as its thinking and as an error."""
    completion = Completion()
    for event in _answer(200, [b"data: x\n\n", utf8(source)])[1]:
        completion.feed(event)
    return strip_reasoning(source), fault_of(502, utf8(source)), fault_of(400, json.dumps({"error": source}).encode())


# --- headers --------------------------------------------------------------------------------------------------------

_OURS = "https://api.github.com"
_LINKS = (
    '<https://api.github.com/a?page=2>; rel="next", <https://api.github.com/a?page=9>; rel="last"',
    '<https://api.github.com/a?page=1>; rel="prev"',
    "<https://api.github.com/a>;rel=next",
)
HEADERS = st.tuples(
    edited(_LINKS, "<", ">; ", "rel=", '"next"', ", <", ";", "=", "https://evil.example/", "//evil", "@evil"),
    text("Wed, 21 Oct 2026 07:28:00 GMT", "120", "-", "Wed, ", ":00", "+9999", most=4),
)


def check_headers(value: tuple[str, str]) -> None:
    """Check that the next page has an address or there is none; a wait is a number of seconds or none is asked for."""
    link, wait = value
    following = next_page(link)
    assert following is None or (following and following in link)
    seconds = retry_after({"retry-after": wait, "retry-after-ms": link}, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0


STREAMS_AND_HEADERS = (
    Target("stream", STREAMS, check_stream, read_stream, lambda value: value[0], (ModelError,)),
    Target(
        "link",
        HEADERS,
        check_headers,
        lambda link: (next_page(link), retry_after({"retry-after": link}, datetime(2026, 1, 1, tzinfo=UTC))),
        lambda value: value[0],
    ),
)
