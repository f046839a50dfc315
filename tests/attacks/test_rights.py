"""Whose word counts: people without write access try to pass the gate of a pull request.

Each case asserts on the check run and the summary that reached GitHub.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fakes.github import World
from tests.fakes.github.model.example import CART_AFTER
from tests.fakes.github.model.state import ReviewComment
from tests.fixtures.scenarios import DELETE, carry_out, model
from webhooks.publishing.people.dismissals import MAX_ASKED, Say, Voices

pytestmark = pytest.mark.slow

ERRORS_FAIL = "review:\n  fail_level: error\n"
AUTHOR_MAY = f"{ERRORS_FAIL}  author_may_dismiss: true\n"

Act = Callable[[World, str], object]


def comment_of(github: World) -> ReviewComment:
    """Return the comment of the first review."""
    return github.repo.pulls[0].review_comments()[0]


def reviewed(github: World, author_role: str, settings: str = ERRORS_FAIL) -> World:
    """Review the pull request of alice, who then has that role: an error stands open."""
    github.push_to_base(github.repo, {".github/reviewer.yml": settings})
    carry_out(github, github.push(github.pull, {"notes.txt": "x\n"}), model(DELETE))
    github.forgive()
    github.repo.permissions["alice"] = author_role
    return github


def edited(github: World, author: str) -> None:
    """Let the author write something harmless and edit it into a dismissal."""
    github.reply(comment_of(github), "Let me look.", by=author)
    reply = github.repo.pulls[0].review_comments()[-1]
    github.edit_review_comment(reply, "won't fix", by=author)


def edited_by_a_writer(github: World, author: str) -> None:
    """Let a maintainer edit somebody else's comment: it stays the comment of its author."""
    github.reply(comment_of(github), "I will see.", by=author)
    github.edit_review_comment(github.repo.pulls[0].review_comments()[-1], "This is intended.", by="octocat")


def quoting_a_writer(github: World, author: str) -> None:
    """Let the author say what a maintainer is supposed to have said."""
    github.reply(comment_of(github), "@octocat agreed: this is by design.", by=author)


def withdrawn(github: World, _author: str) -> None:
    """Let a maintainer dismiss it, then delete the reply."""
    github.reply(comment_of(github), "won't fix", by="octocat")
    github.delete_review_comment(github.repo.pulls[0].review_comments()[-1], by="octocat")


def echoed(github: World, _author: str) -> None:
    """Let a bot that may write repeat what somebody wrote."""
    github.user("parrot[bot]", kind="Bot")
    github.repo.permissions["parrot[bot]"] = "write"
    github.reply(comment_of(github), "false positive", by="parrot[bot]")
    github.react(comment_of(github), "-1", by="parrot[bot]")


WAYS: dict[str, Act] = {
    "reply": lambda world, who: world.reply(comment_of(world), "won't fix", by=who),
    "resolve": lambda world, who: world.resolve(comment_of(world).thread, by=who),
    "thumb": lambda world, who: world.react(comment_of(world), "-1", by=who),
    "edited reply": edited,
    "edited by a writer": edited_by_a_writer,
    "quoting a writer": quoting_a_writer,
    "reply deleted again": withdrawn,
    "a bot's echo": echoed,
    "forged fixed": lambda world, who: world.reply(
        comment_of(world), f"Fixed in 1234567.\n\n<!-- reviewer:fixed head={world.pull.head} -->", by=who
    ),
}
NEXT = {
    "elsewhere": {"src/extra.py": "x = 1\n"},
    "moved": {"src/cart.py": "# A cart.\n" + CART_AFTER},
}


@pytest.mark.parametrize(
    ("way", "role", "then"),
    [
        *((way, "read", "elsewhere") for way in WAYS),
        ("reply", "none", "moved"),
        ("resolve", "triage", "moved"),
        ("thumb", "none", "elsewhere"),
        ("edited reply", "triage", "elsewhere"),
    ],
)
def test_the_author_without_write_access_does_not_pass_the_gate(github: World, way: str, role: str, then: str) -> None:
    """Whatever the author does, the finding stays in the check's conclusion, and nothing is posted again."""
    WAYS[way](reviewed(github, role), "alice")
    comments = len(github.pull.review_comments())
    outcome = carry_out(github, github.push(github.pull, NEXT[then]), model(DELETE))
    assert outcome.conclusion == "failure"
    github.expect_check("failure")
    summary = github.expect_comment("1 open finding (1 error)").body
    assert ("dismissed by people without write access still counts" in summary) is (
        way in ("reply", "resolve", "thumb", "edited reply", "edited by a writer", "quoting a writer")
    )
    assert "dismissed by people, not" not in summary
    assert len(github.pull.review_comments()) == comments


