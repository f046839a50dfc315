"""Write what the maintainers dismissed before, for the finder of a part of a change. Pure.

The same preferences give the same text. Each keeps its number in the change, whatever part is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reviewer.domain.findings import Preference
from reviewer.safety.prompt_text import prose

#: Preferences in one prompt, characters of each, and of all.
MAX_PREFERENCES, MAX_PREFERENCE, MAX_CHARACTERS = 20, 500, 4_000


def dismissed_before(preferences: Sequence[Preference], paths: Collection[str]) -> str:
    """Return the preferences that hold for one of the files, a numbered line each; what has no room is left out."""
    about = [
        (number, preference)
        for number, preference in enumerate(preferences, 1)
        if any(preference.holds_for(path) for path in paths)
    ]
    lines: list[str] = []
    room = MAX_CHARACTERS
    for number, preference in about[:MAX_PREFERENCES]:
        line = f"{number}. {' '.join(prose(preference.sentence(), MAX_PREFERENCE).split())}"
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)
