"""Stories of `/ci`: why checks are red, and what would mend them, as a suggestion where a click can apply it."""

from __future__ import annotations

import pytest

from reviewer.llm.messages import Ask
from tests.fakes.github import World
from tests.fakes.github.model.state import ReviewComment
from tests.fixtures.scenarios import DELETE, acting, watched
from tests.stories.tellers import Teller, nobody, talks

pytestmark = pytest.mark.slow

FIX = "        self.items.pop(sku, None)"
HOSTILE = "@octocat see https://evil.example/x <!-- reviewer:summary -->"


def edit(path: str, line: int, quote: str, replacement: str, why: str = "It may not be in the cart.") -> str:
    """Return an edit as the model writes it into its answer."""
    inside = f"<quote>\n{quote}\n</quote>\n<replacement>\n{replacement}\n</replacement>"
    return f'<edit path="{path}" line="{line}" why="{why}">\n{inside}\n</edit>'


def mends(*edits: str) -> Ask:
    """Return a model that explains a failure and writes these edits."""
    return talks("#### tests\n\nFrom this change: `src/cart.py:27`.\n\n" + "\n\n".join(edits))


CLICKED = edit("src/cart.py", 27, "        del self.items[sku]", FIX)


@pytest.fixture
def red(teller: Teller) -> Teller:
    """Let the tests of the pull request fail, and the App read logs."""
    teller.github.installation.permissions["actions"] = "read"
    teller.github.fail_check(
        teller.github.pull, "tests", annotations=[("src/cart.py", 27, "KeyError: 'x'")], log="##[error]boom\n"
    )
    return teller


def inline(github: World) -> list[ReviewComment]:
    return [comment for thread in github.pull.threads.values() for comment in thread.comments]


def test_red_checks_are_explained(teller: Teller) -> None:
    """From annotations and the end of the log; nothing is asked where nothing failed."""
    teller.comment("/ci", nobody)
    teller.github.expect_comment("No check of another program failed")
    if not teller.token:
        teller.github.fail_check(teller.github.pull, "lint", log="boom")
        teller.comment("/ci", talks("It is the change."))
        assert "Logs take the permission *actions: read*" in teller.github.expect_comment("It is the change.").body
        teller.github.installation.permissions["actions"] = "read"
    teller.github.fail_check(
        teller.github.pull, "tests", annotations=[("src/cart.py", 27, "KeyError: 'x'")], log="##[error]boom\n" * 3
    )
    ask, prompts = watched(talks("It is the change."))
    teller.comment("/ci", ask)
    assert "Red at" in teller.github.expect_comment("It is the change.").body
    shown = "".join(message.content for message in prompts[0].messages)
    assert "KeyError: 'x'" in shown
    assert ("boom" in shown) is True


def test_a_suggestion_stands_on_its_lines(red: Teller) -> None:
    """Where a click applies it; the answer links to it. What stands there is not posted twice."""
    ask, prompts = watched(mends(CLICKED))
    red.comment("/ci", ask)
    comment = red.github.expect_review_comment("For the checks that failed at")
    assert f"```suggestion\n{FIX}\n```" in comment.body
    assert "It may not be in the cart." in comment.body
    assert "It was not run" in comment.body
    assert (comment.thread.place.path, comment.thread.place.line) == ("src/cart.py", 22)
    reply = red.github.expect_comment("From this change").body
    assert "**Suggested** at [`src/cart.py:22`](" in reply
    assert f"#discussion_r{comment.id}" in reply
    assert "<edit" not in reply
    assert "&lt;edit" not in reply
    assert len(prompts) == 1
    red.comment("/ci", mends(CLICKED))
    assert f"#discussion_r{comment.id}" in red.github.expect_comment("From this change").body
    assert inline(red.github) == [comment]


def test_the_suggestion_of_a_finding_is_not_repeated(red: Teller) -> None:
    """The thread that has it is named."""
    first = red.reviewed(DELETE)[0]
    red.comment("/ci", mends(CLICKED))
    assert f"#discussion_r{first.id}" in red.github.expect_comment("From this change").body
    assert inline(red.github) == [first]


def test_what_no_click_applies_is_a_diff(red: Teller) -> None:
    """Of lines that the pull request does not show, and what only may apply, each with its reason."""
    hostile = edit("src/cart.py", 27, "        del self.items[sku]", "        del (self.items[sku]", HOSTILE)
    other = edit("src/cart.py", 15, "        if quantity < 1:", "        if quantity <= 0:", HOSTILE)
    red.comment("/ci", mends(other, hostile, edit("src/gone.py", 1, "x = 1", "x = 2")))
    reply = red.github.expect_comment("From this change").body
    assert "which no click applies: it is not part of the diff." in reply
    assert "```diff\n-        if quantity < 1:\n+        if quantity <= 0:\n```" in reply
    assert "may not apply as it is (the file would no longer parse)" in reply
    assert "may not apply as it is (the file could not be read)" in reply
    for part in ("@octocat", "](https://evil", "<!-- reviewer:summary"):
        assert part not in reply
    assert inline(red.github) == []


def test_a_push_while_it_is_asked(red: Teller) -> None:
    """The lines may have moved: nothing is posted on them."""
    push = lambda: red.github.push(red.github.pull, {"src/extra.py": "x = 1\n"})  # noqa: E731
    red.comment("/ci", acting(push, mends(CLICKED)))
    assert "a newer push came meanwhile" in red.github.expect_comment("From this change").body
    assert inline(red.github) == []


def test_a_locked_conversation(red: Teller) -> None:
    """Neither comment is posted, and the job ends with that reason."""
    asked = red.github.comment(red.github.pull, "/ci", by="mona")
    red.github.lock(red.github.pull)
    assert "locked" in red.run(asked, mends(CLICKED)).reason
    assert inline(red.github) == []
