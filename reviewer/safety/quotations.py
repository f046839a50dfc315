"""Follow a reply piece by piece, and tell whether what comes next is quoted: code, a string of JSON, a test. Pure.

A model's markup counts only outside of such parts; inside, it is text that the reply is about. Each character is looked
at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'\\.|"|(?P<brace>\{(?=\s{0,50}+"))|[{\[}\]]|```|~~~|`|\n|(?P<test></?test\b[^>\n]{0,2000}+>)', re.DOTALL
)
_LABEL = re.compile(r"[ \t]{0,8}+([^`\s]{0,40})")


@dataclass(slots=True)
class Quotations:
    """Where in the reply we are.

    `depth` counts the open brackets of JSON, `in_string` is about its strings. `fence` are the marks of an open block
    of code. `in_code` is code within a line; `in_test` is a test file between its two tags. `at_line_start` allows for
    white space.
    """

    depth: int = 0
    in_string: bool = False
    fence: str = ""
    in_code: bool = False
    in_test: bool = False
    at_line_start: bool = True
    begun: bool = False
    last: str = ""
    _fence_of_json: bool = False
    _escaped: bool = False

    @property
    def quoted(self) -> bool:
        """Whether markup here would be a part of something quoted."""
        if self.depth:
            return self.in_string
        return bool(self.fence) or self.in_code or self.in_test

    def add(self, piece: str) -> None:
        """Read on."""
        position = 0
        if self._escaped and piece:
            position, self._escaped = 1, False
        for token in _TOKEN.finditer(piece, position):
            self._text(piece[position : token.start()])
            position = token.end()
            if position == len(piece) and token[0] == "\\":
                break
            self._take(token[0], token, piece)
        rest = piece[position:]
        self._text(rest)
        self._escaped = self.in_string and rest.endswith("\\")
        self.last = piece[-1:] or self.last

    def _text(self, text: str) -> None:
        if text.strip():
            self.at_line_start, self.begun = False, True

    def _take(self, mark: str, match: re.Match[str], piece: str) -> None:
        started = self.at_line_start
        self.at_line_start = mark == "\n"
        self.begun = self.begun or mark != "\n"
        if self.depth:
            self._in_json(mark)
        elif match["test"] is not None:
            self._tag(mark, started=started)
        elif self.in_test:
            return
        elif mark in ("```", "~~~"):
            self._fence(mark, match, piece, started=started)
        elif mark in ("{", "[") and (started or match["brace"]) and (not self.fence or self._fence_of_json):
            self.depth = 0 if self.in_code else 1
        elif not self.fence:
            self.in_code = mark != "\n" and self.in_code != (mark == "`")

    def _in_json(self, mark: str) -> None:
        if mark == '"':
            self.in_string = not self.in_string
        elif not self.in_string:
            self.depth += (mark in ("{", "[")) - (mark in ("}", "]"))

    def _tag(self, mark: str, *, started: bool) -> None:
        if self.in_test or (started and not self.fence):
            self.in_test = not mark.startswith("</")

    def _fence(self, mark: str, match: re.Match[str], piece: str, *, started: bool) -> None:
        if not started:
            return
        if self.fence:
            self.fence = "" if mark == self.fence else self.fence
        else:
            label = _LABEL.match(piece, match.end())
            self.fence = mark
            self._fence_of_json = label is not None and label[1].lower() in ("", "json", "jsonc", "json5")
