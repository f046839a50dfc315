"""A double of the model's service: chat completions over a real socket, scripted by task, strict about requests.

    with FakeModel() as model:
        model.script("findings", '{"summary": "", "findings": []}', error(529, "busy"))
        ...a client at model.base_url with model.key...

It refuses what MiniMax refuses (from its documentation and issue tracker), and answers with all its quirks. At the
end of the `with` it fails the test for anything left over: a scripted reply that was not asked for, a request that
was not scripted, a body that a strict upstream would refuse. Two questions have an answer of their own where nothing
is scripted (`contented`). It does not know the code under test.

To run it alone, for a demonstration: `python -m tests.fakes.model --port 8080`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.fakes.model_answers import (
    Answer,
    Behaviour,
    Call,
    Failure,
    Reset,
    Scripted,
    Stall,
    base_resp,
    contented,
    error,
    events,
    fenced,
    in_prose,
    openai_error,
    page,
    thinks,
    whole,
)

__all__ = [
    "KEY",
    "MODELS",
    "TASKS",
    "Answer",
    "Behaviour",
    "Call",
    "Failure",
    "FakeModel",
    "Reset",
    "Scripted",
    "Stall",
    "base_resp",
    "error",
    "events",
    "fenced",
    "in_prose",
    "openai_error",
    "page",
    "thinks",
    "whole",
]

TASKS = ("findings", "verify", "tests", "refactor", "ask", "edit", "prove", "fix", "reply")
MODELS = (
    "MiniMax-M3",
    "MiniMax-M2.7",
    "MiniMax-M2.7-highspeed",
    "MiniMax-M2.5",
    "MiniMax-M2.5-highspeed",
    "MiniMax-M2.1",
    "MiniMax-M2",
)
KEY = "sk-double-0123456789"

_FIELDS = {
    *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream"),
    *("stream_options", "reasoning_split"),
}
_TASK_LINE = re.compile(r"^# Task: (?P<name>[a-z]+)(?: \((?P<qualifier>[^()\n]+)\))?$", re.MULTILINE)
_FENCED = re.compile(r"^<(?P<word>data-[0-9a-f]{16}) [^\n]*>\n(?:.*\n)*?</(?P=word)>$", re.MULTILINE)
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_MAX_TOKENS = 204_800


@dataclass
class _Script:
    queue: deque[Scripted] = field(default_factory=deque)
    answer: Callable[[Call], Scripted] | None = None


class FakeModel:
    """The service, a context manager: it listens from `__enter__` on, and is checked and stopped in `__exit__`."""

    def __init__(self, *, key: str = KEY, models: tuple[str, ...] = MODELS, refuses: tuple[str, ...] = ()) -> None:
        """Set the valid key, the served model ids, and the optional fields that are refused."""
        self.key = key
        self.models = models
        self.refuses = refuses
        self.calls: list[Call] = []
        #: When (monotonic) an answer was sent completely, to a client still connected, and the call.
        self.finished: list[tuple[float, Call]] = []
        self.violations: list[str] = []
        self.active = 0
        self.most_active = 0
        self.connected = 0
        self.changed = threading.Condition()
        self.released = threading.Event()
        self._scripts: dict[str, _Script] = defaultdict(_Script)
        self._server: _Server | None = None

    @property
    def base_url(self) -> str:
        assert self._server is not None, "not listening"
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def script(self, task: str, *replies: Scripted) -> None:
        """Queue replies to that task: each must be asked for, in this order."""
        assert task in TASKS, task
        self._scripts[task].queue.extend(replies)

    def answers(self, task: str, answer: Callable[[Call], Scripted]) -> None:
        """Answer that task with a function whenever its queue is empty."""
        assert task in TASKS, task
        self._scripts[task].answer = answer

    def release(self) -> None:
        """Let all stalled answers go on."""
        self.released.set()

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
        """Wait until a condition on this double holds; fails with the conversation so far."""
        with self.changed:
            met = self.changed.wait_for(condition, seconds)
        assert met, f"waited in vain for {what}; {len(self.calls)} calls: {[call.task for call in self.calls]}"

    def listen(self, port: int = 0) -> None:
        """Start serving, in a thread."""
        self._server = _Server(self, port)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake-model", daemon=True).start()

    def stop(self) -> None:
        """Close all connections and stop serving."""
        assert self._server is not None, "not listening"
        self.release()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()

    def check(self) -> None:
        """Fail for anything left over or wrong."""
        left = [f"{task}: {len(one.queue)} scripted replies left" for task, one in self._scripts.items() if one.queue]
        faults = [*self.violations, *left]
        assert not faults, "\n".join(["the model's double is not content:", *faults])

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is None:
            self.check()

    def take(self, call: Call) -> Behaviour:
        """Record a call and return its answer."""
        with self.changed:
            earlier = tuple(self.calls)
            self.calls.append(call)
            script = self._scripts[call.task]
            chosen: Scripted | None = script.queue.popleft() if script.queue else None
            self.changed.notify_all()
        if chosen is None and script.answer is not None:
            chosen = script.answer(call)
        if chosen is None:
            chosen = contented(call, earlier)
        if chosen is None:
            self.violate(f"unexpected request: {call.task} {call.qualifier}".rstrip())
            return error(400, "nothing is scripted for this request (2013)", "bad_request_error")
        return Answer(chosen) if isinstance(chosen, str) else chosen

    def violate(self, what: str) -> None:
        with self.changed:
            self.violations.append(what)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request as active while it is answered."""
        with self.changed:
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.active -= 1
                self.changed.notify_all()

    def judge(self, body: Any) -> tuple[str | None, Failure | None]:
        """Return what the client did wrong, and the service's answer to it (or to something it does not have)."""
        wrong = self._wrong(body)
        if wrong is not None:
            return wrong, error(400, f"invalid params, {wrong} (2013)", "bad_request_error")
        for name in self.refuses:
            if name in body:
                return None, error(400, f"invalid params, unknown field {name} (2013)", "bad_request_error")
        if body["model"] not in self.models:
            return None, error(400, f"invalid params, unknown model '{body['model'].lower()}' (2013)")
        return None, None

    def _wrong(self, body: Any) -> str | None:
        if not isinstance(body, dict):
            return "the body is no JSON object"
        if unknown := body.keys() - _FIELDS:
            return f"unknown fields {sorted(unknown)}"
        limit = body.get("max_tokens", body.get("max_completion_tokens"))
        checks = {
            "model": isinstance(body.get("model"), str),
            "stream": body.get("stream") is True,
            "stream_options": body.get("stream_options") == {"include_usage": True}
            or ("stream_options" in self.refuses and "stream_options" not in body),
            "temperature": 0 < body.get("temperature", 1) <= 1,
            "top_p": 0 < body.get("top_p", 1) <= 1,
            "two limits": not {"max_tokens", "max_completion_tokens"} <= body.keys(),
            "max_tokens": (limit is None and "max_completion_tokens" in self.refuses)
            or (isinstance(limit, int) and 0 < limit <= _MAX_TOKENS),
        }
        broken = [name for name, holds in checks.items() if not holds]
        return f"bad {', '.join(broken)}" if broken else _wrong_messages(body.get("messages"))


