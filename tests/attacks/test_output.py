"""Text of the model and of strangers on its way out: to terminals, runners, annotations, logs and error messages."""

from __future__ import annotations

import base64
import json
import logging
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from reviewer.cli import console
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Category, Finding, Review
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.error_mapping import RequestDescription, explain, fault_of
from reviewer.output.formats import FORMATS
from reviewer.safety.key_echo import without_key
from reviewer.safety.shortening import shorten_words
from reviewer.safety.terminal import json_safe, line_safe
from webhooks.action.workflow_commands import annotation_commands, command
from webhooks.publishing.checks import annotations_of
from webhooks.telemetry.logs import Fields

TOKEN = "ghp_" + "a1B2c3D4e" * 4
DIFF = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n")
ATTACKS = {
    "escape": "x\x1b[2J\x1b]0;title\x07",
    "C1 escape": "x\x9b2J",
    "carriage return": "good\rbad",
    "direction": "x\u202eflipped",
    "zero width": "x\u200by",
    "tag characters": "x\U000e0041",
    "command": "::error::forged",
    "command on a line": "x\n::set-output name=a::b",
    "indented command": "x\n  \t::add-mask::b",
    "old command": "x ##[error]forged",
    "line separator": "x\u2028::error::forged",
    "marker": "<!-- reviewer:summary v1 -->",
    "secret": f"key {TOKEN}",
}


def finding(text: str) -> Finding:
    """Return a finding whose title and body are the text."""
    anchor = DIFF.anchor("a.py", 1)
    assert anchor is not None
    return Finding(anchor, Severity.ERROR, Category.BUG, text, text, "b", Confidence.HIGH, "0" * 16)


def is_calm(shown: str) -> bool:
    """Whether a terminal shows the text and does nothing else."""
    return all(char.isprintable() or char in "\n\t" for char in shown)


