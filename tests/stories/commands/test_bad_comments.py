"""Stories of comments that mean harm or come at the wrong time: floods, loops, deletions, locks, lost rights."""

from __future__ import annotations

import pytest

from reviewer.llm.messages import Ask
from tests.fakes.github import World
from tests.fakes.github.model import branches
from tests.fixtures.scenarios import DELETE, acting, job_of, model, watched
from tests.stories.tellers import Teller, nobody, talks
from webhooks.events.deliveries import Ignored, decide
from webhooks.handling.commands.table import SYNTAX
from webhooks.handling.handle import JobEnding

pytestmark = pytest.mark.slow


def ours(github: World) -> int:
    """Count our comments in the conversation and in threads."""
    authors = [comment.user.login for comment in github.pull.issue.comments.values()]
    authors += [comment.user.login for thread in github.pull.threads.values() for comment in thread.comments]
    return sum(author.endswith("[bot]") for author in authors)


def test_twenty_commands_in_a_comment(teller: Teller) -> None:
    """Ten are carried out, the others are named, all in one reply."""
    ask, prompts = watched(talks("So."))
    outcome, comment = teller.comment("".join(f"/ask Why {number}?\n" for number in range(20)), ask)
    reply = teller.github.expect_comment("10 more commands of this comment were not carried out")
    assert (outcome.state, len(prompts), reply.body.count("So.")) == (JobEnding.IGNORED, 10, 10)
    assert ours(teller.github) == 1
    teller.github.expect_reaction("confused", on=comment)  # type: ignore[arg-type]


def test_a_thread_of_three_hundred_replies(teller: Teller) -> None:
    """It is answered once, in a bounded number of requests, and the model sees its end."""
    first = teller.reviewed(DELETE)[0]
    for number in range(299):
        teller.github.reply(first, f"Remark {number}: " + "x" * 5_000, by="mona")
    before = len(teller.github.calls)
    ask, prompts = watched(talks("It does."))
    teller.reply(first, "Does it really raise?", ask)
    teller.github.expect_review_comment("It does.")
    shown = "".join(message.content for message in prompts[0].messages)
    assert ("Does it really raise?" in shown, "Remark 298" in shown, "Remark 0:" in shown) == (True, True, False)
    assert len(shown) < 80_000
    assert len(teller.github.calls) - before <= 40
    assert ours(teller.github) == 3, "the summary, the finding and the answer"


def test_a_comment_deleted_before_its_command_runs(teller: Teller) -> None:
    """Nothing is paid or written."""
    asked = teller.github.comment(teller.github.pull, "/ask Why?", by="mona")
    teller.github.delete_comment(asked.subject)
    assert teller.run(asked, nobody).reason == "the comment was deleted"
    assert ours(teller.github) == 0


def test_a_comment_deleted_while_it_is_answered(teller: Teller) -> None:
    """The answer, which is paid for, still comes, once."""
    asked = teller.github.comment(teller.github.pull, "/ask Why?", by="mona")
    ask = acting(lambda: teller.github.delete_comment(asked.subject), talks("So."))
    assert teller.run(asked, ask).state is JobEnding.ANSWERED
    teller.github.expect_comment("So.")
    assert ours(teller.github) == 1


def test_a_thread_deleted_while_it_is_answered(teller: Teller) -> None:
    """The job ends with its reason, and is not tried again."""
    first = teller.reviewed(DELETE)[0]
    asked = teller.github.reply(first, "Does it really raise?", by="mona")

    def delete() -> None:
        for comment in list(first.thread.comments):
            teller.github.delete_review_comment(comment)

    outcome = teller.run(asked, acting(delete, talks("It does.")))
    assert outcome.state is JobEnding.ANSWERED
    assert "It is gone" in outcome.reason
    assert ours(teller.github) == 1, "the summary"


@pytest.mark.parametrize("command", ["/ask Why?", "/describe", "/review"])
def test_a_branch_deleted_while_it_is_answered(teller: Teller, command: str) -> None:
    """GitHub then closes the pull request: an answer that is paid for still comes, once; the job ends."""
    github = teller.github

    def delete() -> None:
        with github.changed:
            branches.delete_ref(github, github.repo, github.pull.head_ref, github.user("mona"))

    asked = github.comment(github.pull, command, by="mona")
    outcome = teller.run(asked, acting(delete, model(DELETE) if command == "/review" else talks("So.")))
    assert outcome.state in (JobEnding.ANSWERED, JobEnding.REVIEWED, JobEnding.IGNORED, JobEnding.SUPERSEDED)
    if command != "/review":
        github.expect_comment("So.")
        assert ours(github) == 1
    assert teller.run(asked, nobody).state in (JobEnding.ANSWERED, JobEnding.IGNORED)
    github.forgive()


def test_the_branch_of_a_thread_deleted_while_it_is_answered(teller: Teller) -> None:
    """The answer stands in the thread, once."""
    first = teller.reviewed(DELETE)[0]
    github = teller.github

    def delete() -> None:
        with github.changed:
            branches.delete_ref(github, github.repo, github.pull.head_ref, github.user("mona"))

    asked = github.reply(first, "Does it really raise?", by="mona")
    assert teller.run(asked, acting(delete, talks("It does."))).state is JobEnding.ANSWERED
    github.expect_review_comment("It does.")
    assert ours(github) == 3, "the summary, the finding and the answer"


