"""The grammar of commands in comments. Pure: text in, commands or the reason why there is none out.

Promises: a command is recognised only where its author meant one: at the start of a line, after three blanks at most,
outside quotes, code blocks, inline code and HTML comments. What is nearly a command is reported as a mistake; a word
that only looks like one, such as a path or the command of another bot, is not. Which commands there are is an argument:
see `webhooks.handling.commands.table`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reviewer.safety.shortening import CUT
from webhooks.events.near_words import nearest
from webhooks.events.prose import prose_lines


class Takes(StrEnum):
    """What may follow the name of a command: one of its words, its words or paths, a text, or a text or nothing."""

    WORD = "word"
    PATHS = "paths"
    TEXT = "text"
    REMARK = "remark"


class Mistake(StrEnum):
    """What is wrong with something that was meant as a command."""

    MISSPELT = "misspelt"
    NO_TEXT = "no text"
    UNKNOWN_ARGUMENT = "unknown argument"
    TOO_MANY = "too many commands"


@dataclass(frozen=True, slots=True)
class CommandSyntax:
    """How a command is written: `/name`, and behind it what it `takes`.

    `label` is the label of a pull request that asks for the same, without a word; empty: there is none.
    """

    name: str
    words: frozenset[str] = frozenset({""})
    takes: Takes = Takes.WORD
    label: str = ""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command with its argument: one of its words, paths separated by blanks, a text, or empty.

    With a `mistake`, `argument` is what was written, and `command` the command that is nearest to it.
    """

    command: str
    argument: str = ""
    mistake: Mistake | None = None

    def __str__(self) -> str:
        """Return the command as it is written in a comment."""
        return f"/{self.command} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class NoCommand:
    """Why a comment asks for nothing: `no command` or `unknown command`."""

    reason: str


#: Characters of a question or a reason that are read, and of what is repeated where something is wrong with it.
LONGEST_TEXT, _LONGEST_MISTAKE = 6_000, 100

#: Commands of one comment that are carried out.
MOST_COMMANDS = 10

#: Said to be polite, or of the pull request as a whole.
_POLITE = frozenset(
    {
        "please",
        "kindly",
        "again",
        "now",
        "once",
        "more",
        "this",
        "the",
        "it",
        "pr",
        "pull",
        "request",
        "change",
        "changes",
    }
)

#: What pasting leaves behind, and nobody sees.
_UNSEEN = re.compile("[\u200b\u2060\ufeff]")

#: Punctuation that may follow a name, as in `/review!`; what a colon introduces is a text.
_MARKS = "[.,:;!?\u3002\uff0c\uff1a\uff1b\uff01\uff1f]"
_BLANK = "[ \\t\u00a0\u3000]"
#: Indented by four columns or more it is a code block: https://github.github.com/gfm/#indented-code-blocks . The other
#: slash is what a keyboard for Chinese or Japanese writes.
_COMMAND = re.compile(
    rf"[ \u00a0\u3000]{{0,3}}[/\uff0f]([A-Za-z][\w-]{{0,40}}+)({_MARKS}{{0,3}}+)(?:(?:{_BLANK}++|(?<=\uff1a))(.*+))?"
)


def parse_commands(body: str, commands: Sequence[CommandSyntax]) -> tuple[CommandRequest, ...] | NoCommand:
    """Return the commands in the body of a comment, in their order and each once, or why there is none.

    Of several mistakes only the first is reported. An unknown command is skipped: it may be meant for another bot.
    """
    body = _UNSEEN.sub("", body.replace("\r\n", "\n").replace("\r", "\n"))
    found: dict[CommandRequest, None] = {}
    is_unknown = mistaken = False
    texts = {command.name for command in commands if command.takes in (Takes.TEXT, Takes.REMARK)}
    for name, argument, below in _written_commands(body, texts):
        request = _request(name, argument, below, commands)
        if request is None:
            is_unknown = True
        elif not (request.mistake and mistaken):
            mistaken = mistaken or request.mistake is not None
            found[request] = None
    if not found:
        return NoCommand("unknown command" if is_unknown else "no command")
    requests = tuple(found)
    if len(requests) > MOST_COMMANDS:
        more = f"{len(requests) - MOST_COMMANDS} more"
        return (*requests[:MOST_COMMANDS], CommandRequest(requests[MOST_COMMANDS].command, more, Mistake.TOO_MANY))
    return requests


def added_commands(
    before: str, after: str, commands: Sequence[CommandSyntax]
) -> tuple[CommandRequest, ...] | NoCommand:
    """Return the commands that an edit added to a comment; what stood there before was carried out then."""
    known, now = parse_commands(before, commands), parse_commands(after, commands)
    if isinstance(now, NoCommand):
        return now
    old = () if isinstance(known, NoCommand) else known
    return tuple(request for request in now if request not in old) or NoCommand("no new command")


