"""Build the request body of a chat completion, and read the reply from what was streamed back. Makes no call.

https://platform.minimax.io/docs/api-reference/text-openai-api

The body contains nothing that a strict upstream of MiniMax refuses. The text of the messages is kept exactly, except
for invisible characters. Thinking is removed only when the whole text is there, because a tag may be split over chunks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from reviewer.llm.error_mapping import ServiceFault, fault_in, fault_of
from reviewer.llm.errors import (
    BrokenReply,
    ModelError,
    ModelUnavailable,
    RequestRefused,
    UnusableReply,
    unreadable_answer,
)
from reviewer.llm.messages import Prompt, Reply, finish_reason_of, is_sign_of_life
from reviewer.llm.models import Model, planned_tokens
from reviewer.llm.reasoning import answer_at_end, begins_in_reasoning, leak_in, parts_of, strip_reasoning
from reviewer.llm.usage import reported_cached_tokens, reported_thought_tokens, reported_tokens

#: Fields that a service may refuse by name and that a request can omit.
OPTIONAL = ("stream_options", "top_p", "temperature", "max_tokens", "max_completion_tokens")

# MiniMax refuses a prompt with too many invisible characters (code 1042): controls but tab, newline and carriage
# return; soft hyphens, zero-width and bidirectional marks, byte order marks, tag characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")

# MiniMax documents temperature as (0, 1]: 0 is an error there.
_COLDEST, _HOTTEST = 0.01, 1.0
# What MiniMax recommends for the M2 family.
_TOP_P = 0.95

# A reply that was cut at its limit and is shorter than this was only thinking (others measured that no useful one is).
_SHORTEST_CUT_REPLY = 50

_CALLS_A_TOOL = "it calls a tool, but there is none to call."

# The share of the tokens from which on they count as all.
_NEARLY_ALL = 0.95


def without_invisible(text: str) -> str:
    """Return the text without invisible characters; a byte that was not UTF-8 becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))


