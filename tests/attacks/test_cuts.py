"""Text that is too long for GitHub: whatever is cut, no fence, suggestion, `<details>` or marker is cut in two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.domain.findings import Finding, Reproduction
from reviewer.llm.usage import Usage
from reviewer.safety.code_blocks import fence, suggestion_block
from reviewer.safety.markdown import neutralise
from reviewer.tasks.answer_question import QuestionAnswer
from tests.fixtures.factories import finding, small_diff
from webhooks.action.workflow_commands import MAX_SUMMARY_BYTES, summary_within_limit
from webhooks.github.check_runs import LogTail
from webhooks.publishing.bodies.inline_comments import comment_text
from webhooks.publishing.bodies.reply import answer_text
from webhooks.publishing.checks import Conclusion, completed_check
from webhooks.publishing.ledger import entry_of
from webhooks.publishing.markers.finding import read_finding
from webhooks.publishing.text import MAX_BODY, cut_text, fence_within, fold

LINE = "    value = compute(1, 2, 3)  # as before\n"
LONG = LINE * 3_000


def assert_whole(text: str) -> None:
    """Check that every fence and every `<details>` that is opened is closed again."""
    run, depth = "", 0
    for line in text.split("\n"):
        bare = line.strip(" >")
        ticks = bare[: len(bare) - len(bare.lstrip("`"))]
        if run:
            run = "" if bare == run else run
        elif len(ticks) >= 3:
            run = ticks
        else:
            depth += (line == "<details>") - (line == "</details>")
    assert (run, depth) == ("", 0), text[-200:]


def posted(**changes: object) -> str:
    """Return the comment on a finding with these fields."""
    about: Finding = replace(finding(), **changes)  # type: ignore[arg-type]
    return comment_text(about, entry_of(about, small_diff(), inline=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"suggestion": LONG},
        {"suggestion": "x" * 70_000},
        {"suggestion": LONG, "body": "b" * 100_000},
        {"suggestion": LINE * 1_400, "body": "because\n" * 10_000},
        {"suggestion": LINE * 1_400, "reproduction": Reproduction("tests/test_a.py", LONG, "it failed")},
        {"suggestion": None, "advice": LONG},
        {"suggestion": None, "advice": "y" * 70_000},
        {"suggestion": None, "advice": f"```\n{LONG}```\n"},
        {"suggestion": None, "advice": "\u202e" * 20_000},
        {"suggestion": None, "reproduction": Reproduction("tests/test_a.py", LONG, "boom\n" * 20_000)},
        {"suggestion": None, "reproduction": Reproduction("t" * 70_000, LONG, "boom")},
        {"title": "t" * 100_000, "suggestion": LONG},
        {"title": "`@everyone" * 9_000, "body": "```\n" * 9_000},
    ],
    ids=range(13),
)
def test_a_comment_is_never_cut_inside_a_block(changes: dict[str, object]) -> None:
    """It fits, its marker is whole, and a suggestion is posted whole or not as one."""
    text = posted(**changes)
    assert len(text) <= MAX_BODY
    assert_whole(text)
    assert read_finding(text) is not None
    suggestion = changes.get("suggestion")
    if "```suggestion\n" in text:
        assert suggestion_block(str(suggestion)) in text
    elif suggestion:
        assert "[cut]" in text or "x" * 100 not in text


def test_a_suggestion_that_fits_stays_a_button() -> None:
    """Forty thousand characters are posted as they are."""
    code = LINE * 1_000
    assert suggestion_block(code) in posted(suggestion=code)


BLOCKS = {
    "a fence": fence(LONG),
    "a suggestion": suggestion_block(LONG),
    "a longer fence": f"````\n```\n{LONG}````",
    "a fence in a quote": "\n".join(f"> {line}" for line in fence(LONG).split("\n")),
    "a fence in a list": f"- x\n\n  ```\n  {LINE * 3_000}  ```",
    "tildes": f"~~~\n{LONG}~~~",
    "details": fold("title", "row\n" * 30_000),
    "details in details": fold("title", fold("inner", "row\n" * 30_000)),
    "a fence in details": fold("title", fence(LONG)),
    "one line": "`@mona " + "x" * 80_000 + "`",
    "a marker": "<!-- reviewer:review head=" + "a" * 80_000 + " -->",
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("most", [30, 1_000, MAX_BODY])
def test_a_cut_is_before_the_block_that_does_not_fit(name: str, most: int) -> None:
    """What stands before the block is kept, the block is not begun."""
    cut = cut_text(f"Before.\n\n{BLOCKS[name]}\n\nAfter.", most)
    assert len(cut) <= most
    assert cut == "Before.\n\n[cut]" or (name == "a fence in a list" and cut == "Before.\n\n- x\n\n[cut]")


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["Words.", "```\nx\n```", "> ```\n> y\n> ```", fold("s", "z")]),
        max_size=12,
    ),
    st.integers(20, 200),
)
def test_any_cut_is_whole(parts: list[str], most: int) -> None:
    """Wherever the limit falls, all blocks that are kept are closed."""
    cut = cut_text("\n\n".join(parts), most)
    assert len(cut) <= max(most, len("[cut]"))
    assert_whole(cut)


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(10, 200))
def test_neutralised_text_is_cut_whole(text: str, most: int) -> None:
    """Also what a model wrote keeps each of its blocks closed."""
    lines = cut_text(neutralise(f"{text}\n```\n{text}\n```\n" * 2), most).split("\n")
    assert sum(line.strip() == "```" for line in lines) % 2 == 0 or any("```" in line for line in text.split("\n"))


def test_a_fence_that_is_shortened_says_so_inside() -> None:
    """The beginning is shown, the mark is on a line of its own, and the block is closed."""
    block = fence_within(LONG, 500)
    assert block.startswith(f"```\n{LINE}")
    assert block.endswith("\n[cut]\n```")
    assert len(block) <= 500
    assert fence_within("x" * 1_000, 500) == ""


def test_the_check_and_the_job_summary_are_cut_whole() -> None:
    """The summary of a check run, and of a job on a runner."""
    long = f"Verdict.\n\n{fence(LONG)}\n\n{fold('Tests', fence(LONG))}"
    check = completed_check(Conclusion.FAILURE, "t" * 1_000, long)["output"]["summary"]
    assert check == "Verdict.\n\n[cut]"
    job = summary_within_limit(f"Verdict.\n\n{fence('ä' * 40 + LINE)}\n\n" + fence("ü" + LINE * 40_000))
    assert len(job.encode()) <= MAX_SUMMARY_BYTES + 100
    assert_whole(job)
    assert "ü" not in job


@pytest.mark.parametrize("question", ["why? " * 20_000, "```\n" * 20_000, "@mona\n" * 20_000])
def test_an_answer_fits_with_its_question(question: str) -> None:
    """A question as long as a comment may be leaves room for the answer, and nothing is left open."""
    text = answer_text(question, QuestionAnswer(f"Because:\n\n{fence(LONG)}", (), Usage(), ("m",)))
    assert len(text) <= MAX_BODY
    assert "Because:" in text
    assert_whole(text)


@pytest.mark.parametrize("size", [7, 1_000])
def test_the_end_of_a_log_begins_with_a_whole_line(size: int) -> None:
    """Half a token has no form by which it could be replaced: the rest of a line that was cut is left out."""
    log = f"export TOKEN=ghp_{'a1B2c3D4e5' * 4}\nerror: exit 1\n".encode()
    for most in range(15, 60):
        tail = LogTail(most * 4 if size > most * 4 else most)
        for start in range(0, len(log), size):
            tail.write(log[start : start + size])
        shown = tail.text(most)
        assert shown in ("error: exit 1\n", log.decode()), most
    assert tail.text(15) == "error: exit 1\n"
