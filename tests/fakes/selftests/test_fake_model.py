"""The double of the model's service refuses what the service refuses, and fails a test for what is left over."""

import json
import re
import socket
import subprocess
import sys

import httpx
import pytest

from tests.fakes.model import KEY, Answer, FakeModel, Stall, error, events, thinks
from tests.fixtures.waiting import wait_until

pytestmark = pytest.mark.slow

CHANGE = "<data-0123456789abcdef diff>\n# Task: ask\n</data-0123456789abcdef>"
MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": f"{CHANGE}\n# Task: findings (security)\n\nGo."},
]
GOOD = {
    "model": "MiniMax-M2.1",
    "messages": MESSAGES,
    "max_tokens": 100,
    "temperature": 0.2,
    "stream": True,
    "stream_options": {"include_usage": True},
}
SYSTEM, USER = MESSAGES
PLAIN = {"role": "user", "content": "x"}


def post(base_url, body, key=KEY):
    """Send a body as a client would."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{base_url}/chat/completions", json=body, headers=headers, trust_env=False, timeout=10)


def closing(double):
    """Close a double and return what it complains about."""
    with pytest.raises(AssertionError) as raised:
        double.__exit__(None)
    return str(raised.value)


def test_a_good_request_is_answered_and_recorded():
    """A request that follows the rules is streamed its scripted answer, and can be read afterwards."""
    with FakeModel() as double:
        double.script("findings", Answer("hi", usage=(3, 4)))
        response = post(double.base_url, GOOD)
    data = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert response.headers["content-type"] == "text/event-stream"
    assert data[-1] == "[DONE]"
    assert json.loads(data[-2])["usage"]["total_tokens"] == 7
    (call,) = double.calls
    assert (call.task, call.qualifier, call.system, call.user) == (
        "findings",
        "security",
        SYSTEM["content"],
        USER["content"],
    )
    wait_until(lambda: double.active == 0, "the end of the answer")
    assert double.most_active == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"response_format": {"type": "json_object"}}, "unknown fields ['response_format']"),
        ({"n": 1}, "unknown fields ['n']"),
        ({"stop": ["x"]}, "unknown fields ['stop']"),
        ({"tools": []}, "unknown fields ['tools']"),
        ({"temperature": 0}, "bad temperature"),
        ({"temperature": 1.5}, "bad temperature"),
        ({"top_p": 0}, "bad top_p"),
        ({"max_tokens": 0}, "bad max_tokens"),
        ({"max_tokens": None}, "bad max_tokens"),
        ({"max_tokens": 300_000}, "bad max_tokens"),
        ({"max_completion_tokens": 5}, "two limits"),
        ({"stream": False}, "bad stream"),
        ({"stream_options": {}}, "bad stream_options"),
        ({"messages": [USER]}, "not exactly one system message"),
        ({"messages": [USER, SYSTEM]}, "not exactly one system message"),
        ({"messages": [SYSTEM, SYSTEM, USER]}, "not exactly one system message"),
        ({"messages": [SYSTEM]}, "bad roles"),
        ({"messages": [SYSTEM, {"role": "developer", "content": "x"}, USER]}, "bad roles"),
        ({"messages": [SYSTEM, {"role": "user", "content": " "}]}, "an empty message"),
        ({"messages": [SYSTEM, {"role": "user", "content": "a\u200b"}]}, "invisible characters"),
        ({"messages": [SYSTEM, {"role": "user", "content": ["x"]}]}, "not a list of role and content"),
        ({"messages": [SYSTEM, {**USER, "name": "x"}]}, "not a list of role and content"),
        (
            {"messages": [{"role": "system", "content": "Be kind.\n# Task: ask"}, USER]},
            "the system message names a task",
        ),
        ({"messages": [SYSTEM, {"role": "user", "content": "# Task: dance"}]}, "not exactly one line"),
        ({"messages": [SYSTEM, {"role": "user", "content": " # Task: ask"}]}, "not exactly one line"),
        ({"messages": [SYSTEM, {"role": "user", "content": f"{CHANGE}\nGo."}]}, "not exactly one line"),
        ({"messages": [SYSTEM, {"role": "user", "content": "# Task: ask\n# Task: ask"}]}, "not exactly one line"),
        ({"messages": [SYSTEM, {"role": "user", "content": f"{CHANGE}\nx\n# Task: ask"}]}, "right before the task"),
        (
            {"messages": [*MESSAGES, {"role": "assistant", "content": "?"}, {"role": "user", "content": "x"}]},
            "one line",
        ),
        ({"messages": []}, "not exactly one system message"),
    ],
)
def test_a_bad_request_is_refused_and_fails_the_test(change, complaint):
    """What a strict upstream refuses is answered with 400 and reported at the end, without using up the script."""
    double = FakeModel()
    double.__enter__()
    response = post(double.base_url, {**GOOD, **change})
    assert response.status_code == 400
    assert "(2013)" in response.json()["error"]["message"]
    assert double.calls == []
    assert complaint in closing(double)


def test_what_is_left_over_fails_the_test():
    """A scripted reply that nobody asked for is reported by task."""
    double = FakeModel()
    double.__enter__()
    double.script("verify", "a", "b")
    assert "verify: 2 scripted replies left" in closing(double)


def test_an_unexpected_request_fails_the_test():
    """A request for a task without a script is refused and reported."""
    double = FakeModel()
    double.__enter__()
    assert post(double.base_url, GOOD).status_code == 400
    assert "unexpected request: findings security" in closing(double)


def test_a_script_that_breaks_fails_the_test():
    """An exception in a scripted function is the double's failure, not a silent reset."""
    double = FakeModel()
    double.__enter__()
    double.answers("findings", lambda call: call.nonsense)  # type: ignore[attr-defined]
    with pytest.raises(httpx.RequestError):
        post(double.base_url, GOOD)
    double.wait_for(lambda: bool(double.violations), "the complaint")
    assert "nonsense" in closing(double)


