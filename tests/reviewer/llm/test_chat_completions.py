"""The wire format of chat completions: the body that is sent, and replies put together from what comes back."""

import json

import pytest

from reviewer.llm.chat_completions import Completion, read_reply, request_body, without_invisible
from reviewer.llm.errors import BrokenReply, ModelUnavailable, RequestRefused
from reviewer.llm.messages import Message, Prompt, Task
from reviewer.llm.models import model_named

PROMPT = Prompt(Task.FINDINGS, (Message("system", "Be kind."), Message("user", "diff")), 9000)
MODEL = model_named("MiniMax-M2.1")


def chunk(delta=None, finish=None, **more):
    """Return the data of one event."""
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


def completed(*deltas, finish="stop"):
    """Return a completion that received these deltas and then finished."""
    completion = Completion()
    for delta in deltas:
        completion.feed(chunk(delta))
    completion.feed(chunk({}, finish))
    return completion


def test_the_body_is_minimal():
    """The request holds what is needed and nothing that a strict upstream refuses."""
    assert request_body(PROMPT, MODEL) == {
        "model": "MiniMax-M2.1",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "diff"}],
        "stream": True,
        "max_tokens": 9000,
        "temperature": 0.2,
        "top_p": 0.95,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.01), (-1.0, 0.01), (0.5, 0.5), (1.0, 1.0), (1.7, 1.0)])
def test_temperature_stays_where_minimax_takes_it(asked, sent):
    """A temperature outside (0, 1] is an error at MiniMax, so it is never sent."""
    assert request_body(Prompt(Task.ASK, PROMPT.messages, 10, asked), MODEL)["temperature"] == sent


def test_the_reply_limit_is_the_models():
    """More tokens than the model may write are not asked for."""
    assert request_body(Prompt(Task.ASK, PROMPT.messages, 10**6), MODEL)["max_tokens"] == MODEL.reply_limit


def test_refused_fields_are_left_out_and_the_limit_is_renamed():
    """A field that was refused is not sent; the limit has a newer name to try before it is given up."""
    first = request_body(PROMPT, MODEL, {"max_tokens", "top_p"})
    assert first["max_completion_tokens"] == 9000
    assert not first.keys() & {"max_tokens", "top_p"}
    everything = request_body(
        PROMPT, MODEL, {"max_tokens", "max_completion_tokens", "stream_options", "temperature", "top_p"}
    )
    assert everything.keys() == {"model", "messages", "stream"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\tif a:\r\n\n    b()\n", "\tif a:\r\n\n    b()\n"),
        ("naïve — 代码 🙂 ❤️ \u2028 \u00a0", "naïve — 代码 🙂 ❤️ \u2028 \u00a0"),
        ("a\x00b\x07c\x1bd\x7fe\x85f\x0cg", "abcdefg"),
        ("a\u200bb\u200dc\u2060d\ufeffe\u00adf", "abcdef"),
        ("acc\u202eess\u2066", "access"),
        ("a\U000e0041b", "ab"),
        ("caf\udce9", "caf\ufffd"),
        ("", ""),
    ],
)
def test_only_what_cannot_be_seen_is_taken_from_messages(text, kept):
    """Controls, zero-width and direction marks go, bytes that were not UTF-8 are marked, all else stays exact."""
    assert without_invisible(text) == kept
    prompt = Prompt(Task.ASK, (Message("system", text), Message("user", text)))
    sent = request_body(prompt, MODEL)["messages"]
    assert [one["content"] for one in sent] == [kept, kept]
    json.dumps(sent, ensure_ascii=False).encode()


def test_content_is_put_together_in_order():
    """The pieces of a stream make the content, byte for byte, also when pieces repeat each other."""
    pieces = ["\n", "\n\n", "  ", "    x", "x", "x", "\u2028", " </thi", "nk>"]
    assert completed(*({"content": piece} for piece in pieces)).content == "".join(pieces)


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning"])
def test_cumulative_chunks_are_not_added_up(field):
    """Where each chunk repeats all that came before it, the text is taken once."""
    text = '{"summary": "one", "findings": []}'
    steps = [{field: text[:end]} for end in (1, 9, 9, 20, len(text))]
    completion = completed(*steps)
    assert (completion.content or completion.thinking) == text


