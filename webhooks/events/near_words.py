"""Tell a misspelt command from a word that only looks like one. Pure.

Promises: in doubt there is no answer: a comment may hold a path such as `/etc`, or the command of another bot.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Commands of other programs that read the same comments (Prow, Dependabot, Renovate, PR-Agent, Atlantis, ...).
_OF_OTHERS_TEXT = (
    "add-docs approve assign azp backport build canary cancel cherry-pick cherrypick close cc ci-bot deploy "
    "dev docs format generate-labels gcbrun hold home improve invite kind label lgtm lifecycle lock log logs "
    "merge milestone ok ok-to-test opt packit plan preview priority proc rebase reassign recheck release "
    "remove reopen rerun reset restart retest retitle retry revert root run run-all skip snapshot sponsor "
    "squash srv stage start stop sync test-all tmp triage trigger unassign uncc unhold unlabel update "
    "update-changelog usr var verify wip"
)
_OF_OTHERS = frozenset(_OF_OTHERS_TEXT.split())

#: Words that people use for a command of ours.
_OTHER_WORDS = {"question": "ask", "costs": "cost", "price": "cost", "settings": "config", "unpause": "resume",
                "refactoring": "refactor", "ignore": "dismiss", "summary": "describe", "commands": "help"}  # fmt: skip

#: `/test` alone is meant for us; with something behind it, another bot may run a job of that name.
_ONLY_ALONE = {"test": "tests"}


def nearest(word: str, names: Sequence[str], *, is_alone: bool) -> str:
    """Return the command that a word in small letters was meant to be, or an empty text.

    `is_alone`: nothing follows the word on its line.
    """
    if word in _OF_OTHERS:
        return ""
    if (name := _OTHER_WORDS.get(word, "")) in names:
        return name
    if word in _ONLY_ALONE:
        return _ONLY_ALONE[word] if is_alone and _ONLY_ALONE[word] in names else ""
    near = [name for name in names if word[0] == name[0] and _distance(word, name) <= _most_wrong(word, name)]
    return min(near, key=lambda name: _distance(word, name), default="")


def _most_wrong(word: str, name: str) -> int:
    """Return how many letters may be wrong. A name of two letters has too many others beside it."""
    return 0 if len(name) < 3 else 2 if len(name) > 6 or word.startswith(name) else 1


def _distance(word: str, name: str) -> int:
    """Return how many letters are missing, too many, wrong or swapped with the next (optimal string alignment)."""
    if abs(len(word) - len(name)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(name) + 1))
    for i, letter in enumerate(word, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(name, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if older and j > 1 and (word[i - 2], letter) == (other, name[j - 2]):
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
