"""Recognise lines that stand for code that was left out: `...`, `# existing code`, `// rest of the function`. Pure.

Each line is read by itself, in linear time, in the comments of any language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

#: So many characters of a line are read.
_MOST = 400

_DOTS = r"(?:\.{3,}|\u2026)"
#: A comment on a line: what it begins with, and what may end it.
_SIGN = r"(?:\{?/\*+|\{#|<!--|<%--|\{\{!(?:--)?|\(\*|\{-|///?|##?|--|;;?|%|REM\b|rem\b|\*(?=\s))"
_COMMENT = re.compile(rf"(?:^|(?<=\s)){_SIGN}")
_END = re.compile(r"(?:\*/\}?|#\}|-->|--%>|(?:--)?\}\}|\*\)|-\}|--)$")

_LEFT_OUT = (
    r"existing|rest|remaining|remainder|unchanged|previous|other|same|original|omitted|snip(?:ped)?|elided|truncated"
    r"|before|above|more|code|etc|keep|continues?|stays?"
)
_WHAT = (
    r"code|lines?|logic|implementation|functions?|methods?|body|imports?|fields?|tests?|content|entries|stuff|class|file"
    r"|module|block|statements?|cases?|routes?|handlers?|props|styles|rules|config(?:uration)?|steps?|items?|checks?"
)
_CODE = r"code|lines?|logic|implementation|functions?|methods?|body|content|class|file|module|block"
_MARK = r"[\s\-\[\](){}<>.:,;!*\u2026]*"
_SHORT = re.compile(rf"{_DOTS}[^\n]{{0,80}}|[^\n]{{0,80}}{_DOTS}")
_WORDS = re.compile(rf"\b(?:{_LEFT_OUT})\b", re.IGNORECASE)
_BARE = re.compile(rf"[ \t]*(?:[-*+][ \t]+)?[\[({{<]?{_DOTS}[\])}}>]?[,;]?[ \t]*$")
_WORDS_ALONE = re.compile(rf"[ \t]*[\[(]?{_DOTS}(?P<words>[\w \t]{{1,80}})(?:{_DOTS})?[\])]?[ \t]*$")
#: Without any of these no line stands for code: dots, or a sign with which a comment begins.
_HINT = re.compile(rf"{_DOTS}|[#;%]|//|/\*|--|\{{-|\(\*|\{{\{{!|\*\s|REM|rem")
_CALL = re.compile(rf"(?P<name>\w+)\({_DOTS}\)")


def stands_for_code(line: str) -> bool:
    """Whether the line stands for code that was left out."""
    line = line[:_MOST]
    if _BARE.match(line):
        return True
    alone = _WORDS_ALONE.match(line)
    # Not `...rest`, which spreads a value.
    if alone and " " in alone["words"].rstrip() and _WORDS.search(alone["words"]):
        return True
    return any(_says_left_out(words, whole=whole) for words, whole in _comments(line))


def _comments(line: str) -> list[tuple[str, bool]]:
    """Return the words of the comments that the line may hold, and whether it holds nothing else."""
    found = []
    for match in list(_COMMENT.finditer(line))[:8]:
        words = _END.sub("", line[match.end() :].rstrip()).strip()
        found.append((words, not line[: match.start()].strip()))
    return found


def _says_left_out(words: str, *, whole: bool) -> bool:
    if not words:
        return False
    if re.fullmatch(_DOTS, words) or _phrases().fullmatch(words):
        return True
    if not _SHORT.fullmatch(words):
        return False
    begins = re.match(_DOTS, words) is not None
    return bool(_WORDS.search(words)) or (whole and begins)


def is_cut_short(path: str, code: str) -> bool:
    """Whether a whole file leaves code out. In Python a line of three dots may be the body of a function."""
    lines = code.split("\n")
    if path.endswith((".py", ".pyi")):
        lines = [line for line in lines if line.strip() != "..."]
    return elided(lines, ()) is not None


def elided(new: Sequence[str], old: Sequence[str]) -> str | None:
    """Return the first line of the new ones that stands for code, and that the old ones do not hold; None if none.

    `name(...)` stands for the arguments if the old lines call `name` with others.
    """
    text = "\n".join(line[:_MOST] for line in new)
    had = Counter(line.strip() for line in old)
    for line in new if _HINT.search(text) else ():
        bare = line.strip()
        if had[bare]:
            had[bare] -= 1
        elif stands_for_code(line):
            return bare[:_MOST]
    before = "\n".join(old)
    for call in _CALL.finditer(text) if "(" in text else ():
        if call[0] not in before and f"{call['name']}(" in before:
            return call[0]
    return None


@cache
def _phrases() -> re.Pattern[str]:
    """Return what a comment says that stands for code. It takes 4 ms to compile, so this waits until one may."""
    return re.compile(
        rf"{_MARK}(?:(?:the\s+|all\s+|your\s+|and\s+)*(?:"
        rf"(?:rest|remainder)(?:\s+of\s+(?:\w+\s+){{0,4}}\w+)?(?:\s+(?:is|are|stays?|remains?|unchanged|as|before|the|same|here|goes))*"
        rf"|(?:existing|unchanged|remaining|previous|original|other)\s+(?:\w+\s+){{0,2}}(?:{_WHAT})"
        rf"(?:\s+(?:here|above|below|remains?|stays?|is|are|unchanged|as|before|the|same|goes|continues?|omitted|for|brevity))*"
        rf"|unchanged|omitted|snip(?:ped)?|elided|truncated|etc|as\s+before|same\s+as\s+(?:before|above)|no\s+changes?(?:\s+here)?"
        rf"|(?:{_CODE})\s+(?:(?:is|are|goes|was|were)\s+)?(?:here|remains?|stays?|omitted|unchanged|elided|snipped|continues?)"
        rf"(?:\s+(?:for\s+brevity|here|the\s+same|as\s+before|unchanged))*"
        rf")){_MARK}",
        re.IGNORECASE,
    )
