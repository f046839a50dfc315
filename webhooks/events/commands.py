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
    """What a comment may ask for. A new one needs a case in `_ARGUMENTS` here and one in `webhooks.handling.handle`."""

    REVIEW = "review"
    """`/review`, or `/review full`: review the whole pull request again, not only what changed since."""

    REFACTOR = "refactor"
    """`/refactor`: review the whole pull request again, and look for simpler code everywhere in it."""

    TESTS = "tests"
    """`/tests`: suggest unit tests, and run them where that can be done. `/tests commit`: add those that prove
    something to the branch. `/tests pull`: add them by a pull request of their own."""

    ASK = "ask"
    """`/ask QUESTION`: answer a question about the pull request in a comment."""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command with its argument: one of the words that the command takes, the text that it takes, or empty."""

    command: Command
    argument: str = ""

    def __str__(self) -> str:
        """Return the command as it is written in a comment."""
        return f"/{self.command} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class NoCommand:
    """Why a comment asks for nothing: `no command`, `unknown command`, `unknown argument` or `no question`."""

    reason: str


#: The words that may follow each command; None: any text, and there must be one.
_ARGUMENTS: dict[Command, frozenset[str] | None] = {
    Command.REVIEW: frozenset({"", "full"}),
    Command.REFACTOR: frozenset({""}),
    Command.TESTS: frozenset({"", "commit", "pull"}),
    Command.ASK: None,
}

#: Characters of a question that are read.
_LONGEST_TEXT = 2_000

#: Indented by four columns or more it is a code block: https://github.github.com/gfm/#indented-code-blocks
_COMMAND = re.compile(r" {0,3}/([A-Za-z][\w-]*)(?:[ \t]+(.*))?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")
_QUOTE = re.compile(r" {0,3}>")
_TICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"(\n[ \t]*\n)")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def parse_command(body: str) -> CommandRequest | NoCommand:
    """Return the first command in the body of a comment, or why there is none.

    An unknown command is passed over: it may be meant for another bot.
    """
    passed_over = NoCommand("no command")
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    for written, line in zip(body.split("\n"), _prose(body), strict=True):
        match = _COMMAND.fullmatch(line)
        if match is None:
            continue
        # What is blanked keeps its length, so a question is read as it was written, code included.
        argument = written[match.start(2) :] if match[2] else ""
        request = _request(match[1].lower(), argument.strip())
        if isinstance(request, CommandRequest):
            return request
        passed_over = request
    return passed_over


def _request(name: str, argument: str) -> CommandRequest | NoCommand:
    command = next((command for command in Command if command.value == name), None)
    if command is None:
        return NoCommand("unknown command")
    known = _ARGUMENTS[command]
    if known is None:
        return CommandRequest(command, argument[:_LONGEST_TEXT]) if argument else NoCommand("no question")
    if argument.lower() not in known:
        return NoCommand("unknown argument")
    return CommandRequest(command, argument.lower())


def _prose(body: str) -> list[str]:
    """Return the lines of the body, those that are quoted or code empty, code spans blanked."""
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
