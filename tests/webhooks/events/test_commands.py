"""Commands in comments."""

import time

import pytest

from webhooks.events.commands import (
    LONGEST_TEXT,
    MOST_COMMANDS,
    CommandRequest,
    CommandSyntax,
    Mistake,
    NoCommand,
    Takes,
    added_commands,
    commands_of_mention,
    mentions,
    parse_commands,
)

REVIEW = CommandRequest("review")
COMMANDS = (
    CommandSyntax("review", words=frozenset({"", "full"}), takes=Takes.PATHS),
    CommandSyntax("tests", words=frozenset({"", "commit"}), takes=Takes.PATHS),
    CommandSyntax("ask", takes=Takes.TEXT),
    CommandSyntax("dismiss", words=frozenset({"", "all"}), takes=Takes.REMARK),
    CommandSyntax("pause"),
    CommandSyntax("ci"),
    CommandSyntax("help"),
)


def parse(body: str):
    """Return what a comment asks for."""
    return parse_commands(body, COMMANDS)


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
        "\uff0freview",
        "\u3000/review",
        "/review\n/review",
        "```\n/review\n```\n/review",
        "~~~ py\n```\n/review full\n~~~\n/review",
        "the file `a.py` changed\n/review",
        "a lone ` here\n/review",
        "/unknown\n/review",
        "/usr/bin is a path\n/review",
        "<!-- /review full -->\n/review",
        "it looks for `<!--` only\n/review",
        "<div>\n\nit looks for <!-- only\n/review",
        "<!-- hidden --> and `<!--`\n/review",
        "/review!",
        "/review.",
        "/review?!",
        "/review\uff01",
        "\u200b/review\u200b",
        "/review please",
        "/review this PR again, please.",
        "/review, please",
    ],
)
def test_a_command_is_found(body):
    """A command at the start of a line counts, whatever stands around it."""
    assert parse(body) == (REVIEW,)


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
        "about `<!--`\n\n  <!-- never closed\n/review",
        "<div><!-- never closed\n/review",
        "<!-- closed --> <details>\n<summary>x</summary> <!-- never closed\n\n/review",
        "</p>\ntext <!-- never closed\n\n/review",
        "/\uff52eview",
        "/review.py",
        "/review:full",
        "/review: looks at what is new\n/tests: suggests tests",
    ],
)
def test_no_command_is_found(body):
    """Quoted, fenced, indented, inline or mentioned in a sentence, it is talk about a command."""
    assert parse(body) == NoCommand("no command")


@pytest.mark.parametrize(
    ("body", "command", "mistake"),
    [
        ("/reveiw", "review", Mistake.MISSPELT),
        ("/reviews now", "review", Mistake.MISSPELT),
        ("/test", "tests", Mistake.MISSPELT),
        ("/dissmiss", "dismiss", Mistake.MISSPELT),
        ("/pausing", "pause", None),
        ("/ask", "ask", Mistake.NO_TEXT),
        ("/ask  \n", "ask", Mistake.NO_TEXT),
        ("/pause now", "pause", Mistake.UNKNOWN_ARGUMENT),
    ],
)
def test_a_mistake_is_named(body, command, mistake):
    """What is nearly a command is reported, with the command that is nearest."""
    if mistake is None:
        assert parse(body) == NoCommand("unknown command")
    else:
        (request,) = parse(body)
        assert (request.command, request.mistake, request.argument) == (command, mistake, body.strip())


@pytest.mark.parametrize(
    "word",
    ["deploy", "etc", "usr", "home", "lgtm", "retest", "hold", "rebase", "cc", "ok-to-test", "test all", "c", "host",
     "close", "merge", "var", "remove", "add-docs", "run e2e", "cd", "describe-me", "x"],
)  # fmt: skip
def test_another_word_gets_nothing(word):
    """A path, another bot's command, or any other word is not ours."""
    assert parse(f"/{word}") == NoCommand("unknown command")


def test_the_argument():
    """The word after the command is read in any case; what is no word is a list of paths."""
    (request,) = parse("/review \t FULL \n")
    assert request == CommandRequest("review", "full")
    assert str(request) == "/review full"
    assert parse("/review src/**  Docs/a.md") == (CommandRequest("review", "src/** Docs/a.md"),)