@pytest.mark.parametrize("command", ["/ask Why?", "/cost", "/reveiw", "/explain"])
def test_a_locked_conversation(teller: Teller, command: str) -> None:
    """What may not be posted is the reason of the job; nothing is tried again and again."""
    asked = teller.github.comment(teller.github.pull, command, by="mona")
    teller.github.lock(teller.github.pull)
    outcome = teller.run(asked, talks("So."))
    assert outcome.state in (JobEnding.ANSWERED, JobEnding.IGNORED)
    assert ours(teller.github) == 0
    if outcome.state is JobEnding.ANSWERED:
        assert "locked" in outcome.reason


@pytest.mark.parametrize("words", ["Why is that?", "/ask Why?", "@minimax-reviewer why?", "/help"])
def test_a_bot_that_answers_us_gets_no_answer(github: World, words: str) -> None:
    """Not in our thread, and not in the conversation: two programs never talk."""
    first = Teller(github, "the App").reviewed(DELETE)[0]
    github.user("chatty[bot]", kind="Bot")
    in_thread = github.reply(first, words, by="chatty[bot]")
    for delivery in (in_thread, github.comment(github.pull, words, by="chatty[bot]")):
        assert decide(delivery.event, delivery.payload, delivery.guid, SYNTAX) == Ignored("bot")


def test_our_own_answers_ask_for_nothing(teller: Teller) -> None:
    """Whatever the model wrote into them."""
    teller.comment("/ask Why?", talks("/review\n/ask And why?\n@minimax-reviewer and @github-actions, why?"))
    teller.github.expect_comment("And why?")
    comments = [each for each in teller.github.deliveries if each.event == "issue_comment"]
    decisions = [decide(each.event, each.payload, each.guid, SYNTAX) for each in comments]
    assert sum(not isinstance(decision, Ignored) for decision in decisions) == 1, "the question"


def test_a_permission_taken_away_before_the_work(teller: Teller) -> None:
    """It counts when the work begins: nothing is paid, and it is said once."""
    github = teller.github
    asked = [github.comment(github.pull, f"/ask Why {number}?", by="mona") for number in range(2)]
    assert job_of(asked[0]).actor == "mona"
    github.repo.permissions["mona"] = "read"
    for delivery in asked:
        assert teller.run(delivery, nobody).reason == "no write permission"
    github.expect_comment("can be used by people with write access")
    assert ours(github) == 1


@pytest.mark.parametrize("where", ["conversation", "thread"])
def test_a_user_who_was_renamed_since(teller: Teller, where: str) -> None:
    """The comment has the same account: it is carried out under the present name."""
    github = teller.github
    first = teller.reviewed()[0]
    words = "/dismiss all" if where == "conversation" else "/dismiss callers check it"
    asked = (
        github.reply(first, words, by="mona") if where == "thread" else github.comment(github.pull, words, by="mona")
    )
    github.rename_user("mona", "lisa")
    assert job_of(asked).actor == "mona"
    assert teller.run(asked, nobody).state is JobEnding.ANSWERED
    assert "by `lisa`" in github.expect_comment("<!-- reviewer:summary").body
    github.forgive()


def test_a_name_that_somebody_else_took(teller: Teller) -> None:
    """Who has the old name now may do nothing with the other's comment, and the other nothing by an old right."""
    github = teller.github
    asked = github.comment(github.pull, "/ask Why?", by="mona")
    github.rename_user("mona", "lisa")
    github.repo.permissions["lisa"] = "read"
    github.user("mona")
    assert teller.run(asked, nobody).reason == "no write permission"
    github.forgive()


def test_the_slash_of_another_keyboard(teller: Teller) -> None:
    """A full-width slash, with the blank that goes with it; in a thread too. The answer may be in that language."""
    ask, prompts = watched(talks("So."))
    teller.comment("\uff0fask\u3000\u4e3a\u4ec0\u4e48\uff1f", ask)
    assert "> \u4e3a\u4ec0\u4e48\uff1f" in teller.github.expect_comment("So.").body
    assert "where the question is in another language, in that" in prompts[0].messages[-1].content
    first = teller.reviewed(DELETE)[0]
    teller.reply(first, "\uff0fexplain", talks("1. `remove('x')`"))
    teller.github.expect_review_comment("1. ")


def test_a_question_of_sixty_thousand_characters(teller: Teller) -> None:
    """It is cut, and the answer fits into a comment."""
    ask, prompts = watched(talks("So."))
    teller.comment("/ask " + "Why? " * 12_000, ask)
    answer = teller.github.expect_comment("So.")
    assert len(answer.body) < 10_000
    shown = "".join(message.content for message in prompts[0].messages)
    assert 1_000 < shown.count("Why?") <= 1_250


HOSTILE = (
    "@octocat and @octo-org/team, see #12, [here](https://evil.example/x), https://evil.example/y and "
    "![pixel](https://evil.example/p.png)\n<img src='https://evil.example/q.png'>\n<!-- reviewer:summary -->"
)


@pytest.mark.parametrize("where", ["conversation", "thread"])
def test_an_answer_calls_nobody_and_links_nowhere(teller: Teller, where: str) -> None:
    """Mentions, numbers, images, HTML, links outside and our own marks in the model's words are harmless."""
    ask: Ask = talks(f"So. {HOSTILE}")
    if where == "thread":
        teller.reply(teller.reviewed(DELETE)[0], "Does it really raise?", ask)
        body = teller.github.expect_review_comment("So.").body
    else:
        teller.comment("/ask Why?", ask)
        body = teller.github.expect_comment("So.").body
    for part in ("@octocat", "@octo-org", "](https://evil", "![", "<img", "<!-- reviewer:summary"):
        assert part not in body
    assert " #12" not in body
    assert "evil.example/y" not in body or "`https://evil.example/y`" in body
