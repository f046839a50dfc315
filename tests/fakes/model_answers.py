"""What the model's double can answer: completions with every quirk of MiniMax, every error envelope, stalls.

Values, and how they look as events of a stream. `tests.fakes.model` serves them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a completion, and when it arrived (monotonic seconds)."""

    task: str
    qualifier: str
    model: str
    messages: tuple[tuple[str, str], ...]
    body: dict[str, Any]
    headers: dict[str, str]
    at: float

    @property
    def system(self) -> str:
        return self.messages[0][1]

    @property
    def user(self) -> str:
        return "\n".join(content for role, content in self.messages if role == "user")


def contented(call: Call, earlier: Iterable[Call]) -> str | None:
    """Return the answer of a model that has nothing to object to, to the questions that few tests are about.

    The editor leaves order and severity as they are; every expectation of a suggested test is what is promised.
    None where the question has no reason: an editor's with fewer than two findings, or about the expectations of tests
    that were never asked for, or one that was asked before, word for word.
    """
    before = list(earlier)
    if any(one.messages == call.messages for one in before):
        return None
    shown = call.messages[-1][1]
    if call.task == "edit":
        return '{"findings": []}' if len(re.findall(r"^## Finding \d+", shown, re.MULTILINE)) >= 2 else None
    if (call.task, call.qualifier) == ("verify", "expectations"):
        claims = shown.count("\n## Claim ")
        if not claims or not any(one.task == "tests" for one in before):
            return None
        verdicts = [{"id": n, "verdict": "confirmed", "reason": "It is promised."} for n in range(1, claims + 1)]
        return json.dumps({"verdicts": verdicts})
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion under HTTP 200.

    `text` is the content exactly as it is sent; see `thinks` for its think blocks. `thinking` goes beside it, in
    `thinking_field` (`reasoning_content`, `reasoning`, `reasoning_details`); `cumulative` repeats the text so far in
    each chunk, as MiniMax does then. `usage` is (prompt, completion) tokens, None leaves it out, `counted` by default.
    `piece` is the size of a chunk in characters. `stream=False` is plain JSON. `finish=None` never finishes;
    `cut` closes the connection after that many characters. `last` is sent as one more event, an error for example.
    `latency` before the answer and `pause` before each event are in seconds.
    `unterminated` leaves out the blank line behind the last event. `hang` keeps the
    connection open after it until it is released or hung up.
    """

    text: str
    thinking: str = ""
    thinking_field: str = "reasoning_content"
    cumulative: bool = False
    finish: str | None = "stop"
    usage: tuple[int, int] | str | None = "counted"
    piece: int = 24
    stream: bool = True
    done: bool = True
    cut: int | None = None
    last: Any = None
    newline: str = "\n"
    comments: int = 0
    oddities: bool = False
    whole_message: bool = False
    served: str = ""
    content_type: str = "text/event-stream"
    latency: float = 0.0
    pause: float = 0.0
    unterminated: bool = False
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Any other answer: a status and a body, sent as it is."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Stall:
    """Sends `text` as a stream and then nothing, or with `dribble` a comment every so many seconds, until released."""

    text: str = ""
    dribble: float | None = None
    before_head: bool = False
    then: Answer | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection without an answer."""


Behaviour = Answer | Failure | Stall | Reset
Scripted = str | Behaviour


def error(status: int, message: str, kind: str = "api_error", **headers: str) -> Failure:
    """MiniMax's envelope of an HTTP error; headers as keywords: `retry_after="3"`."""
    value = {
        "type": "error",
        "error": {"type": kind, "message": message, "http_code": str(status)},
        "request_id": "0593",
    }
    named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Failure(status, json.dumps(value), headers=named)


def openai_error(status: int, message: str, **more: Any) -> Failure:
    """OpenAI's envelope of an error."""
    return Failure(status, json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}}))


def base_resp(code: int, message: str, status: int = 200) -> Failure:
    """MiniMax's other envelope: an error under HTTP 200 and no choices."""
    return Failure(status, json.dumps({"choices": None, "base_resp": {"status_code": code, "status_msg": message}}))


