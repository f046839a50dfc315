"""Make a changed file throw as soon as it is used: a test that still passes does not use it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Code for the end of a file, which runs when the file is loaded.
_AT_LOAD = {
    "javascript": '\nthrow new Error("canary");\n',
    "go": '\nfunc init() { panic("canary") }\n',
    "ruby": '\nraise "canary"\n',
}

#: The head of a function with its opening brace, and the code to put after it. The whole program is built, whether the
#: file is used or not, so the canary must compile and throw only where it is run.
_RUST = (re.compile(r"^[^\n/]{0,200}\bfn\s+\w[^;{}]{0,1000}\{", re.MULTILINE), ' if true { panic!("canary"); }')
_JAVA = (
    re.compile(r"^[^\n/*]{0,200}\b(?:class|record)\s+\w[^;{}]{0,1000}\{", re.MULTILINE),
    ' static { if (true) throw new IllegalStateException("canary"); }',
)
_INSIDE = {"rust": _RUST, "java": _JAVA}


def throwing(language: str, text: str, lines: Iterable[int]) -> str | None:
    """Return the file with a canary for changed lines (1-based); None if there is no place for one."""
    if language in _AT_LOAD:
        return text + _AT_LOAD[language]
    head, canary = _INSIDE[language]
    heads = [found.end() for found in head.finditer(text)]
    ends = [0]
    for row in text.split("\n"):
        ends.append(ends[-1] + len(row) + 1)
    chosen: set[int] = set()
    for line in lines:
        above = [place for place in heads if line < len(ends) and place <= ends[line]]
        # Only the function that contains the line, but all classes that may contain it.
        chosen.update(above[-1:] if language == "rust" else above)
    for place in sorted(chosen, reverse=True):
        text = text[:place] + canary + text[place:]
    return text if chosen else None
