"""What a check found out, and how a list of them is printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reviewer.cli.console import print_line
from reviewer.errors import ReviewerError


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check. `code` is what the command ends with because of it: 0 where it is fine."""

    about: str
    text: str
    code: int = 0
    is_note: bool = False

    @classmethod
    def of(cls, about: str, error: ReviewerError) -> Diagnosis:
        """Return the failed check that an error describes."""
        return cls(about, str(error), error.exit_code or 2)


def printed(results: Iterable[Diagnosis]) -> int:
    """Print each result as it comes, and return the highest code."""
    code = 0
    for result in results:
        mark = "FAIL" if result.code else "note" if result.is_note else "ok"
        first, *rest = result.text.splitlines() or [""]
        print_line("\n".join([f"{mark:<4} {result.about}: {first}", *(f"     {line}" for line in rest)]))
        code = max(code, result.code)
    return code