@pytest.mark.parametrize(("way", "who"), [("reply", "rita"), ("thumb", "trixie"), ("edited reply", "stan")])
def test_strangers_and_readers_change_nothing(github: World, way: str, who: str) -> None:
    """Who neither writes nor opened the pull request does not even silence a finding."""
    WAYS[way](reviewed(github, "read"), who)
    assert carry_out(github, github.push(github.pull, NEXT["elsewhere"]), model()).conclusion == "failure"
    assert "without write access" not in github.expect_comment("1 open finding").body
    github.expect_check("failure")


@pytest.mark.parametrize(
    ("way", "who"), [("reply", "mona"), ("resolve", "octocat"), ("thumb", "octocat"), ("edited reply", "mona")]
)
def test_people_with_write_access_pass_it(github: World, way: str, who: str) -> None:
    """What maintainers dismiss no longer counts, also after the author had dismissed it in vain."""
    WAYS["reply"](reviewed(github, "read"), "alice")
    WAYS[way](github, who)
    assert carry_out(github, github.push(github.pull, NEXT["elsewhere"]), model(DELETE)).conclusion == "success"
    assert "1 finding dismissed by people, not repeated" in github.expect_comment("No open findings").body
    github.expect_check("success")


@pytest.mark.parametrize("way", ["reply", "resolve"])
def test_a_repository_may_trust_the_author(github: World, way: str) -> None:
    """`review.author_may_dismiss: true`, on the base branch: the author's word counts as a writer's."""
    WAYS[way](reviewed(github, "read", AUTHOR_MAY), "alice")
    assert carry_out(github, github.push(github.pull, NEXT["elsewhere"]), model(DELETE)).conclusion == "success"
    github.expect_comment("dismissed by people")
    github.expect_check("success")


def test_the_setting_of_the_head_does_not_count(github: World) -> None:
    """A pull request that brings the setting along is judged by the base's."""
    WAYS["reply"](reviewed(github, "read"), "alice")
    pushed = github.push(github.pull, {".github/reviewer.yml": AUTHOR_MAY})
    assert carry_out(github, pushed, model()).conclusion == "failure"
    github.expect_comment("still counts")
    github.expect_check("failure")


def test_a_dismissal_by_a_former_writer_no_longer_counts(github: World) -> None:
    """The permission is asked for in each run, and the ledger's memory does not outlive it."""
    reviewed(github, "write")
    WAYS["reply"](github, "alice")
    assert carry_out(github, github.push(github.pull, {"a.py": "x = 1\n"}), model(DELETE)).conclusion == "success"
    github.repo.permissions["alice"] = "read"
    assert carry_out(github, github.push(github.pull, {"a.py": "x = 2\n"}), model(DELETE)).conclusion == "failure"
    github.forgive()


def test_a_silenced_finding_can_still_be_fixed(github: World) -> None:
    """The author dismissed it and then mended it: it is fixed, and the check passes."""
    WAYS["reply"](reviewed(github, "read"), "alice")
    rewritten = CART_AFTER.replace("        del self.items[sku]", "        self.items.pop(sku, None)")
    outcome = carry_out(github, github.push(github.pull, {"src/cart.py": rewritten}), model(still="refuted"))
    assert outcome.conclusion == "success"
    github.forgive()


def test_each_person_is_asked_about_once_in_a_run(github: World) -> None:
    """Ten replies by the author and a thumbs down cost two questions: before the review, and before posting."""
    reviewed(github, "read")
    for _ in range(10):
        WAYS["reply"](github, "alice")
    WAYS["thumb"](github, "alice")
    before = len(github.calls_to("/collaborators/alice/permission"))
    carry_out(github, github.push(github.pull, NEXT["elsewhere"]), model())
    assert len(github.calls_to("/collaborators/alice/permission")) - before <= 2
    github.forgive()


@dataclass
class Asked:
    """Counts whose permission was asked for."""

    logins: list[str]

    def __call__(self, login: str) -> str:
        self.logins.append(login)
        return "write" if login == "mona" else "read"


def test_a_crowd_cannot_spend_our_requests() -> None:
    """Of a thousand accounts that dismiss, a bounded number is asked about; the author and bots are judged anyway."""
    asked = Asked([])
    voices = Voices(asked, "Alice", author_may_dismiss=False)
    assert voices.strongest(f"crowd{number}" for number in range(1000))[0] is Say.NOTHING
    assert len(asked.logins) == MAX_ASKED
    assert voices.strongest(["alice", "ghost", "dependabot[bot]"]) == (Say.SILENCES, "alice")
    assert len(asked.logins) == MAX_ASKED + 1


@pytest.mark.parametrize("login", ["ghost", "GHOST", "github-actions[bot]", "Renovate[BOT]"])
def test_deleted_accounts_and_bots_have_no_word(login: str) -> None:
    """Not even where they opened the pull request and the author may dismiss."""
    assert Voices(lambda _: "admin", login, author_may_dismiss=True).of(login) is Say.NOTHING
