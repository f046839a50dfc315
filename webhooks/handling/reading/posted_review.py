"""What we posted on a pull request and the settings by which it counts, for commands that make no review."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reviewer.domain.settings import FailLevel, Settings
from webhooks.github.types import Pull
from webhooks.handling.base_files import read_base
from webhooks.handling.job_context import JobContext
from webhooks.publishing.ledger import PostedState, current_ledger
from webhooks.publishing.markers.summary import Ledger
from webhooks.publishing.read_posted import read_posted
from webhooks.publishing.restate import restate


@dataclass(frozen=True, slots=True)
class PostedReview:
    """What is posted, whose settings hold for it, and the ledger as it is now."""

    posted: PostedState
    settings: Settings
    ledger: Ledger
    level: FailLevel

    def write(self, context: JobContext, pull: Pull, ledger: Ledger) -> str:
        """Write the summary for another ledger, and return its address."""
        return restate(context.repository, pull, self.posted, ledger, self.level)


def read_posted_review(context: JobContext, pull: Pull) -> PostedReview:
    """Return what is posted on the pull request. Raises SettingsUnreadable and other GitHubErrors."""
    repository = context.repository
    settings = read_base(repository, pull, ()).settings
    login = repository.identity(pull.number)
    posted = read_posted(repository, pull, login, author_may_dismiss=settings.review.author_may_dismiss)
    ledger = posted.ledger or Ledger(base=pull.base_sha, base_ref=pull.base_ref)
    level = context.fail_level or settings.review.fail_level
    return PostedReview(posted, settings, replace(ledger, entries=current_ledger(posted)), level)
