"""What is made safe: secrets out of text, Markdown for GitHub, lines for a terminal and a runner."""

from __future__ import annotations

import json
import random

from hypothesis import strategies as st

from reviewer.safety.code_blocks import code_span, fence
from reviewer.safety.invisible import INVISIBLE, show_invisible
from reviewer.safety.markdown import neutralise
from reviewer.safety.private_keys import may_hold_keys
from reviewer.safety.prompt_text import printable, printable_code, printable_path, prose
from reviewer.safety.redaction import redact
from reviewer.safety.terminal import json_safe, line_safe, terminal_safe, workflow_safe
from tests.fuzz.campaign import Target
from tests.fuzz.texts import made, text
from tests.reviewer.safety.test_markdown import ACTIVE, FORBIDDEN, FRAGMENTS, tokens
from tests.reviewer.safety.test_markdown import prose as rendered_text
from tests.reviewer.safety.test_secret_coverage import CONTEXTS, FORMATS, drawn
from webhooks.action.workflow_commands import command, output_lines

# --- secrets --------------------------------------------------------------------------------------------------------

_NAMING = (
    *("password = ", "token: ", 'api_key="', "secret=", "Bearer ", "://user:", "@host", "-u bob:", '"auth": "'),
    *("ENV ", "--token "),
    *("-----BEGIN RSA PRIVATE " + "KEY-----\n", "-----END RSA PRIVATE " + "KEY-----\n"),
    *("-----BEGIN CERTIFICATE-----\n",),
    *("gh" + "p_", "sk-", "eyJ", "AKIA", "xoxb-", "[redacted: secret]", "[redacted: ", "</password>", "?sig="),
    *("define('", "\\n"),
    *("aB3dE5gH7jK9mN1pQrSt", "a1" * 32, "0" * 40, "=", "Q1w2E3r4!", "|-", "   12   14 |+", "+", "-", "# "),
)  # fmt: skip
_PLACES = ('x = "{}"', "- {}", "{}", "see {} here")


def _secret_lines(chance: random.Random) -> tuple[str, str, str]:
    """Return a secret of a known form, a line with it, and a line with a secret that is known by what is around it."""
    secret = drawn(chance.choice(tuple(FORMATS.values())), chance)
    return secret, chance.choice(_PLACES).replace("{}", secret), drawn(chance.choice(CONTEXTS), chance)


SECRETS = st.tuples(text(*_NAMING), made(_secret_lines), text(*_NAMING))


def check_redaction(value: tuple[str, tuple[str, str, str], str]) -> None:
    """Check that lines stay, twice is once, a line alone is the same as in its file, and secrets are gone."""
    before, (secret, *lines), after = value
    whole = "\n".join([before, *lines, after])
    clean, count = redact(whole)
    assert clean.count("\n") == whole.count("\n")
    assert (clean != whole) == (count > 0)
    assert redact(clean) == (clean, 0)
    assert secret not in clean
    if "PRIVATE" not in whole and "CERTIFICATE" not in whole and "BEGIN" not in whole and "MII" not in whole:
        assert clean.split("\n") == [redact(part)[0] for part in whole.split("\n")]
    shown = printable_code(whole)
    assert shown.count("\n") == whole.count("\n")
    assert secret not in shown
    may_hold_keys(whole, whole.lower())


def _whole(value: tuple[str, tuple[str, str, str], str]) -> str:
    return "\n".join([value[0], *value[1][1:], value[2]])


def read_secrets(source: str) -> object:
    """Make text fit for a prompt in each of the ways."""
    return redact(source), printable_code(source), printable_path(source), prose(source, 300)


# --- Markdown -------------------------------------------------------------------------------------------------------

MARKDOWN = st.one_of(text(*FRAGMENTS, most=25), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))


def check_markdown(source: str) -> None:
    """Check with another parser that nothing acts: no link, image, HTML, mention, marker or open block."""
    safe = neutralise(source)
    assert not FORBIDDEN & {token.type for token in tokens(safe)}, safe
    assert not ACTIVE.search(rendered_text(safe)), safe
    assert "<!-- reviewer:" not in safe
    assert not INVISIBLE.search(show_invisible(safe)) or INVISIBLE.search(source)
    assert "after" in rendered_text(f"{safe}\n\nafter\n"), safe
    for cut in (0, 30, 100):
        assert len(neutralise(source, limit=cut)) <= cut
    assert not FORBIDDEN & {token.type for token in tokens(f"{code_span(source)}\n\n{fence(source)}")}
    assert "after" in rendered_text(f"{fence(source)}\n\nafter\n")


# --- terminals and runners ------------------------------------------------------------------------------------------

_COMMANDS = (
    "::error::x",
    "::stop-commands::x",
    "##[error]",
    "\n::",
    "\r::",
    "\n \t::add-mask::",
    "%0A",
    "%",
    "\x9b2J",
    "\x1b]0;x\x07",
)
LINES = text(*_COMMANDS)


def _obeyed(shown: str) -> list[str]:
    """Return the lines that a runner would obey."""
    return [line for line in shown.replace("\r", "\n").split("\n") if line.lstrip().startswith("::") or "##[" in line]


def _is_calm(shown: str) -> bool:
    return all(char.isprintable() or char in "\n\t" for char in shown)


def check_terminal(source: str) -> None:
    """Check that a terminal shows it and does nothing, and a runner finds no command in it."""
    assert _is_calm(terminal_safe(source))
    assert _is_calm(line_safe(source))
    assert not _obeyed(line_safe(source)), line_safe(source)
    assert line_safe(line_safe(source)).replace(" ", "") == line_safe(source).replace(" ", "")
    line = json_safe(json.dumps([source], ensure_ascii=False))
    assert json.loads(line) == json.loads(json.dumps([source]))
    assert not _obeyed(line)
    assert not INVISIBLE.search(line)
    shown = show_invisible(source)
    assert show_invisible(shown) == shown
    shown.encode()
    first, *body, last = workflow_safe(source).rstrip("\n").split("\n")
    assert first.startswith("::stop-commands::")
    assert last == f"::{first.removeprefix('::stop-commands::')}::"
    assert last not in body
    annotation = command("error", source, title=source, file=source)
    assert "\n" not in annotation
    assert "\r" not in annotation
    assert annotation.startswith("::error")
    assert len(annotation.split("::")[1].split("\n")) == 1
    outputs = output_lines({"a": source, "b": "1"}).split("\n")
    delimiter = outputs[0].removeprefix("a<<")
    assert outputs[outputs.index(delimiter) + 1].startswith("b<<")
    assert printable(printable(source)) == printable(source)


def read_lines(source: str) -> object:
    """Make text fit for a terminal and a runner in each of the ways."""
    return (
        terminal_safe(source),
        line_safe(source),
        json_safe(json.dumps(source)),
        workflow_safe(source),
        command("a", source),
    )


SAFETY = (
    Target("redaction", SECRETS, check_redaction, read_secrets, _whole),
    Target("markdown", MARKDOWN, check_markdown, neutralise),
    Target("terminal", LINES, check_terminal, read_lines),
)