def test_a_question():
    """A question is the rest of its line as it was written, code and capitals included."""
    (request,) = parse("Hm.\n/ask Why does `Cart.remove` use `del`? <!-- x -->\r\nThanks!")
    assert request == CommandRequest("ask", "Why does `Cart.remove` use `del`? <!-- x -->")
    assert parse("`/ask this`\n> /ask that") == NoCommand("no command")


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        ("/ask: why?", CommandRequest("ask", "why?")),
        ("/ask\uff1a\u4e3a\u4ec0\u4e48", CommandRequest("ask", "\u4e3a\u4ec0\u4e48")),
        ("/dismiss: callers check it", CommandRequest("dismiss", "callers check it")),
        ("/review, src/a.py", CommandRequest("review", "src/a.py")),
        ("/tests commit please", CommandRequest("tests", "commit")),
        ("/review this/a.py", CommandRequest("review", "this/a.py")),
    ],
)
def test_punctuation_behind_the_name(body, request_):
    """It is no part of the name, and none of the argument."""
    assert parse(body) == (request_,)


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("/review", (REVIEW,)),
        ("/review full\n/pause", (CommandRequest("review", "full"), CommandRequest("pause"))),
        ("review", (REVIEW,)),
        ("please review this PR again!", (REVIEW,)),
        ("full review", (CommandRequest("review", "full"),)),
        ("Tests commit", (CommandRequest("tests", "commit"),)),
        ("help", (CommandRequest("help"),)),
        ("review src/a.py with care", ()),
        ("why does the review fail?", ()),
        ("ask", ()),
        ("`/review`", ()),
        ("", ()),
    ],
)
def test_a_mention_with_a_command(text, requests):
    """Behind our name a command may stand in plain words; whatever says more is a question."""
    assert commands_of_mention(text, COMMANDS) == requests


def test_a_question_below_its_command():
    """Where nothing follows on its line, the lines below are the question, up to the next command."""
    assert parse("/ask\nIs this right?\n```\nx = 1\n/pause\n```\n/pause") == (
        CommandRequest("ask", "Is this right?\n```\nx = 1\n/pause\n```"),
        CommandRequest("pause"),
    )


def test_a_question_of_60_000_characters_is_cut():
    """It is cut, and ends with a mark that says so."""
    (request,) = parse("/ask " + "why? " * 12_000)
    assert len(request.argument) < LONGEST_TEXT + 10
    assert request.argument.endswith("[cut]")


def test_several_commands_run_in_order():
    """Each once, in the order of the comment; of several mistakes only the first is named."""
    found = parse("/review full\ntext\n/ask why?\n/pause\n/review full\n/reveiw\n/paus")
    assert found == (
        CommandRequest("review", "full"),
        CommandRequest("ask", "why?"),
        CommandRequest("pause"),
        CommandRequest("review", "/reveiw", Mistake.MISSPELT),
    )


def test_more_commands_than_are_carried_out():
    """The first ones are carried out, and it is said that the others are not."""
    found = parse("\n".join(f"/ask {number}" for number in range(20)))
    assert len(found) == MOST_COMMANDS + 1
    assert found[-1] == CommandRequest("ask", "10 more", Mistake.TOO_MANY)


def test_an_edit_adds_commands():
    """Only what was not there before counts."""
    assert added_commands("/review", "/review\n/pause", COMMANDS) == (CommandRequest("pause"),)
    assert added_commands("/reveiw", "/review", COMMANDS) == (REVIEW,)
    assert added_commands("/review", "/review\nplease", COMMANDS) == NoCommand("no new command")
    assert added_commands("/review", "never mind", COMMANDS) == NoCommand("no command")


@pytest.mark.parametrize(
    ("body", "names", "text"),
    [
        ("@minimax-reviewer why?", ("minimax-reviewer",), "why?"),
        ("Hey @Minimax-Reviewer[bot], is `x` @safe?", ("minimax-reviewer", "safe"), "Hey , is `x` ?"),
        ("`@a` and x@b.com and @org/team and @c/", (), "`@a` and x@b.com and @org/team and @c/"),
        ("> @quoted said\n\n@me so?", ("me",), "so?"),
    ],
)
def test_mentions(body, names, text):
    """People who are mentioned in prose, and what is said beside that."""
    assert mentions(body) == (names, text)


def test_a_hostile_comment_takes_no_time():
    """The longest comment that GitHub accepts is read at once, also when it is made of openings never closed."""
    for piece in ("`", "``` \n", "<!--", "`a", "> ", "/review x\n", "~~~\n", " ", "\n", "`` ` "):
        parse(piece * (65_536 // len(piece)))
    growing = "".join("`" * length + " " for length in range(360))
    started = time.process_time()
    assert parse(growing + "\n/review") == (REVIEW,)
    assert time.process_time() - started < 0.2
