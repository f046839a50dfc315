"""Count what clicks would do to real files: `python -m bench.asking.clicks [FILE...]`, else files of this repository.

Each file gets random edits that leave it sound; each edit is spoilt in every way that models spoil suggestions. A click
on what is offered must give the true file. Edits and spoilings are those of the tests
(`tests/reviewer/tasks/verification`), which run them on files of their own.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

from bench.table import show
from reviewer.tasks.verification.suggestions import ProvenSuggestion, prove_suggestion
from tests.paths import ROOT
from tests.reviewer.tasks.verification.clicked_files import FILES
from tests.reviewer.tasks.verification.spoilings import spoilt
from tests.reviewer.tasks.verification.true_edits import Edit, clicked, true_edits

EDITS = 14  # for each file
OURS = (
    "reviewer/domain/settings.py reviewer/diff/sections.py reviewer/safety/redaction.py webhooks/publishing/plan.py "
    "tests/webhooks/publishing/test_plan.py docs/tests.md docs/install.md CHANGELOG.md Makefile Dockerfile action.yml "
    "pyproject.toml"
)


def main(paths: list[str] | None = None) -> None:
    """Print the table, and each wrong offer."""
    files = [Path(path) for path in paths or []] or [ROOT / path for path in OURS.split()]
    FILES.clear()
    FILES.update({str(path): path.read_text("utf-8") for path in files})
    true, counts, wrong = Counter[str](), Counter[str](), Counter[str]()
    for path in FILES:
        chance = random.Random(Path(path).name)
        for edit in _placed(path, chance):
            true[_outcome(edit, "\n".join(edit.new))] += 1
            for kind, suggestion in spoilt(edit, chance):
                outcome = _outcome(edit, suggestion)
                counts[outcome] += 1
                if outcome == "wrong":
                    wrong[kind] += 1
                    print(f"{kind}, {path}:{edit.start + 1}: {suggestion!r}")
    rows = [[name, found.total(), *(found[key] for key in ("true file", "advice", "wrong"))] for name, found in
            (("true edits", true), ("spoilt suggestions", counts))]  # fmt: skip
    show(
        f"Clicks on suggestions for {len(files)} files (aim: no true edit lost, nothing wrong)",
        ["suggestions", "tried", "a click gives the true file", "shown as advice", "a click gives another file"],
        rows,
    )
    print(*(f"{kind}: {count}" for kind, count in wrong.most_common()), sep="\n")


def _placed(path: str, chance: random.Random) -> list[Edit]:
    """Return edits whose old lines are found where they stand: some stand twice in a file."""
    return [edit for edit in true_edits(path, chance, EDITS) if _start(edit) == edit.start + 1]


def _start(edit: Edit) -> int:
    try:
        anchor = edit.located().anchor
    except AssertionError:
        return 0
    return anchor.start_line or anchor.line


def _outcome(edit: Edit, suggestion: str) -> str:
    head, place = FILES[edit.path], edit.located()
    result = prove_suggestion(place, suggestion, head)
    if not isinstance(result, ProvenSuggestion):
        return "advice"
    return "true file" if clicked(head, place, result.text) == edit.after else "wrong"


if __name__ == "__main__":
    main(sys.argv[1:])
