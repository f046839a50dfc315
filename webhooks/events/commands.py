"""The grammar of commands in comments. Pure: text in, a command or the reason why there is none out.

Promises: a command is recognised only where its author meant one: at the start of a line, outside quotes, code blocks,
inline code and HTML comments. Which commands there are is an argument: see `webhooks.handling.commands.table`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandSyntax:
    """How a command is written: `/name` and one of the `words`; None: any text, which must not be empty.

    `label` is the label of a pull request that asks for the same, without a word; empty: there is none.
    """

    name: str
    words: frozenset[str] | None = frozenset({""})
    label: str = ""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command with its argument: one of the words that the command takes, the text that it takes, or empty."""

    command: str
    argument: str = ""

    def __str__(self) -> str:
        """Return the command as it is written in a comment."""
        return f"/{self.command} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class NoCommand:
    """Why a comment asks for nothing: `no command`, `unknown command`, `unknown argument` or `no question`."""

    reason: str


#: Characters of a question that are read.
_LONGEST_TEXT = 2_000

#: Indented by four columns or more it is a code block: https://github.github.com/gfm/#indented-code-blocks
_COMMAND = re.compile(r" {0,3}/([A-Za-z][\w-]*)(?:[ \t]+(.*))?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_QUOTE = re.compile(r" {0,3}>")
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"(\n[ \t]*\n)")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def parse_command(body: str, commands: Sequence[CommandSyntax]) -> CommandRequest | NoCommand:
    """Return the first command in the body of a comment, or why there is none.

    An unknown command is skipped: it may be meant for another bot.
    """
    reason = NoCommand("no command")
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    for written, line in zip(body.split("\n"), _prose(body), strict=True):
        match = _COMMAND.fullmatch(line)
        if match is None:
            continue
        # What is blanked keeps its length, so a question is read as it was written, code included.
        argument = written[match.start(2) :] if match[2] else ""
        request = _request(match[1].lower(), argument.strip(), commands)
        if isinstance(request, CommandRequest):
            return request
        reason = request
    return reason


def _request(name: str, argument: str, commands: Sequence[CommandSyntax]) -> CommandRequest | NoCommand:
    syntax = next((command for command in commands if command.name == name), None)
    if syntax is None:
        return NoCommand("unknown command")
    if syntax.words is None:
        return CommandRequest(name, argument[:_LONGEST_TEXT]) if argument else NoCommand("no question")
    if argument.lower() not in syntax.words:
        return NoCommand("unknown argument")
    return CommandRequest(name, argument.lower())


def _prose(body: str) -> list[str]:
    """Return the lines of the body: quotes and code blocks as empty lines, code spans blanked."""
    text = "\n".join(_outside_blocks(body.split("\n")))
    text = _HTML_COMMENT.sub(lambda match: _blank(match[0]), text)
    return "".join(_outside_spans(paragraph) for paragraph in _BLANK_LINE.split(text)).split("\n")


def _outside_blocks(lines: list[str]) -> list[str]:
    """Blank every line of a fenced code block and of a quote.

    https://github.github.com/gfm/#fenced-code-blocks
    """
    kept = []
    fence = ""
    for line in lines:
        mark = _FENCE.fullmatch(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
            kept.append("")
        elif mark is not None:
            fence = mark[1]
            kept.append("")
        else:
            kept.append("" if _QUOTE.match(line) else line)
    return kept


def _outside_spans(paragraph: str) -> str:
    """Blank the code spans: from a run of backticks to the next run of the same length.

    https://github.github.com/gfm/#code-spans. Takes linear time, which a regular expression would not.
    """
    runs = [match.span() for match in _TICKS.finditer(paragraph)]
    starts: dict[int, list[int]] = defaultdict(list)
    for start, end in reversed(runs):
        starts[end - start].append(start)
    kept, position = [], 0
    for start, end in runs:
        if start < position:
            continue
        same = starts[end - start]
        while same and same[-1] <= start:
            same.pop()
        if same:
            close = same[-1] + (end - start)
            kept += [paragraph[position:start], _blank(paragraph[start:close])]
            position = close
    return "".join(kept) + paragraph[position:]


def _blank(text: str) -> str:
    """Return a text of the same length and lines in which no command can begin."""
    return re.sub(r"[^\n]", "`", text)