def commands(shown: str) -> list[str]:
    """Return the lines that a runner would obey: https://github.com/actions/runner, ActionCommand.cs."""
    return [line for line in shown.replace("\r", "\n").split("\n") if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_line_of_progress_or_an_error_is_only_shown(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys of settings, ids of models and messages of services stand in it."""
    console.say(f"reviewer: unknown key {attack}")
    console.print_line(attack)
    out, err = capsys.readouterr()
    assert is_calm(out + err)
    assert commands(out) == commands(err) == []
    assert line_safe(line_safe(attack)) == line_safe(attack)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_review_printed_in_a_workflow_gives_no_commands(
    form: str, attack: str, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON stays JSON with the same meaning."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    review = Review(summary=attack, findings=(finding(attack),), notes=(attack,))
    console.write_review(review, DIFF, form=form, output=None)
    sys.stdout.flush()
    shown = capfdbinary.readouterr().out.decode()
    assert is_calm(shown)
    if not FORMATS[form].for_people:
        assert commands(shown) == []
        json.loads(shown)
    else:
        found = commands(shown)
        assert not found or (found[0].startswith("::stop-commands::") and shown.rstrip().endswith(found[-1]))


@pytest.mark.parametrize("text", [*ATTACKS.values(), "\U000e0041", "ok", "##[", "é 日本"])
def test_json_means_the_same(text: str) -> None:
    """Only its spelling changes."""
    assert json.loads(json_safe(json.dumps({text: [text]}, ensure_ascii=False))) == {text: [text]}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_annotations_hold_nothing_that_acts(attack: str) -> None:
    """Neither those of a workflow nor those of a check run."""
    (line,) = annotation_commands([finding(attack)])
    assert is_calm(line)
    assert "\n" not in line
    assert line.count("::") == 2 or "::" in attack
    assert "##[" not in line
    (annotation,) = annotations_of([finding(f"@everybody {attack}")])
    for text in (line, annotation["title"], annotation["message"]):
        assert is_calm(text)
        assert "<!-- reviewer:" not in text
        assert TOKEN[:8] not in text
    assert "@everybody" not in annotation["message"]


def test_properties_of_a_command_end_nowhere_else() -> None:
    """A file's name may hold anything."""
    line = command("error", "m", file="a,title=x::y\n::error::z\x1b", title="t")
    assert line.startswith("::error file=a%2Ctitle=x%3A%3Ay%0A%3A%3Aerror%3A%3Az")
    assert is_calm(line)


ERRORS = [
    {"error": {"message": f"Wrong key {TOKEN} in header", "code": 401}},
    {"error": {"message": "x" * 280 + f" {TOKEN}"}},
    {"error": {"message": "m", "param": f"messages {TOKEN}"}},
    {"base_resp": {"status_code": 2013, "status_msg": f"bad {TOKEN}"}},
    {"message": f"echo {TOKEN}"},
    {"detail": {"input": f"echo {TOKEN}"}},
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_the_service_cannot_have_secrets_shown(error: dict[str, object], status: int) -> None:
    """It may repeat what it was sent."""
    message = str(explain(fault_of(status, json.dumps(error).encode()), RequestDescription("h", "m")))
    assert TOKEN[:8] not in message
    assert is_calm(message)


API_KEY = "sk-rapi-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
ECHOES = {
    "whole": API_KEY,
    "upper case": API_KEY.upper(),
    "beginning": API_KEY[:20],
    "end": API_KEY[-16:],
    "middle": API_KEY[9:24],
    "masked": f"{API_KEY[:7]}***{API_KEY[-4:]}",
    "dots": f"{API_KEY[:5]}...{API_KEY[-5:]}",
    "ellipsis": f"{API_KEY[:6]}…",
    "masked twice": f"{API_KEY[:6]}**{API_KEY[12:16]}**{API_KEY[-4:]}",
    "end alone": f"****{API_KEY[-4:]}",
    "base64": base64.b64encode(API_KEY.encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer {API_KEY}".encode()).decode(),
    "base64 of a pair": base64.b64encode(f"api:{API_KEY}\n".encode()).decode(),
    "base64 for an address": base64.urlsafe_b64encode(f"k={API_KEY}&".encode()).decode(),
    "hexadecimal": API_KEY.encode().hex(),
    "backwards": API_KEY[::-1],
    "in an address": f"https://x.example/?key={quote(API_KEY)}&a=1",
    "in JSON": json.dumps({"authorization": [API_KEY]}),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_no_part_of_the_key_is_shown(echo: str) -> None:
    """Services repeat the key that they refuse, in forms of their own: no eight characters of it in a row are left."""
    for around in ("Incorrect API key provided: {}. See the docs.", "{}", "x" * 285 + " {}"):
        shown = without_key(around.replace("{}", echo), API_KEY).lower()
        for form, most in ((API_KEY, 8), (API_KEY[::-1], 16), (API_KEY.encode().hex(), 16), (ECHOES["base64"], 16)):
            assert not [
                form[at : at + most] for at in range(len(form) - most + 1) if form[at : at + most].lower() in shown
            ], shown


@pytest.mark.parametrize(
    "text", ["The model MiniMax-M3 is not on your plan (2061)", "Wait... sk- and so on ***", "a.b..c", ""]
)
def test_words_that_are_not_the_key_stay(text: str) -> None:
    """What a service says apart from the key is shown as it is."""
    assert without_key(text, API_KEY) == text


@pytest.mark.parametrize("most", range(240, 262))
def test_a_text_is_cut_between_words(most: int) -> None:
    """No cut leaves half of what stands for a secret or an invisible character."""
    for mark in ("[redacted: github token]", "{U+202E}", "word"):
        for text in ("ab " * 75 + f"{mark} " * 40, "a" * 225 + mark * 40):
            cut = shorten_words(text, most)
            assert len(cut) <= most
            assert cut.endswith(" [cut]")
            assert set(cut.removesuffix(" [cut]").replace(mark, "")) <= set("ab word" if mark == "word" else "ab ")


def test_a_long_annotation_holds_no_half_of_a_mark() -> None:
    """The title and the message of an annotation are cut after their secrets and invisible characters were replaced."""
    for shift in range(40):
        (annotation,) = annotations_of([finding("x" * shift + f" {TOKEN} \u202e" * 400)])
        for text in (annotation["title"], annotation["message"]):
            assert text.endswith(" [cut]")
            rest = text.removesuffix(" [cut]").replace("[redacted: github token]", "").replace("{U+202E}", "")
            assert not set(rest) - set("x ")


@pytest.mark.parametrize("body", [f"<title>{TOKEN}</title>", f"plain {TOKEN}", "x" * 285 + f" {TOKEN}", "\x1b[2J"])
def test_a_page_of_a_proxy_cannot_either(body: str) -> None:
    """Nor what is no JSON."""
    message = str(explain(fault_of(502, body.encode()), RequestDescription("h", "m")))
    assert TOKEN[:8] not in message
    assert is_calm(message)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_logs_hold_one_line_for_an_event(attack: str) -> None:
    """A line break, an escape or a secret in a message, a field or an error forges nothing."""
    forged = f"{attack}\n2026-01-31T12:00:00 INFO forged job=1"
    try:
        raise ValueError(forged)  # noqa: TRY301
    except ValueError:
        trace = sys.exc_info()
    for record in (
        logging.makeLogRecord({"msg": forged}),
        logging.makeLogRecord({"msg": "m", "field": forged}),
        logging.makeLogRecord({"msg": "m", "exc_info": trace}),
    ):
        first, *others = Fields().format(record).split("\n")
        text = "\n".join([first, *others])
        assert is_calm(text)
        assert TOKEN[:8] not in text
        assert all(line.startswith("  ") for line in others)
    assert Path(__file__).name in text