def _wrong_messages(messages: Any) -> str | None:
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and one.keys() == {"role", "content"} and isinstance(one["content"], str)
        for one in messages
    ):
        return "messages are not a list of role and content"
    roles, texts = [one["role"] for one in messages], [one["content"] for one in messages]
    outside = [_FENCED.sub("</fence>", text) for text in texts]
    lines = [len(re.findall(r"^# Task:.*", text, re.MULTILINE)) for text in outside]
    named = task_in(texts[-1]) if texts else None
    faults = {
        "invalid chat setting: not exactly one system message, first": roles[:1] != ["system"]
        or roles.count("system") != 1,
        f"bad roles {roles}": bool(set(roles) - {"system", "user", "assistant"}) or roles[-1:] != ["user"],
        "an empty message": not all(text.strip() for text in texts),
        "invisible characters": any(_INVISIBLE.search(text) for text in texts),
        "the last user message has not exactly one line `# Task: NAME`": lines[-1:] != [1] or named is None,
        "the system message names a task": lines[:1] != [0],
        "no fence closes right before the task": len(texts) > 1
        and "</fence>" in outside[1]
        and re.search(r"^</fence>\n# Task: ", outside[1], re.MULTILINE) is None,
    }
    return next((fault for fault, holds in faults.items() if holds), None)