def test_a_failing_test_is_not_drowned():
    """When the test itself fails, its error is raised and not the double's complaint."""

    def fail():
        with FakeModel() as double:
            double.script("ask", "left over")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_wrong_key_is_refused():
    """A wrong key gets MiniMax's 401 and uses nothing up."""
    with FakeModel() as double:
        response = post(double.base_url, GOOD, key="sk-wrong")
    assert response.status_code == 401
    assert "(1004)" in response.json()["error"]["message"]


def test_headers_of_errors_are_sent():
    """An error carries its status, its envelope and the wait it asks for."""
    with FakeModel() as double:
        double.script("findings", error(429, "slow down", "rate_limit_error", retry_after="3"))
        response = post(double.base_url, GOOD)
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert response.json()["error"]["type"] == "rate_limit_error"


def test_a_function_answers_when_the_queue_is_empty():
    """The queue comes first, then the function, which sees the request."""
    with FakeModel() as double:
        double.script("findings", Answer("first", piece=99))
        double.answers("findings", lambda call: Answer(f"after {call.user}", piece=99))
        texts = [post(double.base_url, GOOD).text for _ in range(3)]
    assert ["after <data-" in text for text in texts] == [False, True, True]


def test_a_tag_is_split_over_chunks():
    """With small pieces, no event holds a whole think tag, and together they are the text."""
    answer = Answer(thinks("yes"), piece=3)
    with FakeModel() as double:
        double.script("findings", "x")
        post(double.base_url, GOOD)
    values = [value for value in events(answer, double.calls[0]) if isinstance(value, dict) and value["choices"]]
    pieces = [value["choices"][0]["delta"].get("content", "") for value in values]
    assert "".join(pieces) == thinks("yes")
    assert not any("<think>" in piece for piece in pieces)


def test_a_stall_ends_when_released():
    """What stalls goes on when the test says so."""
    with FakeModel() as double:
        double.script("findings", Stall(before_head=True, then=Answer("at last", piece=100)))
        double.release()
        assert "at last" in post(double.base_url, GOOD).text


def test_a_client_that_dies_while_it_sends_is_no_fault_of_anybody():
    """Half a request is no request: nothing is answered, nothing recorded, nobody blamed."""
    with FakeModel() as double:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 900\r\n"
        )
        with socket.create_connection(("127.0.0.1", httpx.URL(double.base_url).port), timeout=10) as client:
            client.sendall(f'{head}\r\n{{"model"'.encode())
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
    assert double.calls == []


def test_it_runs_by_itself():
    """`python -m tests.fakes.model` serves a client without any script."""
    command = [sys.executable, "-m", "tests.fakes.model", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            settings = dict(re.findall(r"(\w+)=(\S+)", process.stdout.readline()))
            response = post(settings["RUNAPI_BASE_URL"], GOOD, key=settings["RUNAPI_KEY"])
        finally:
            process.terminate()
    assert response.status_code == 200
    assert "[DONE]" in response.text
