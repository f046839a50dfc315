"""What is wrong with a settings file, for the person who mends it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: The settings file, read from the base branch only: the head may be anybody's.
SETTINGS_PATH = ".github/reviewer.yml"

#: Problems that are reported; of more, their number.
MAX_PROBLEMS = 50

_LONGEST_KEY, _LONGEST_MESSAGE = 100, 400
_STOPPED = "; there is no safe default, so nothing is reviewed until this is corrected"


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing wrong with a settings file; `line` is 1-based, `key` is dotted, empty for the file as a whole.

    `stops`: the file cannot tell what may be reviewed or spent, so nothing is reviewed until it is mended.
    """

    key: str
    line: int
    message: str
    stops: bool = False
    path: str = SETTINGS_PATH

    def __str__(self) -> str:
        """Return the problem as text for a person."""
        return f"{self.path}:{self.line}: {f'`{self.key}`: ' if self.key else ''}{self.message}"


class SettingsReport:
    """Collects the problems of a file."""

    def __init__(self, path: str = SETTINGS_PATH) -> None:
        """Begin without problems. `path` is the file's."""
        self._path = path
        self._problems: list[SettingsProblem] = []

    def add(self, path: tuple[str, ...], line: int, message: str, *, stops: bool = False) -> None:
        """Add a problem of the key at that path; say so where it stops the review."""
        message = message[:_LONGEST_MESSAGE] + (_STOPPED if stops else "")
        self._problems.append(SettingsProblem(".".join(path[:2])[:_LONGEST_KEY], line, message, stops, self._path))

    @property
    def stops(self) -> bool:
        """Whether a problem stops the review."""
        return any(problem.stops for problem in self._problems)

    def shown(self) -> tuple[SettingsProblem, ...]:
        """Return the problems in the order of the file: of very many the first, all that stop, and a number."""
        ordered = sorted(self._problems, key=lambda problem: problem.line)
        if len(ordered) <= MAX_PROBLEMS:
            return tuple(ordered)
        rest = ordered[MAX_PROBLEMS:]
        stopping = next((problem for problem in rest if problem.stops), None)
        more = SettingsProblem("", rest[0].line, f"and {len(rest):,} more problems", stopping is not None, self._path)
        return (*ordered[:MAX_PROBLEMS], more)


def what_is_wrong(where: Sequence[str | int], message: str) -> str:
    """Return pydantic's message as the end of a sentence, with the place inside of the value."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    message = message.removeprefix("Value error, ")
    return f"{f'at `{place}`: ' if place else ''}{message[:1].lower()}{message[1:]}"