def task_in(text: str) -> tuple[str, str] | None:
    """Return the name and the qualifier of the task that a user message sets, outside its fences."""
    found = _TASK_LINE.search(_FENCED.sub("", text))
    return (found["name"], found["qualifier"] or "") if found and found["name"] in TASKS else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, model: FakeModel, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.model = model
        self.connections: set[socket.socket] = set()

    def hang_up(self) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Ignore clients that hung up; anything else is a fault of this double or of its script."""
        cause = sys.exc_info()[1]
        if not isinstance(cause, ConnectionError):
            self.model.violate(f"the double failed: {cause!r}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        with self.server.model.changed:
            self.server.model.connected += 1

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with contextlib.suppress(ConnectionError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._send(error(404, f"no such path {self.path}"))
        elif self._authorized():
            entries = [{"id": name, "object": "model"} for name in self.server.model.models]
            self._send(Failure(200, json.dumps({"object": "list", "data": entries})))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        data = self.rfile.read(length)
        if len(data) < length:  # the client was killed while it was sending
            self.close_connection = True
            return
        model = self.server.model
        if self.path != "/v1/chat/completions":
            self._send(error(404, f"no such path {self.path}"))
            return
        if not self._authorized():
            return
        if self.headers.get_content_type() != "application/json":
            model.violate(f"content type {self.headers.get('Content-Type')}")
        body = json.loads(data)
        violation, refusal = model.judge(body)
        if violation is not None:
            model.violate(violation)
        if refusal is not None:
            self._send(refusal)
            return
        messages = tuple((one["role"], one["content"]) for one in body["messages"])
        task = task_in(messages[-1][1])
        assert task is not None
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(*task, body["model"], messages, body, headers, time.monotonic())
        with model.counted():
            self._perform(model.take(call), call)

    def _authorized(self) -> bool:
        sent = self.headers.get("Authorization", "")
        if not sent.startswith("Bearer "):
            self.server.model.violate("no bearer key")
        if sent == f"Bearer {self.server.model.key}":
            return True
        message = f"login fail: {sent.removeprefix('Bearer ')} is no valid key (1004)"
        self._send(error(401, message, "authorized_error"))
        return False

    def _perform(self, behaviour: Behaviour, call: Call) -> None:
        if isinstance(behaviour, Reset):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif isinstance(behaviour, Failure):
            self._send(behaviour)
        elif isinstance(behaviour, Stall):
            self._stall(behaviour, call)
        elif behaviour.stream:
            self._pause(behaviour.latency)
            self._stream(behaviour, call)
            # Writing to the socket of a killed client works for a while.
            if not self._hung_up():
                self._finish(call)
        else:
            self._pause(behaviour.latency)
            value = whole(behaviour, call)
            self._send(Failure(200, json.dumps(value), behaviour.content_type))

    def _finish(self, call: Call) -> None:
        with self.server.model.changed:
            self.server.model.finished.append((time.monotonic(), call))

    def _pause(self, seconds: float) -> None:
        if seconds:
            self.server.model.released.wait(seconds)

    def _send(self, failure: Failure) -> None:
        self._pause(failure.latency)
        data = failure.body.encode()
        self.send_response(failure.status)
        self.send_header("Content-Type", failure.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", "double-1")
        for name, value in failure.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _begin(self, content_type: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("X-Request-Id", "double-1")
        self.end_headers()

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _end(self, *, properly: bool = True) -> None:
        if properly:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def _stream(self, answer: Answer, call: Call) -> None:
        self._begin(answer.content_type)
        end = answer.newline * 2
        for _ in range(answer.comments):
            self._chunk(f": keep-alive{end}")
        stream: Iterable[Any] = events(answer, call)
        if answer.unterminated:
            stream = [*stream]
        for number, event in enumerate(stream, start=1):
            self._pause(answer.pause)
            final = isinstance(stream, list) and number == len(stream)
            data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
            self._chunk(f"data: {data}" + ("" if final else end))
        if answer.hang:
            self._until_released()
        self._end(properly=answer.cut is None)

    def _stall(self, stall: Stall, call: Call) -> None:
        if not stall.before_head:
            self._begin()
            if stall.text:
                for event in events(Answer(stall.text, finish=None, usage=None, done=False), call):
                    self._chunk(f"data: {json.dumps(event)}\n\n")
        self._until_released(None if stall.before_head else stall.dribble)
        if stall.then is not None and stall.before_head:
            self._stream(stall.then, call)
        elif stall.before_head:
            self.close_connection = True
        else:
            self._end(properly=False)

    def _until_released(self, dribble: float | None = None) -> None:
        """Wait for `release`, for the client to hang up, or for the end."""
        while not self.server.model.released.wait(dribble or 0.02):
            if dribble:
                self._chunk(": still here\n\n")
            elif self._hung_up():
                return

    def _hung_up(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return False


def _default(call: Call) -> Scripted:
    """Answer without a script: a review that finds nothing and confirms nothing, with thinking before it."""
    texts = {
        "verify": '{"verdicts": []}',
        "tests": "The change needs no further test.",
        "ask": "I have nothing to add: this is a double of the model.",
        "prove": "NONE",
        "fix": '{"edits": []}',
        "reply": '{"answer": "This is a double of the model.", "verdict": "stands", "suggestion": null}',
    }
    return thinks(texts.get(call.task, '{"summary": "Nothing to report.", "findings": []}'))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A double of the model's service, for demonstrations.")
    parser.add_argument("--port", type=int, default=8080)
    model = FakeModel()
    for task in TASKS:
        model.answers(task, _default)
    model.listen(parser.parse_args().port)
    print(f"RUNAPI_BASE_URL={model.base_url} RUNAPI_KEY={model.key}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    model.stop()


if __name__ == "__main__":
    main()
