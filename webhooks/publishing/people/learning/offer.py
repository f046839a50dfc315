"""Offer, once, a pull request that adds to the settings what people of a repository dismissed again and again.

Promises: one kind of finding is offered at most once, also when its pull request was closed; may be killed at any
moment and repeated; writes to a branch of its own only, and nothing but the settings file.
"""

from __future__ import annotations

import logging

from reviewer.domain.settings import Settings
from reviewer.domain.settings_files import SETTINGS_PATHS
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.safety.prompt_text import prose
from webhooks.github.branches import Branches
from webhooks.github.errors import Forbidden, NotFound, Unprocessable
from webhooks.github.repository import Repository
from webhooks.publishing.people.learning.preferences import Kind
from webhooks.publishing.people.learning.settings_edit import says, with_instruction

log = logging.getLogger(__name__)

#: The beginning of the names of our branches for this.
BRANCHES = "reviewer/preference-"

#: Characters of the sentence that is added.
_LONGEST_SENTENCE = 400

#: Dismissals that the pull request names.
_MOST_NAMED = 10

_TITLE = "Tell the reviewer what not to report"


def offer_setting(repository: Repository, base: str, settings: Settings, kind: Kind) -> None:
    """Open the pull request against that branch, if none was ever opened for this kind. Raises GitHubError."""
    sentence = sentence_of(kind)
    if says(settings.review.instructions, sentence):
        return
    branches, branch = repository.branches(), f"{BRANCHES}{kind.key}"
    if branches.pull_from(branch) is not None:
        return
    tip = _branched(branches, branch, base)
    if tip is None:
        return
    path, text = _settings_file(repository, tip)
    if (edited := with_instruction(text, sentence)) is not None:
        message = (_TITLE, f"Such findings were dismissed {len(kind.dismissed)} times.")
        branches.commit(branch, onto=tip, message=message, files={path: edited})
    elif not says(text, sentence):
        branches.delete(branch)
        log.info("settings cannot be added to", extra={"repository": repository.name, "path": path})
        return
    try:
        branches.open_pull(branch, base=base, title=_TITLE, body=_body(kind, sentence, path))
    except Forbidden:  # a workflow may not, unless the repository's settings let it
        branches.delete(branch)
        raise
    except Unprocessable as error:  # another job has just opened it
        log.info("setting not offered", extra={"repository": repository.name, "why": str(error)})


def sentence_of(kind: Kind) -> str:
    """Return the sentence for the settings: in one line, without secrets."""
    preference = kind.preferences()[0]
    return " ".join(prose(preference.sentence(), _LONGEST_SENTENCE).split()).rstrip(" .") + "."


def _branched(branches: Branches, branch: str, base: str) -> str | None:
    """Return the head of our branch, which is created where there is none; None where the base is gone."""
    if (tip := branches.head(branch)) is not None:
        return tip
    if (head := branches.head(base)) is None:
        return None
    branches.create(branch, head)
    return head


def _settings_file(repository: Repository, revision: str) -> tuple[str, str]:
    """Return the path of the settings file, and its text; the text is empty where there is none yet."""
    for path in SETTINGS_PATHS:
        try:
            return path, repository.contents().file(revision, path)
        except NotFound:
            continue
    return SETTINGS_PATHS[0], ""


def _body(kind: Kind, sentence: str, path: str) -> str:
    rows = [
        f"- [{neutralise(finding.title)}]({finding.url}), by {code_span(finding.by)}"
        + (f": {neutralise(finding.why)}" if finding.why else "")
        for finding in kind.dismissed[-_MOST_NAMED:]
    ]
    begin = (
        f"People with write access dismissed {len(kind.dismissed)} findings of one kind. This adds a sentence to "
        f"{code_span(path)}, so that everybody can see and change what the reviewer is told:"
    )
    end = "Merge it, edit it, or close it: it is offered only once. `review.learn: false` turns such learning off."
    return "\n".join([begin, "", f"> {neutralise(sentence)}", "", *rows, "", end])
