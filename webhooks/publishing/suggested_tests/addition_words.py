"""The sentences that say why files were not added to a pull request, and what to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.safety.code_blocks import code_span

#: What GitHub says of a branch whose rules refuse a commit.
PROTECTED = re.compile(r"protected|rule violation|must be made through|review is required", re.IGNORECASE)
_ARCHIVED = "The repository is archived, so nothing can be committed: unarchive it first."


@dataclass(frozen=True, slots=True)
class AdditionWords:
    """What the sentences call the files (`what`), how to ask `again`, how to `copy` them, and which commands add them.

    `commit` is the command that commits to the branch, `either` are both commands.
    """

    what: str
    again: str
    copy: str
    commit: str
    either: str

    @property
    def gone(self) -> str:
        """The sentence for a branch that was deleted."""
        return f"The pull request's branch was deleted: restore it, then {self.again}."

    @property
    def moved(self) -> str:
        """The sentence for a branch that has new commits."""
        return f"The branch has new commits since the tests were run: {self.again}."

    def closed(self, number: int) -> str:
        """Return the sentence for a pull request of ours that somebody closed."""
        return f"{self.what} for this commit were proposed in #{number}, which was closed: reopen it."

    def ruled(self, branch: str, message: str) -> str:
        """Return the sentence for a refusal of GitHub, with GitHub's words as code."""
        if PROTECTED.search(message):
            return (
                f"The branch {code_span(branch)} is protected ({code_span(message)}): let the reviewer bypass its "
                f"rules, or use the other one of {self.either}."
            )
        return f"GitHub refused it ({code_span(message)}): {self.copy}, or remove the cause and {self.again}."

    def forbidden(self, message: str) -> str:
        """Return the sentence for a permission that is missing."""
        if "archived" in message:
            return _ARCHIVED
        if "not permitted to create or approve pull requests" in message:
            return (
                "This repository does not allow Actions to open pull requests: allow it in Settings, Actions, General, "
                f"or use {self.commit}."
            )
        return (
            "The reviewer may not write here: grant it `contents: write` (for a pull request `pull_requests: write` "
            f"too) in the App's or the workflow's permissions, then {self.again} (a new grant may take an hour)."
        )


TESTS_WORDS = AdditionWords(
    "The tests", "ask for the tests again", "copy the tests from the summary", "`/tests commit`",
    "`/tests pull` and `/tests commit`",
)  # fmt: skip
FIXES_WORDS = AdditionWords(
    "The fixes", "ask for the fix again", "`/prove` in the thread of a finding shows its fix", "`/fix`",
    "`/fix pull` and `/fix`",
)  # fmt: skip
