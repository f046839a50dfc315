"""The commands that people write in comments. Pure: text in, a command or the reason why there is none out.

Promises: a command is seen only where its author meant one: at the start of a line, outside quotes, code blocks, inline
code and HTML comments. Only commands that can be carried out are in the enumeration.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What a comment may ask for. A new one needs a case in `_ARGUMENTS` here and one in `webhooks.handling`."""

    REVIEW = "review"
    """`/review`: review what changed since the last review. `/review full`: review the whole pull request again."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command with its argument; `argument` is one of the words that the command takes, or empty."""

    command: Command
    argument: str = ""

    def __str__(self) -> str:
        """Return the command as it is written in a comment."""
        return f"/{self.command} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class NoCommand:
    """Why a comment asks for nothing: `no command`, `unknown command` or `unknown argument`."""

    reason: str


#: The words that may follow each command.
_ARGUMENTS: dict[Command, frozenset[str]] = {Command.REVIEW: frozenset({"", "full"})}

#: Indented by four columns or more it is a code block: https://github.github.com/gfm/#indented-code-blocks
_COMMAND = re.compile(r" {0,3}/([A-Za-z][\w-]*)(?:[ \t]+(.*))?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_QUOTE = re.compile(r" {0,3}>")
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"(\n[ \t]*\n)")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def parse_command(body: str) -> Request | NoCommand:
    """Return the first command in the body of a comment, or why there is none.

    An unknown command is passed over: it may be meant for another bot.
    """
    passed_over = NoCommand("no command")
    for line in _prose(body):
        match = _COMMAND.fullmatch(line)
        if match is None:
            continue
        request = _request(match[1].lower(), (match[2] or "").strip().lower())
        if isinstance(request, Request):
            return request
        passed_over = request
    return passed_over


def _request(name: str, argument: str) -> Request | NoCommand:
    command = next((command for command in Command if command.value == name), None)
    if command is None:
        return NoCommand("unknown command")
    if argument not in _ARGUMENTS[command]:
        return NoCommand("unknown argument")
    return Request(command, argument)


def _prose(body: str) -> list[str]:
    """Return the lines of the body that are neither quoted nor code, code spans blanked."""
    text = "\n".join(_outside_blocks(body.replace("\r\n", "\n").replace("\r", "\n").split("\n")))
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
    """Blank the code spans: from a run of ticks to the next of the same length.

    https://github.github.com/gfm/#code-spans. Linear in the text: an expression would look for the end of every opening
    that has none.
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
    """Return a text of the same lines that no command can begin with."""
    return re.sub(r"[^\n]", "`", text)
