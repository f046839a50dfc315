"""Read what a step tells its runner: workflow commands in its output, and the files named in its environment.

Parses and limits as the runner does:
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands. Runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

COMMAND = re.compile(r"\s*::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<message>.*)", re.DOTALL)
ESCAPED_MESSAGE = re.compile("%(0D|0A|25)")
ESCAPED_PROPERTY = re.compile("%(0D|0A|25|3A|2C)")
LINE_END = re.compile("\r\n|\n|\r")
LEVELS = ("error", "warning", "notice")
SILENT = {"debug", "group", "endgroup", "echo", "add-matcher", "remove-matcher"}
#: The runner obeys or refuses these. Our output must not contain one, above all not in text that somebody else wrote.
DEPRECATED = {"add-path", "save-state", "set-env", "set-output"}
PROPERTIES = {"file", "line", "endLine", "col", "endColumn", "title"}
PER_STEP = 10
SUMMARY_LIMIT = 1024 * 1024


class RunnerRefused(Exception):
    """The runner, or its documentation read strictly, does not accept what the action prints or contains."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation as shown on the run: level `error`, `warning` or `notice`, and where it points."""

    level: str
    message: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Listener:
    """Reads one step's output line by line, and records what the lines ask for.

    The run shows ten annotations of each level for a step; the others are only counted, in `dropped`.
    """

    masks: list[str]
    annotations: list[Annotation] = field(default_factory=list)
    dropped: int = 0
    paused_by: str | None = None

    def hear(self, line: str) -> None:
        """Read one line without its end; obey it if it is a command and commands are not stopped."""
        found = COMMAND.fullmatch(line)
        if self.paused_by is not None:
            if line.strip() == f"::{self.paused_by}::":
                self.paused_by = None
            return
        if found:
            self._obey(found["name"], found["properties"] or "", unescape(found["message"]))

    def _obey(self, name: str, properties: str, message: str) -> None:
        if name in DEPRECATED:
            raise RunnerRefused(f"the step printed the command ::{name}::")
        if name == "stop-commands":
            if not message or message in {*LEVELS, *SILENT, "add-mask", "stop-commands"}:
                raise RunnerRefused(f"::stop-commands:: needs a token that nobody can guess, not {message!r}")
            self.paused_by = message
        elif name == "add-mask":
            self.masks.extend(part for part in split_lines(message) if part)
        elif name in LEVELS:
            self._annotate(Annotation(name, message, parse_properties(properties)))

    def _annotate(self, one: Annotation) -> None:
        unknown = one.properties.keys() - PROPERTIES
        if unknown:
            raise RunnerRefused(f"::{one.level}:: has unknown properties {sorted(unknown)}")
        if sum(other.level == one.level for other in self.annotations) < PER_STEP:
            self.annotations.append(one)
        else:
            self.dropped += 1


def parse_properties(text: str) -> dict[str, str]:
    """Return `a=1,b=2` as a mapping. Values are unescaped."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): unescape(value, ESCAPED_PROPERTY) for name, _, value in pairs}


def unescape(text: str, escaped: re.Pattern[str] = ESCAPED_MESSAGE) -> str:
    """Undo a command's escapes: a property has two more than the message."""
    return escaped.sub(lambda found: chr(int(found[1], 16)), text)


def split_lines(text: str) -> list[str]:
    """Split as the runner reads: a lone carriage return ends a line too, other separators do not."""
    return LINE_END.split(text)


def parse_pairs(text: str) -> dict[str, str]:
    r"""Read a GITHUB_ENV or GITHUB_OUTPUT file: `name=value`, or `name<<END`, lines, `END`.

    Raises `RunnerRefused` for what is neither, and for a block without its end.
    """
    lines = iter(split_lines(text))
    pairs = {}
    for line in lines:
        equals, opening = line.find("="), line.find("<<")
        if opening > 0 and (equals < 0 or opening < equals):
            name, end = line[:opening], line[opening + 2 :]
            pairs[name] = "\n".join(block(lines, end))
        elif equals > 0:
            pairs[line[:equals]] = line[equals + 1 :]
        elif line:
            raise RunnerRefused(f"invalid format {line!r}")
    return pairs


def block(lines: Iterator[str], end: str) -> Iterator[str]:
    """Yield the lines up to `end`, and consume that too."""
    for line in lines:
        if line == end:
            return
        yield line
    raise RunnerRefused(f"matching delimiter not found: {end!r}")