def request_body(prompt: Prompt, model: Model, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the request as JSON values. `without` names optional fields that the service has refused."""
    limit = min(prompt.max_tokens, model.reply_limit)
    optional: dict[str, Any] = {
        "max_tokens": limit,
        "temperature": min(max(prompt.temperature, _COLDEST), _HOTTEST),
        "top_p": _TOP_P,
        "stream_options": {"include_usage": True},
    }
    if "max_tokens" in without:
        # The newer name of the same field.
        optional["max_completion_tokens"] = limit
    return {
        "model": model.id,
        "messages": [
            {"role": message.role, "content": without_invisible(message.content)} for message in prompt.messages
        ],
        "stream": True,
        **{name: value for name, value in optional.items() if name not in without},
    }


#: Characters of an answer, and of the thinking beside it. No model writes a tenth of that.
LARGEST_TEXT = 4_000_000


class StreamedText:
    """The text of a stream.

    If thinking is sent separately, MiniMax repeats all earlier text in each chunk: then the last piece is the text.
    Pieces that repeat the earlier ones are kept once, so that the memory does not grow with the square of the text.
    """

    def __init__(self, what: str) -> None:
        """Begin with nothing; `what` names the text in errors."""
        self._what = what
        self._clear()

    def _clear(self) -> None:
        self._pieces: list[str] = []
        # While each piece repeats the one before it: only the last, and the lengths of all.
        self._last = ""
        self._lengths: list[int] = []
        self._size = 0

    def add(self, piece: str) -> None:
        """Add the next piece. Raises BrokenReply when the text becomes too large."""
        self._size += len(piece)
        if (self._lengths and piece.startswith(self._last)) or not (self._lengths or self._pieces):
            self._lengths.append(len(piece))
            self._last = piece
        else:
            self._pieces += self._unfolded()
            self._pieces.append(piece)
            self._lengths, self._last = [], ""
        if (len(self._last) if self._repeats() else self._size) > LARGEST_TEXT:
            raise unreadable_answer(f"{self._what} has more than {LARGEST_TEXT:,} characters")

    def replace(self, text: str) -> None:
        """Take that text in place of what was received."""
        self._clear()
        self.add(text)

    def __bool__(self) -> bool:
        """Whether anything was received."""
        return bool(self._lengths or self._pieces)

    def __str__(self) -> str:
        """Return the text so far."""
        return self._last if self._repeats() else "".join(self._pieces or self._unfolded())

    def _repeats(self) -> bool:
        return len(self._lengths) > 1 and len(self._last) > self._lengths[0]

    def _unfolded(self) -> list[str]:
        if sum(self._lengths) > LARGEST_TEXT:
            raise unreadable_answer(f"{self._what} has more than {LARGEST_TEXT:,} characters")
        return [self._last[:length] for length in self._lengths]


class Completion:
    """One answer, put together from the events of the stream.

    `fault` is the error if the answer is one; `finish_reason` is None until the model finished. `usage` are the
    reported tokens of prompt and completion, None if nothing credible was reported, `thought_tokens` those of the
    thinking, `cached_tokens` those of the prompt that came from its cache. `model` is the id that the service names.
    """

    def __init__(self, on_begin: Callable[[], object] | None = None) -> None:
        """Begin with nothing received; `on_begin` is called when the model has written something."""
        self._on_begin = on_begin
        self.fault: ServiceFault | None = None
        self.finish_reason: str | None = None
        self.usage: tuple[int, int] | None = None
        self.thought_tokens = 0
        self.cached_tokens = 0
        self.model = ""
        self.done = False
        self.calls_tools = False
        self._content = StreamedText("its text")
        self._thinking = StreamedText("its thinking")

    @property
    def content(self) -> str:
        """The assistant message as received, including thinking if the service leaves it there."""
        return str(self._content)

    @property
    def thinking(self) -> str:
        """The thinking that was sent separately from the content."""
        return str(self._thinking)

    @property
    def begun(self) -> bool:
        """Whether the model wrote anything, thinking included."""
        return bool(self._content or self._thinking)

    def estimated_tokens(self) -> int:
        """Estimate the tokens written so far."""
        return planned_tokens(self.content) + planned_tokens(self.thinking)

    def feed(self, data: str) -> None:
        """Add the data of one event of the stream. Raises BrokenReply when the answer becomes too large."""
        if is_sign_of_life(data):
            return
        if data.strip().upper() == "[DONE]":
            self.done = True
            return
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            self.fault = ServiceFault(200, "an event that is not JSON")
            return
        self._take(value)
        if self._on_begin is not None and self.begun:
            self._on_begin()

    def feed_body(self, data: bytes) -> None:
        """Add an answer that was sent whole instead of as a stream."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            self.fault = fault_of(200, data)
            return
        self._take(value)
        if self.fault is None and not self.begun and self.finish_reason is None:
            self.fault = fault_of(200, data)
        elif self.finish_reason is None:
            # This is the whole body, so nothing can be missing.
            self.finish_reason = "stop"

    def _take(self, value: Any) -> None:
        self.fault = self.fault or fault_in(value)
        if self.fault or not isinstance(value, dict):
            return
        if isinstance(value.get("model"), str):
            self.model = value["model"] or self.model
        self.usage = reported_tokens(value.get("usage")) or self.usage
        self.cached_tokens = reported_cached_tokens(value.get("usage")) or self.cached_tokens
        self.thought_tokens = reported_thought_tokens(value.get("usage")) or self.thought_tokens
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in {None, 0}:
                self._take_choice(choice)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        # OpenRouter reports a failure of the host behind it within the choice.
        self.fault = self.fault or fault_in({"error": choice.get("error")})
        if isinstance(choice.get("finish_reason"), str):
            self.finish_reason = finish_reason_of(choice["finish_reason"]) or self.finish_reason
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            text, thought = parts_of(delta)
            if text:
                self._content.add(text)
            if thought:
                self._thinking.add(thought)
            self.calls_tools = self.calls_tools or bool(delta.get("tool_calls"))
        if isinstance(message, dict):
            # A message is the whole text, also at the end of a stream of deltas.
            text, thought = parts_of(message)
            if text:
                self._content.replace(text)
            if thought:
                self._thinking.replace(thought)
            self.calls_tools = self.calls_tools or bool(message.get("tool_calls"))


def read_reply(completion: Completion, prompt: Prompt) -> Reply:
    """Return the reply of a complete answer without fault; its attempts are still empty.

    Raises ModelUnavailable (cut, or nothing at all), RequestRefused (content filter), and BrokenReply for what the
    model wrote instead of an answer: a call of a tool, only thinking, the end of a sentence begun while thinking.
    """
    reason = completion.finish_reason
    if reason is None or reason == "error":
        raise ModelUnavailable("The model's answer ended too early. Try again later.")
    if reason == "content_filter":
        raise RequestRefused(
            "The service's content filter withheld the answer. This part of the change was not reviewed."
        )
    content, thinking = completion.content, completion.thinking
    text = strip_reasoning(content, separate=bool(thinking))
    if completion.calls_tools or reason in {"tool_calls", "function_call"}:
        raise _unusable(completion, "it calls a tool, but none was offered", text=text, raw=text)
    if (leak := leak_in(text, [message.content for message in prompt.messages])) is not None:
        before = text[: leak.start()].rstrip()
        # The mark itself is not repeated to the model.
        unusable = UnusableReply(_CALLS_A_TOOL, text=before, raw=before, model=completion.model)
        raise unreadable_answer(f"a tool call leaked into its text ({leak[0]})", unusable)
    if reason == "length" and len(text) < _SHORTEST_CUT_REPLY:
        raise _ran_out(completion, prompt, text)
    if not any(character.isalnum() or character in "[]{}" for character in text):
        raise _empty(completion)
    if begins_in_reasoning(content, text, thinking):
        raise _unusable(completion, "its answer begins before the end of its thinking", raw=text)
    return Reply(text, raw=content, model=completion.model, finish_reason=reason)


def _unusable(completion: Completion, why: str, *, text: str = "", raw: str = "") -> BrokenReply:
    return unreadable_answer(why, UnusableReply(f"{why}.", text=text, raw=raw, model=completion.model))


def _ran_out(completion: Completion, prompt: Prompt, text: str) -> BrokenReply:
    """Return the error for an answer whose tokens ended before it began: for thinking, where the usage says so."""
    written = completion.usage[1] if completion.usage else 0
    thought = max(completion.thought_tokens, written if written >= _NEARLY_ALL * prompt.max_tokens else 0)
    if thought and thought >= _NEARLY_ALL * written:
        why = f"it used up its {written:,} tokens for thinking and did not answer"
    else:
        why = f"it was cut off{f' after {written:,} tokens' if written else ''} before its answer began"
    problem = f"{why}: think in a few sentences only."
    return unreadable_answer(why, UnusableReply(problem, text=text, model=completion.model, ran_out=True))


def _empty(completion: Completion) -> ModelError:
    """Return the error for an answer without text: of the model, where it wrote anything, else of the service."""
    if completion.begun or (completion.usage is not None and completion.usage[1]):
        answer = answer_at_end(completion.thinking) if completion.finish_reason == "stop" else ""
        return _unusable(completion, "it is empty: the model thought but did not answer", text=answer)
    return ModelUnavailable("The model's answer is empty. Try again later.")