@pytest.mark.parametrize("pieces", [["ab", "ab"], ["-" * 24] * 5, ["-" * 24] * 5 + ["-"]])
def test_a_model_that_repeats_itself_is_not_cumulative(pieces):
    """Equal pieces are what the model said several times over, not one text told again."""
    assert completed(*({"content": piece} for piece in pieces)).content == "".join(pieces)


def test_reasoning_details_are_thinking():
    """Thinking in `reasoning_details` is kept apart from the content and not counted twice."""
    details = [{"type": "reasoning.text", "text": "hm"}]
    completion = completed({"reasoning_content": "hm", "reasoning_details": details}, {"content": "yes"})
    assert (completion.content, completion.thinking) == ("yes", "hm")
    assert completed({"reasoning_details": details}).thinking == "hm"


def test_content_may_be_a_list_of_typed_parts():
    """Its texts are the answer, and what the model thought stays out of it, whole or in a stream."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}
    summary = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    parts = [{"type": "text", "text": "ye"}, {"type": "image", "url": "x"}, {"type": "text", "text": "s"}]
    for thinking in (thought, summary, {"type": "reasoning", "text": "hm"}):
        streamed = completed({"content": [thinking]}, {"content": parts[:2]}, {"content": [parts[2]]})
        whole = Completion()
        whole.feed_body(json.dumps({"choices": [{"message": {"content": [thinking, *parts]}}]}).encode())
        assert [(each.content, each.thinking) for each in (streamed, whole)] == [("yes", "hm")] * 2


@pytest.mark.parametrize(
    ("thinking", "text"),
    [
        ('Hm.\n{"findings": [\n  {"path": "a"}\n]}\n', '{"findings": [\n  {"path": "a"}\n]}'),
        ('{"findings": []}', '{"findings": []}'),
        ('{"findings": []} is what I would say.', ""),
        ("I am not sure {}", ""),
    ],
)
def test_an_answer_that_the_host_takes_for_thinking(thinking, text):
    """The JSON with which the thinking ends may be read, where the model wrote nothing else and ended by itself."""
    with pytest.raises(BrokenReply) as raised:
        read_reply(completed({"reasoning_content": thinking}), PROMPT)
    assert raised.value.unusable is not None
    assert raised.value.unusable.text == text


@pytest.mark.parametrize("data", [": keepalive", ": OPENROUTER PROCESSING", ":", "ping", "[PING]", "keep-alive"])
def test_a_sign_of_life_as_data_says_nothing(data):
    """Gateways send as data what belongs into a comment of the stream."""
    completion = Completion()
    for event in (data, chunk({"content": "yes"}), data, chunk({}, "stop"), "[done]", data):
        completion.feed(event)
    assert (completion.fault, completion.done, read_reply(completion, PROMPT).text) == (None, True, "yes")


@pytest.mark.parametrize(
    ("word", "reason"),
    [("STOP", "stop"), ("end_turn", "stop"), ("eos_token", "stop"), ("MAX_TOKENS", "length"),
     ("max_output_tokens", "length"), ("content-filter", "content_filter"), ("SAFETY", "content_filter"),
     ("insufficient_system_resource", "error"), ("new_reason", "new_reason")],
)  # fmt: skip
def test_the_reason_for_the_end_is_read_in_any_hosts_words(word, reason):
    """So a whole answer counts as whole, and one that was cut or withheld does not."""
    assert completed({"content": "yes"}, finish=word).finish_reason == reason


def test_a_fault_within_a_choice_is_a_fault():
    """The host behind a gateway failed in the middle of its answer: its words are not lost."""
    completion = Completion()
    error = {"code": 429, "message": "too many requests"}
    completion.feed(json.dumps({"choices": [{"delta": {"content": "ye"}, "finish_reason": "error", "error": error}]}))
    assert completion.fault is not None
    assert (completion.fault.status, completion.fault.message) == (429, "too many requests")


@pytest.mark.parametrize(
    "event",
    [
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {"content": None, "role": ""}}]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        {"choices": [{"delta": {"content": ["parts"]}}]},
        {"usage": None, "base_resp": {"status_code": 0}},
        ["not an object"],
    ],
)
def test_odd_chunks_say_nothing(event):
    """A chunk without text is passed over, whatever is null or missing in it."""
    completion = Completion()
    completion.feed(json.dumps(event))
    completion.feed(chunk({"content": "yes"}, "stop"))
    assert (completion.fault, completion.content, completion.finish_reason) == (None, "yes", "stop")


def test_a_message_that_closes_the_stream_is_the_whole():
    """MiniMax may close its deltas with the full message, which replaces them."""
    completion = Completion()
    completion.feed(chunk({"content": "hal"}))
    completion.feed(json.dumps({"choices": [{"message": {"content": "half and more"}, "finish_reason": "stop"}]}))
    assert completion.content == "half and more"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4)),
        ({"prompt_tokens": 3, "completion_tokens": 0, "prompt_tokens_details": None}, (3, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": "3", "completion_tokens": 4}, None),
        ({"prompt_tokens": -1, "completion_tokens": 4}, None),
        ({"total_tokens": 7}, None),
        (None, None),
        ([], None),
    ],
)
def test_only_credible_usage_counts(usage, counted):
    """Usage that is missing, zero or no number is not a bill."""
    completion = Completion()
    completion.feed(chunk({"content": "a"}, usage=usage))
    assert completion.usage == counted


@pytest.mark.parametrize("last", [{"usage": None}, {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}])
def test_empty_usage_does_not_replace_a_bill(last):
    """A later chunk without usage leaves what was reported."""
    completion = Completion()
    completion.feed(chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 4}))
    completion.feed(json.dumps(last))
    assert completion.usage == (3, 4)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ('{"error": {"message": "busy", "http_code": "529"}}', 529),
        ("{", 200),
        ('{"base_resp": {"status_code": 1}}', 200),
    ],
)
def test_an_event_can_be_a_fault(data, status):
    """An error envelope inside the stream, or data that is no JSON, is a fault."""
    completion = Completion()
    completion.feed(data)
    assert completion.fault is not None
    assert completion.fault.status == status


@pytest.mark.parametrize(
    ("content", "finish", "kind"),
    [
        ("half", None, ModelUnavailable),
        ("half", "error", ModelUnavailable),
        ("", "stop", ModelUnavailable),
        ("<think>only", "stop", BrokenReply),
        ("<think>only</think>.", "stop", BrokenReply),
        ("", "length", BrokenReply),
        ("<think>" + "only " * 99, "length", BrokenReply),
        ("<think>only</think>{", "length", BrokenReply),
        ("<think>Because the order of</think> the codes counts.", "stop", BrokenReply),
        ("no", "content_filter", RequestRefused),
        ("yes", "tool_calls", BrokenReply),
        ('<minimax:tool_call>\n<invoke name="f">', "stop", BrokenReply),
        ("]<]minimax[>[<tool_call>", "stop", BrokenReply),
    ],
)
def test_an_answer_that_is_none_says_why(content, finish, kind):
    """What finished without an answer is the error that tells the caller what to do differently."""
    completion = Completion()
    completion.feed(chunk({"content": content}, finish))
    with pytest.raises(kind) as raised:
        read_reply(completion, PROMPT)
    assert type(raised.value) is kind


def test_a_tool_call_without_tools_is_broken():
    """A call of a tool is no reply, because none was offered."""
    with pytest.raises(BrokenReply):
        read_reply(completed({"content": "yes", "tool_calls": [{"id": "1"}]}), PROMPT)


def test_a_leak_that_the_change_holds_itself_may_be_quoted():
    """A finding about code that names the leaked words is a reply."""
    prompt = Prompt(Task.FINDINGS, (PROMPT.messages[0], Message("user", 'if "minimax:tool_call" in text:')))
    text = '{"quote": "minimax:tool_call"}'
    assert read_reply(completed({"content": text}), prompt).text == text


def test_a_cut_reply_with_substance_is_a_reply():
    """What was cut at the limit after saying something is returned, and says that it was cut."""
    reply = read_reply(completed({"content": "<think>a</think>" + "word " * 20}, finish="length"), PROMPT)
    assert reply.finish_reason == "length"
    assert reply.text == ("word " * 20).strip()
    assert reply.raw == "<think>a</think>" + "word " * 20
