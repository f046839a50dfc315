"""Commands in comments."""

import time

import pytest

from webhooks.events.commands import CommandRequest, CommandSyntax, NoCommand
from webhooks.events.commands import parse_command as parse

REVIEW = CommandRequest("review")
COMMANDS = (CommandSyntax("review", words=frozenset({"", "full"})), CommandSyntax("ask", words=None))


def parse_command(body):
    """Return what a comment asks for, of two commands."""
    return parse(body, COMMANDS)


@pytest.mark.parametrize(
    "body",
    [
        "/review",
        "  /review  ",
        "/Review",
        "/review\n",
        "/review\r\n\r\nthanks!",
        "Please look again:\n/review",
        "> I do not agree\n\n/review",
        "> /review\n/review",
        "```\n/review\n```\n/review",
        "~~~ py\n```\n/review full\n~~~\n/review",
        "the file `a.py` changed\n/review",
        "a lone ` here\n/review",
        "/unknown\n/review",
        "/usr/bin is a path\n/review",
        "<!-- /review full -->\n/review",
    ],
)
def test_a_command_is_found(body):
    """A command at the start of a line counts, whatever stands around it."""
    assert parse_command(body) == REVIEW


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/",
        "//review",
        "/reviewer-please/x",
        "please /review this",
        "> /review",
        " > > /review",
        "```\n/review\n```",
        "````\n```\n/review\n```\n````",
        "```\nnever closed\n/review",
        "~~~\n/review\n```\n/review",
        "    /review",
        "\t/review",
        "`/review`",
        "`code\n/review\nmore`",
        "``two ` ticks\n/review``",
        "- /review",
        "<!--\n/review\n-->",
        "<!-- never closed\n/review",
        "\uff0freview",
        "/\uff52eview",
    ],
)
def test_no_command_is_found(body):
    """Quoted, fenced, indented, inline or mentioned in a sentence, it is talk about a command."""
    assert parse_command(body) == NoCommand("no command")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("/deploy", "unknown command"),
        ("/reviews", "unknown command"),
        ("/review everything", "unknown argument"),
        ("/review full please", "unknown argument"),
        ("/ask", "no question"),
        ("/ask  \n", "no question"),
    ],
)
def test_what_cannot_be_done_is_said(body, reason):
    """An unknown command and an unknown argument each have their own reason."""
    assert parse_command(body) == NoCommand(reason)


def test_the_argument():
    """The word after the command is read in any case and returned in small letters."""
    request = parse_command("/review \t FULL \n")
    assert request == CommandRequest("review", "full")
    assert str(request) == "/review full"


def test_a_question():
    """A question is the rest of its line as it was written, code and capitals included."""
    request = parse_command("Hm.\n/ask Why does `Cart.remove` use `del`? <!-- x -->\r\nThanks!")
    assert request == CommandRequest("ask", "Why does `Cart.remove` use `del`? <!-- x -->")
    assert parse_command("`/ask this`\n> /ask that") == NoCommand("no command")


def test_the_first_command_counts():
    """Of two commands that can be carried out, the first is meant."""
    assert parse_command("/review full\n/review") == CommandRequest("review", "full")


@pytest.mark.slow  # computes for a second
def test_a_hostile_comment_takes_no_time():
    """The longest comment that GitHub accepts is read at once, also when it is made of openings never closed."""
    for piece in ("`", "``` \n", "<!--", "`a", "> ", "/review x\n", "~~~\n", " ", "\n", "`` ` "):
        assert isinstance(parse_command(piece * (65_536 // len(piece))), NoCommand)
    growing = "".join("`" * length + " " for length in range(360))
    started = time.process_time()
    assert parse_command(growing + "\n/review") == REVIEW
    assert time.process_time() - started < 0.2