def _written_commands(body: str, texts: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, argument and the lines below, up to the next command, of all that is written like a command.

    A colon introduces the text of one of `texts`. Behind another name, it introduces what somebody tells of a command.
    """
    written = body.split("\n")
    matches = [
        (number, match)
        for number, line in enumerate(prose_lines(body))
        if (match := _COMMAND.fullmatch(line))
        and (match[1].lower() in texts or not (match[3] and {":", "\uff1a"} & {*match[2]}))
    ]
    ends = [*(number for number, _ in matches), len(written)][1:]
    for (number, match), end in zip(matches, ends, strict=True):
        # What is blanked keeps its length, so a question is read as it was written, code included.
        argument = written[number][match.start(3) :] if match[3] else ""
        yield match[1], argument.strip(), "\n".join(written[number + 1 : end])


def _request(name: str, argument: str, below: str, commands: Sequence[CommandSyntax]) -> CommandRequest | None:
    syntax = next((command for command in commands if command.name == name.lower()), None)
    if syntax is None:
        near = nearest(name.lower(), [command.name for command in commands], is_alone=not argument)
        written = f"/{name} {argument}".rstrip()[:_LONGEST_MISTAKE]
        return CommandRequest(near, written, Mistake.MISSPELT) if near else None
    if syntax.takes in (Takes.TEXT, Takes.REMARK):
        return _with_text(syntax, argument, below)
    word = argument.lower()
    if word in syntax.words:
        return CommandRequest(syntax.name, word)
    if syntax.takes is Takes.PATHS:
        meant = _without_politeness(word)
        return CommandRequest(
            syntax.name, meant if meant in syntax.words else " ".join(argument.split())[:LONGEST_TEXT]
        )
    written = f"/{name} {argument}"[:_LONGEST_MISTAKE]
    return CommandRequest(syntax.name, written, Mistake.UNKNOWN_ARGUMENT)


def _without_politeness(text: str) -> str:
    return " ".join(word for word in text.split() if word.strip(".,!?") not in _POLITE)


def commands_of_mention(text: str, commands: Sequence[CommandSyntax]) -> tuple[CommandRequest, ...]:
    """Return the commands of a comment that begins with our name: `/review`, or in plain words, `please review again`.

    `text` is what is said beside the name. In plain words a command has no text of its own: that is a question.
    """
    requests = parse_commands(text, commands)
    if not isinstance(requests, NoCommand):
        return requests
    words = _without_politeness(text.lower()).strip(" .,!?").split() if len(text) <= _LONGEST_MISTAKE else []
    plain = [syntax for syntax in commands if syntax.takes in (Takes.WORD, Takes.PATHS)]
    for name, argument in ((words[:1], " ".join(words[1:])), (words[-1:], " ".join(words[:-1]))):
        for syntax in plain:
            if name == [syntax.name] and argument in syntax.words:
                return (CommandRequest(syntax.name, argument),)
    return ()


def _with_text(syntax: CommandSyntax, argument: str, below: str) -> CommandRequest:
    """Return a command that takes a text: the rest of its line, or where a text is needed, the lines below."""
    text = argument or (below[: 2 * LONGEST_TEXT].strip() if syntax.takes is Takes.TEXT else "")
    if not text and syntax.takes is Takes.TEXT:
        return CommandRequest(syntax.name, f"/{syntax.name}", Mistake.NO_TEXT)
    if text.lower() in syntax.words:
        return CommandRequest(syntax.name, text.lower())
    return CommandRequest(syntax.name, text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} {CUT}")


# ----------------------------------------------------------------------- mentions

_MENTION = re.compile(r"(?<![\w.@/`-])@([A-Za-z0-9](?:-?[A-Za-z0-9]){0,60}+)(?:\[bot\])?(?![\w/]|-\w|\.\w)")

#: Different people that one comment mentions and that are read.
_MOST_MENTIONED = 20


def mentions(body: str) -> tuple[tuple[str, ...], str]:
    """Return the logins that a comment mentions in its prose, in small letters, and what it says beside them.

    The text has no mention in it that could call the person again.
    """
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    lines = prose_lines(body)
    names: dict[str, None] = {}
    for line in lines:
        names |= dict.fromkeys(match[1].lower() for match in _MENTION.finditer(line))
        if len(names) >= _MOST_MENTIONED:
            break
    kept = [line for line, prose in zip(body.split("\n"), lines, strict=True) if prose.strip() or not line.strip()]
    text = _MENTION.sub("", "\n".join(kept)[: 2 * LONGEST_TEXT]).strip(" \t\n,:;-")
    return tuple(names)[:_MOST_MENTIONED], text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} {CUT}"