def page(status: int, title: str = "Bad gateway") -> Failure:
    """Answer with a web page, as a proxy in between does."""
    return Failure(status, f"<!DOCTYPE html><html><head><title>{title}</title></head></html>", "text/html")


def thinks(answer: str, thought: str = "Let me see.\nDone.", form: str = "whole") -> str:
    """Put thinking before an answer, in one of the forms that hosts use."""
    return {
        "whole": f"<think>\n{thought}\n</think>\n\n{answer}",
        "unopened": f"{thought}\n</think>\n\n{answer}",
        "unclosed": f"<think>\n{thought}\n{answer}",
        "twice": f"<think>{thought}</think>\n<think>{thought}</think>{answer}",
        "inline": f"{thought}</think>{answer}",
    }[form]


def fenced(text: str, language: str = "json") -> str:
    """Put text in a Markdown fence, as the model does although the prompt forbids it."""
    return f"```{language}\n{text}\n```"


def in_prose(text: str) -> str:
    """Put text between sentences."""
    return f"Here is the review you asked for:\n\n{text}\n\nNote: I looked at the changed lines only."


def events(answer: Answer, call: Call) -> Iterator[Any]:
    """Yield the events of a streamed answer: JSON values, and `[DONE]`."""
    frame = _frame(answer, call, "chat.completion.chunk")
    if answer.oddities:
        yield {**frame, "choices": None}
        yield {**frame, "choices": []}
    for delta in _deltas(answer):
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    if answer.cut is not None:
        return
    if answer.last is not None:
        yield answer.last
        return
    if answer.finish is not None:
        end: dict[str, Any] = {"index": 0, "delta": None if answer.oddities else {}, "finish_reason": answer.finish}
        if answer.whole_message:
            end["message"] = {"role": "assistant", "content": answer.text}
        yield {**frame, "choices": [end]}
    if (usage := _usage(answer, call)) is not None:
        yield {**frame, "choices": [], "usage": usage}
    if answer.done:
        yield "[DONE]"


def _deltas(answer: Answer) -> Iterator[dict[str, Any]]:
    shared = {"role": "" if answer.oddities else "assistant", "name": "MiniMax AI", "audio_content": ""}
    for so_far, piece in _pieces(answer.thinking, answer.piece):
        text = so_far if answer.cumulative else piece
        if answer.thinking_field == "reasoning_details":
            details = [{"type": "reasoning.text", "id": "r-1", "index": 0, "text": text}]
            yield {**shared, "content": "", "reasoning_details": details}
        else:
            yield {**shared, "content": None, answer.thinking_field: text}
    for so_far, piece in _pieces(answer.text[: answer.cut], answer.piece):
        yield {**shared, "content": so_far if answer.cumulative else piece}


def _pieces(text: str, size: int) -> Iterator[tuple[str, str]]:
    for start in range(0, len(text), size):
        yield text[: start + size], text[start : start + size]


def whole(answer: Answer, call: Call) -> dict[str, Any]:
    """Return the answer as one JSON value, as without streaming."""
    message = {"role": "assistant", "content": answer.text, "name": "MiniMax AI", "audio_content": ""}
    if answer.thinking:
        message[answer.thinking_field] = answer.thinking
    value = _frame(answer, call, "chat.completion")
    value["choices"] = [{"index": 0, "finish_reason": answer.finish, "message": message}]
    value["usage"] = _usage(answer, call)
    value["base_resp"] = {"status_code": 0, "status_msg": ""}
    return value


def _frame(answer: Answer, call: Call, kind: str) -> dict[str, Any]:
    return {
        "id": "0593-double",
        "created": 1_790_000_000,
        "model": answer.served or call.model,
        "object": kind,
        "usage": None,
        "input_sensitive": False,
        "output_sensitive": False,
    }


def _usage(answer: Answer, call: Call) -> dict[str, Any] | None:
    if answer.usage is None:
        return None
    if isinstance(answer.usage, str):
        sent = sum(len(content.encode()) for _, content in call.messages) * 10 // 36 + 1
        written = len((answer.thinking + answer.text).encode()) * 10 // 36 + 1
    else:
        sent, written = answer.usage
    return {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written, "total_characters": 0}
