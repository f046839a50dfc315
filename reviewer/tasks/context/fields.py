"""Find the fields of an object that a change sets, and where the rest of their class uses them. Pure.

Code that sets a field to something else changes what its readers do. The readers call nothing that changed, so no
other search finds them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from reviewer.languages.outline import Outline, code_on

#: Fields of one file, and uses of one field, that are shown.
MAX_FIELDS, MAX_FIELD_USES = 3, 3

_OWN = r"(?:\b(?:self|this)\s?\.\s?|\$this\s?->\s?|(?<![\w@])@)"
_SET = re.compile(_OWN + r"(?P<name>[A-Za-z_]\w*)\s*(?:[-+*/%|&^]|\|\||&&|\?\?|<<|>>|\*\*)?=(?![=>~])")


def fields_set_on(path: str, lines: Iterable[str]) -> tuple[str, ...]:
    """Return the fields of their own object that the lines set, in order: `total` of `self.total = 1`."""
    names = (match["name"] for code in code_on(path, lines) for match in _SET.finditer(code))
    return tuple(dict.fromkeys(names))


def field_uses(path: str, name: str, outline: Outline, passed_over: Collection[int]) -> list[int]:
    """Return the 1-based lines that use a field of that name, those that read it first."""
    used = re.compile(_OWN + re.escape(name) + r"\b(?!\s*\()")
    found = [
        number
        for number, code in enumerate(code_on(path, outline.lines), 1)
        if number not in passed_over and name in code and used.search(code)
    ]
    sets = {number for number in found if name in fields_set_on(path, [outline.lines[number - 1]])}
    return sorted(found, key=lambda number: (number in sets, number))[:MAX_FIELD_USES]
