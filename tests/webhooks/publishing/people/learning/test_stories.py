"""Stories of learning: what people dismiss is not shown again, is listed, can be forgotten, is offered as a setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reviewer.llm.messages import Ask, Prompt, Task
from tests.fakes.github import World
from tests.fakes.github.model.records import ACTIONS_WRITE
from tests.fakes.github.model.state import Pull, ReviewComment
from tests.fixtures.scenarios import DELETE, model, watched
from tests.stories.tellers import KINDS, Teller, nobody, talks
from webhooks.github.credentials import Credentials
from webhooks.github.repository import connect
from webhooks.handling.handle import JobOutcome
from webhooks.publishing.people.learning.dismissed import DismissalMemory
from webhooks.publishing.people.learning.offer import BRANCHES
from webhooks.publishing.people.learning.own_summaries import OwnSummaries
from webhooks.publishing.people.learning.preferences import kinds_of
from webhooks.publishing.people.learning.settings_edit import with_instruction
from webhooks.queue.store import dismissals
from webhooks.queue.store.database import Database
from webhooks.queue.store.dismissals import StoredMemory

pytestmark = pytest.mark.slow

REASON = "every caller checks it first"
SENTENCE = f'Do not report bug findings such as "{DELETE["title"]}" in src/cart.py: {REASON}'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/jobs.sqlite3")
    database.open()
    database.create_tables()
    yield database
    database.close()


class Learner:
    """Acts on pull requests that all change the same file, and remembers as the App or as a workflow does."""

    def __init__(self, teller: Teller, store: Database) -> None:
        self.teller, self.github, self._store = teller, teller.github, store
        self.pulls = [teller.github.pull]

    def memory(self, pull: Pull) -> DismissalMemory:
        if not self.teller.token:
            return StoredMemory(self._store, self.github.repo.full_name, float("inf"))
        credentials = Credentials(api_url=self.github.url, token=self.teller.token)
        return OwnSummaries(connect(credentials, self.github.repo.full_name), pull.number)

    def run(self, delivery: object, ask: Ask, pull: Pull) -> JobOutcome:
        return self.teller.run(delivery, ask, memory=self.memory(pull))

    def another(self, *paths: str) -> object:
        """Open one more pull request with the same change, in other files where paths are named."""
        first = self.pulls[0]
        git = self.github.repo.git
        entry = git.at(first.head, "src/cart.py")
        assert entry is not None
        text = git.blob(entry.sha).decode()
        branch = f"again-{len(self.pulls)}"
        self.github.repo.commit(dict.fromkeys(paths or ("src/cart.py",), text), "Again", branch=branch)
        opened = self.github.open_pull(self.github.repo, branch, title="Again")
        self.pulls.append(self.github.repo.pulls[-1])
        return opened

    def reviewed(self, opened: object, path: str = "src/cart.py", **finding: object) -> ReviewComment:
        """Review a pull request; return the comment on its one finding."""
        pull = self.pulls[-1]
        self.run(opened, model(DELETE | {"path": path} | finding), pull)
        self.github.forgive()
        return pull.review_comments()[-1]

    def dismiss(self, comment: ReviewComment, by: str = "mona", words: str = f"/dismiss {REASON}") -> None:
        self.run(self.github.reply(comment, words, by=by), nobody, self.pulls[-1])
        self.github.forgive()


@pytest.fixture(params=KINDS)
def learner(request: pytest.FixtureRequest, github: World, store: Database) -> Learner:
    return Learner(Teller(github, request.param), store)


def finders(prompts: list[Prompt]) -> str:
    return "\n".join(prompt.messages[1].content for prompt in prompts if prompt.task is Task.FINDINGS)


def summary_of(pull: Pull) -> str:
    return next(one.body for one in pull.issue.comments.values() if "reviewer:summary" in one.body)


def test_what_was_dismissed_is_not_shown_again(learner: Learner) -> None:
    """In the same file of another pull request: the finder is told, the finding counted, and `/config` lists it."""
    learner.dismiss(learner.reviewed(learner.github.opened))
    opened = learner.another()
    ask, prompts = watched(model(DELETE))
    learner.run(opened, ask, learner.pulls[-1])
    assert SENTENCE in finders(prompts)
    assert learner.pulls[-1].review_comments() == []
    summary = summary_of(learner.pulls[-1])
    assert "1 finding is not shown, since such a finding was dismissed before by people with write access" in summary
    assert "1 not wanted" in summary
    learner.github.forgive()
    learner.run(learner.github.comment(learner.pulls[-1], "/config", by="mona"), nobody, learner.pulls[-1])
    answer = list(learner.pulls[-1].issue.comments.values())[-1].body
    assert "1 preference learned from dismissals" in answer
    assert REASON in answer
    assert f"/pull/{learner.pulls[0].number}#discussion_r" in answer
    assert "by `mona`" in answer
    learner.github.forgive()


@pytest.mark.parametrize(
    "changed",
    [{"severity": "warning"}, {"category": "security"}, {"title": "Prices below zero are accepted"}],
    ids=["worse than before", "another kind", "another defect"],
)
def test_only_the_like_is_held_back(learner: Learner, changed: dict[str, str]) -> None:
    """A worse finding than the dismissed one, of another category or about something else, is shown."""
    worse = "severity" in changed
    learner.dismiss(learner.reviewed(learner.github.opened, **(changed if worse else {})))
    opened = learner.another()
    comment = learner.reviewed(opened, **({} if worse else changed))
    assert str((DELETE | changed)["title"]) in comment.body


def test_another_file_is_not_meant(learner: Learner) -> None:
    """One dismissal speaks for its file only."""
    learner.dismiss(learner.reviewed(learner.github.opened))
    assert learner.reviewed(learner.another("lib/cart.py"), "lib/cart.py").thread.place.path == "lib/cart.py"


def nobody_may(learner: Learner, comment: ReviewComment) -> None:
    author = learner.pulls[0].user.login
    learner.github.repo.permissions[author] = "read"
    learner.dismiss(comment, by=author)


def only_resolved(learner: Learner, comment: ReviewComment) -> None:
    learner.github.resolve(comment.thread, by="mona")
    learner.run(learner.github.comment(learner.pulls[-1], "/review full", by="mona"), model(DELETE), learner.pulls[-1])
    learner.github.forgive()


def all_at_once(learner: Learner, _: ReviewComment) -> None:
    learner.run(learner.github.comment(learner.pulls[-1], "/dismiss all", by="mona"), nobody, learner.pulls[-1])
    learner.github.forgive()


@pytest.mark.parametrize("act", [nobody_may, only_resolved, all_at_once])
def test_nothing_is_learned_from_what_says_nothing(
    learner: Learner, act: Callable[[Learner, ReviewComment], None]
) -> None:
    """A person without write access, a thread that was only resolved, `/dismiss all`: the next review shows it."""
    learner.github.push_to_base(learner.github.repo, {".github/reviewer.yml": "review: {author_may_dismiss: true}\n"})
    comment = learner.reviewed(learner.github.opened)
    act(learner, comment)
    assert learner.reviewed(learner.another()).thread.place.path == "src/cart.py"


def test_it_is_turned_off_by_a_setting(learner: Learner) -> None:
    """With `review.learn: false` nothing is remembered, told or held back."""
    learner.github.push_to_base(learner.github.repo, {".github/reviewer.yml": "review:\n  learn: false\n"})
    learner.dismiss(learner.reviewed(learner.github.opened))
    opened = learner.another()
    ask, prompts = watched(model(DELETE))
    learner.run(opened, ask, learner.pulls[-1])
    learner.github.forgive()
    assert REASON not in finders(prompts)
    assert len(learner.pulls[-1].review_comments()) == 1


def test_a_withdrawn_finding_teaches_too(learner: Learner) -> None:
    """Who contradicts rightly, with write access, has said what not to report."""
    comment = learner.reviewed(learner.github.opened)
    reply = learner.github.reply(comment, "The caller rules that out, see add().", by="mona")
    learner.run(reply, talks("You are right.", "withdrawn"), learner.pulls[-1])
    learner.github.forgive()
    opened = learner.another()
    ask, prompts = watched(model(DELETE))
    learner.run(opened, ask, learner.pulls[-1])
    learner.github.forgive()
    assert "The caller rules that out, see add()" in finders(prompts)
    assert learner.pulls[-1].review_comments() == []
    assert "after `mona`" in summary_of(learner.pulls[0])


def three_times(learner: Learner) -> None:
    """Dismiss such a finding in three files of one folder."""
    learner.dismiss(learner.reviewed(learner.github.opened))
    for path in ("src/basket.py", "src/shop/till.py"):
        learner.dismiss(learner.reviewed(learner.another(path), path))


def may_write(learner: Learner) -> None:
    """Let the App, or the workflow, write contents and open pull requests."""
    github = learner.github
    github.accept_permissions(github.installation, contents="write")
    github.repo.actions_can_approve = True
    if learner.teller.token:
        learner.teller.token = github.actions_token(github.repo, {**ACTIONS_WRITE, "contents": "write"})


def offered(github: World) -> list[Pull]:
    return [pull for pull in github.repo.pulls if pull.issue.title == "Tell the reviewer what not to report"]


def test_three_of_a_kind_are_offered_once_as_a_setting(learner: Learner) -> None:
    """A pull request adds one sentence to the settings, with links to who said so; closed, it is not offered again."""
    settings = "# ours\nreview:\n  # be brief\n  instructions: |\n    Be kind.\n  max_comments: 3\n"
    learner.github.push_to_base(learner.github.repo, {".github/reviewer.yml": settings})
    may_write(learner)
    three_times(learner)
    (pull,) = offered(learner.github)
    git = learner.github.repo.git
    (changed,) = [line for line in git.diff(pull.base, pull.head).decode().split("\n") if line.startswith("+    ")]
    assert changed == f"+    {SENTENCE.replace('src/cart.py', 'src/')}."
    for named in learner.pulls:
        assert f"/pull/{named.number}#discussion_r" in (pull.issue.body or "")
    learner.github.close(pull)
    opened = learner.another("src/more.py")
    ask, prompts = watched(model(DELETE | {"path": "src/more.py"}))
    learner.run(opened, ask, learner.pulls[-1])
    learner.github.forgive()
    assert "in src/: " in finders(prompts)
    assert learner.pulls[-1].review_comments() == []
    comment = learner.reviewed(learner.another("lib/other.py"), "lib/other.py")
    learner.dismiss(comment)
    assert len(offered(learner.github)) == 1


def nothing_left_behind(learner: Learner) -> None:
    """Neither an offer nor a branch; the dismissals are done and still known."""
    assert offered(learner.github) == []
    assert not [name for name in learner.github.repo.git.branches() if name.startswith("reviewer/")]
    opened = learner.another("src/more.py")
    learner.run(opened, model(DELETE | {"path": "src/more.py"}), learner.pulls[-1])
    learner.github.forgive()
    assert learner.pulls[-1].review_comments() == []


def test_without_permission_to_write_nothing_is_offered(learner: Learner) -> None:
    """Without `contents: write` there is no offer."""
    three_times(learner)
    nothing_left_behind(learner)


def test_a_workflow_that_may_not_open_pull_requests(github: World, store: Database) -> None:
    """The branch for the offer is deleted again."""
    learner = Learner(Teller(github, "a workflow"), store)
    may_write(learner)
    github.repo.actions_can_approve = False
    three_times(learner)
    nothing_left_behind(learner)


def test_an_offer_that_was_killed_is_finished(github: World, store: Database) -> None:
    """The branch with its commit is there: the next dismissal opens the pull request for it, and commits nothing."""
    learner = Learner(Teller(github, "the App"), store)
    may_write(learner)
    learner.dismiss(learner.reviewed(github.opened))
    learner.dismiss(learner.reviewed(learner.another("src/basket.py"), "src/basket.py"))
    comment = learner.reviewed(learner.another("src/shop/till.py"), "src/shop/till.py")
    (kind,) = kinds_of(StoredMemory(store, github.repo.full_name, float("inf")).known())
    sentence = f"{SENTENCE.replace('src/cart.py', 'src/')}."
    text = with_instruction("", sentence)
    sha = github.repo.commit({".github/reviewer.yml": text or ""}, "Ours", branch=f"{BRANCHES}{kind.key}")
    learner.dismiss(comment)
    (pull,) = offered(github)
    assert pull.head == sha


def test_what_an_operator_forgets_does_not_come_back(github: World, store: Database) -> None:
    """Not with the next review of the pull request on which it was dismissed either."""
    learner = Learner(Teller(github, "the App"), store)
    learner.dismiss(learner.reviewed(github.opened))
    with store.write() as connection:
        (entry,) = dismissals.known(connection, github.repo.full_name)
        forgotten = dismissals.forget(connection, [entry.id])
    assert forgotten == [entry]
    assert entry.finding.why == REASON
    learner.run(github.comment(learner.pulls[-1], "/review full", by="mona"), model(DELETE), learner.pulls[-1])
    github.forgive()
    with store.read() as connection:
        assert dismissals.known(connection, github.repo.full_name) == []
    assert learner.reviewed(learner.another()).thread.place.path == "src/cart.py"


def test_others_cannot_teach_through_a_summary(github: World, store: Database) -> None:
    """A comment with our markers that somebody else wrote, as a copy of ours, teaches a workflow nothing."""
    learner = Learner(Teller(github, "a workflow"), store)
    learner.dismiss(learner.reviewed(github.opened))
    ours = next(one for one in learner.pulls[0].issue.comments.values() if "reviewer:summary" in one.body)
    copy = ours.body
    github.delete_comment(ours)
    github.comment(learner.pulls[0], copy, by="mona")
    assert learner.reviewed(learner.another()).thread.place.path == "src/cart.py"
