"""The last call: which findings are seen first, how severe they are, and which of them are one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Category, Finding
from reviewer.domain.settings import ReviewSettings, Settings
from reviewer.domain.severity import Confidence, Severity
from reviewer.llm.errors import ModelError, ModelUnavailable
from reviewer.llm.messages import Prompt, Reply, Task
from reviewer.tasks.conversation.edit_replies import read_edits
from reviewer.tasks.conversation.json_replies import Unreadable
from reviewer.tasks.conversation.layout import shown_in, task_line
from reviewer.tasks.conversation.prompts import Prompter
from reviewer.tasks.verification.editor import EditedFindings, apply_edits, edit_findings
from reviewer.tasks.verification.fingerprints import fingerprint
from reviewer.tasks.verification.root_causes import merge, merge_plain_repeats
from reviewer.tasks.verification.triage import UNCAPPED, placed
from tests.attacks.prompt_blocks import blocks

ROWS = b"".join(b"+line%d\n" % n for n in range(1, 60))
DIFF = parse_diff(
    b"".join(
        b"--- /dev/null\n+++ b/%b\n@@ -0,0 +1,59 @@\n%b" % (path, ROWS)
        for path in (b"src/a.py", b"src/b.py", b"tests/test_a.py")
    )
)


def finding(line: int, title: str = "", path: str = "src/a.py", **more: object) -> Finding:
    """Return a finding that is certain, at that line."""
    anchor = DIFF.anchor(path, line)
    assert anchor is not None
    title = title or f"Defect {line}"
    made = Finding(
        anchor, Severity.WARNING, Category.BUG, title, "", f"line{line}", Confidence.HIGH,
        fingerprint(path, Category.BUG, f"line{line}", title),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def edit(
    number: int, place: str = "inline", severity: str = "warning", same_as: int | None = None
) -> dict[str, object]:
    return {"id": number, "place": place, "severity": severity, "same_as": same_as}


def edited(findings: Sequence[Finding], *edits: dict[str, object]) -> EditedFindings:
    """Return the findings after these edits."""
    return EditedFindings(*apply_edits(findings, read_edits(json.dumps({"findings": edits}))))


def titles(findings: Sequence[Finding]) -> list[str]:
    return [found.title for found in findings]


@pytest.mark.parametrize(("most", "limit"), [(1, ", at most 1;"), (2, "before merging;"), (10_000, "before merging;")])
def test_a_limit_is_named_where_it_cuts_something(most: int, limit: str) -> None:
    """In a terminal, which shows everything, "at most 10000" would only be puzzling."""
    prompter = Prompter(Change(DIFF), Settings(), "data-0")
    (asked,) = (message.content for message in prompter.edit([finding(1), finding(2)], most=most).messages[-1:])
    assert limit in asked


def test_the_order_severity_and_place_are_the_editors() -> None:
    """The most important first, whatever its severity was; what is to be listed is."""
    found = [finding(1), finding(2), finding(3)]
    done = edited(found, edit(3, severity="error"), edit(1, "list", "info"), edit(2))
    assert titles(done.findings) == ["Defect 3", "Defect 1", "Defect 2"]
    assert [one.severity for one in done.findings] == [Severity.ERROR, Severity.INFO, Severity.WARNING]
    result = placed(done.findings, ReviewSettings(), done.listed)
    assert titles(result.findings) == ["Defect 3", "Defect 2"]
    assert titles(result.below) == ["Defect 1"]
    terminal = ReviewSettings().model_copy(update={"max_comments": UNCAPPED})
    assert placed(done.findings, terminal, done.listed).findings == done.findings


def test_what_the_editor_leaves_out_keeps_its_order_severity_and_place() -> None:
    """It follows what is named; numbers that are none, and words that are none, change nothing."""
    found = [finding(1), finding(2), finding(3), finding(4)]
    done = edited(found, edit(3, "somewhere", "awful"), edit(9), {"id": "4", "place": "LIST"})
    assert titles(done.findings) == ["Defect 3", "Defect 4", "Defect 1", "Defect 2"]
    assert {one.severity for one in done.findings} == {Severity.WARNING}
    assert done.listed == {found[3].fingerprint}


def test_findings_that_one_edit_mends_become_one_comment() -> None:
    """It stands where the edit belongs, names the other places, and takes the place of the first of them."""
    found = [finding(1), finding(20), finding(5, path="src/b.py"), finding(9)]
    done = edited(found, edit(1, "list", same_as=3), edit(4), edit(3, severity="error"), edit(2, "list", same_as=1))
    assert titles(done.findings) == ["Defect 5", "Defect 9"]
    assert [(place.path, place.line) for place in done.findings[0].also_at] == [("src/a.py", 1), ("src/a.py", 20)]
    assert done.findings[0].severity is Severity.ERROR
    assert done.listed == frozenset()
    assert {(one.reason, one.title) for one in done.rejected} == {
        ("same root cause", "Defect 1"), ("same root cause", "Defect 20"),
    }  # fmt: skip


def test_a_test_that_does_not_notice_a_defect_is_part_of_it() -> None:
    """The comment stands at the code, also where the editor names the test; shown if one of both is to be shown."""
    blind = finding(3, "The test passes with an empty cart", "tests/test_a.py", category=Category.TEST)
    done = edited([finding(1), blind], edit(2), edit(1, "list", same_as=2))
    assert [(one.anchor.path, [place.path for place in one.also_at]) for one in done.findings] == [
        ("src/a.py", ["tests/test_a.py"])
    ]
    assert done.listed == frozenset()


@pytest.mark.parametrize("same", [(2, 1, None), (2, 3, 1), (1, 2, 3)])
def test_circles_and_words_about_itself_lose_nothing(same: tuple[int | None, ...]) -> None:
    """Each finding is kept or stands for another; one that names itself is only itself."""
    found = [finding(1), finding(20), finding(40)]
    done = edited(found, *(edit(number, same_as=other) for number, other in enumerate(same, 1)))
    assert len(done.findings) + sum(len(one.also_at) for one in done.findings) == 3


def test_an_unsure_finding_neither_hides_a_sure_one_nor_is_told_beside_it() -> None:
    """The sure one is the comment; a place that nobody confirmed is not named in it."""
    unsure = finding(20, confidence=Confidence.LOW, severity=Severity.ERROR)
    done = edited([finding(1), unsure], edit(2, severity="error"), edit(1, same_as=2))
    (one,) = done.findings
    assert (one.title, one.also_at, one.severity) == ("Defect 1", (), Severity.WARNING)


def ask_of(*replies: str | ModelError) -> tuple[list[Prompt], object]:
    """Return the prompts that are asked, and a model that gives these replies."""
    prompts: list[Prompt] = []
    left = list(replies)

    def ask(batch: Sequence[Prompt]) -> list[Reply | ModelError]:
        prompts.extend(batch)
        said = left.pop(0)
        return [said if isinstance(said, ModelError) else Reply(said)]

    return prompts, ask


PROMPTER = Prompter(Change(DIFF, "Add carts"), Settings(), "data-0123456789abcdef")


def asked(
    findings: Sequence[Finding], *replies: str | ModelError, secrets: Sequence[Finding] = (), **more: object
) -> tuple[EditedFindings, list[Prompt]]:
    prompts, ask = ask_of(*replies)
    options = {"calls": 2, "most": 5, **more}
    return edit_findings(findings, secrets, PROMPTER, ask, **options), prompts  # type: ignore[arg-type]


def test_a_call_that_fails_leaves_the_order_as_it_was() -> None:
    """Down, or unreadable twice."""
    found = (finding(1), finding(2))
    for replies in ((ModelUnavailable("down"),), ("mumble", "mumble"), ('{"findings": [{"id": null}]}', "no")):
        done, prompts = asked(found, *replies)
        assert (done.findings, done.listed) == (found, frozenset())
        assert len(prompts) == len(done.answers) * len(replies)


def test_it_is_asked_once_about_all_and_only_where_there_is_something_to_order() -> None:
    """Titles, claims, verdicts and quoted lines, no code around them; a single finding needs no editor."""
    assert asked([finding(1)])[1] == []
    assert asked([finding(1), finding(2)], calls=0)[1] == []
    assert asked([finding(1), finding(2, confidence=Confidence.LOW)])[1] == []
    found = [finding(1, claim="`run(None)` raises.", verdict="It raises TypeError."), finding(2)]
    _, (prompt,) = asked(found, '{"findings": []}')
    assert (prompt.task, task_line(prompt)) == (Task.EDIT, "# Task: edit")
    ((_, title), (source, text)), _ = blocks(shown_in(prompt))
    assert (title, source) == ("| Add carts", "findings")
    for word in ("## Finding 1", "## Finding 2", "src/a.py", "| `run(None)` raises.", "| Judge: It raises", "line1"):
        assert word in text
    assert "line3" not in text


def test_secrets_and_simpler_code_are_not_in_the_editors_hands() -> None:
    """A secret stays first, whatever the code talks the editor into; simpler code comes last."""
    secret, simpler = finding(30, "A key is added"), finding(40, "Shorter", category=Category.REFACTORING)
    reply = json.dumps({"findings": [edit(2), edit(1, "list", "info", 2), edit(3, "list", "info", 1)]})
    done, (prompt,) = asked([finding(1), finding(2), simpler], reply, secrets=[secret])
    assert "A key is added" not in shown_in(prompt)
    assert titles(done.findings) == ["A key is added", "Defect 2", "Shorter"]
    assert done.findings[0] == secret


def test_what_is_plainly_said_twice_is_merged_without_asking() -> None:
    """The same words on neighbouring lines, and a test that does not notice; equal code needs an edit at each place."""
    words = {"claim": "`total()` of an empty cart divides by zero in `mean`.", "body": "An empty cart raises."}
    first = finding(1, "Mean of an empty cart divides by zero", **words)
    again = finding(4, "Dividing by zero: mean of an empty cart", **words)
    far, equal = replace(again, anchor=finding(50).anchor), replace(again, quote=first.quote)
    blind = finding(3, "The test never calls `mean` with an empty cart", "tests/test_a.py", **words)
    for other, count in ((again, 1), (blind, 1), (far, 2), (equal, 2), (finding(4, "Leaks a handle"), 2)):
        kept, rejected = merge_plain_repeats([first, other])
        assert (len(kept), len(rejected)) == (count, 2 - count)
        if count == 1:
            assert [place for one in kept for place in one.also_at] == [other.anchor]
    (kept_one,) = merge_plain_repeats([blind, first])[0]
    assert kept_one.anchor == first.anchor


@pytest.mark.parametrize(
    ("titles", "count"),
    [
        (("Case 1 divides by the wrong sum", "Case 2 divides by the wrong sum"), 2),
        (("`total` may be empty before the loop", "`other` may be empty before the loop"), 2),
        (("`total` may be empty before the loop", "`total` may be empty before the loop begins"), 1),
    ],
)
def test_titles_about_different_things_are_two_findings(titles: tuple[str, str], count: int) -> None:
    """However near the lines are, and however much the words are the same."""
    text = "The sum is divided by the number of items, which nobody counted before the loop began."
    near = [finding(line, title, body=text, quote=f"line{line}") for line, title in zip((3, 5), titles, strict=True)]
    assert len(merge_plain_repeats(near)[0]) == count


def test_a_reply_that_is_none_is_told_why() -> None:
    for text in ('{"verdicts": []}', "nothing to edit", '{"findings": [{"place": "inline"}]}'):
        with pytest.raises(Unreadable):
            read_edits(text)
    assert [one.id for one in read_edits('{"findings": [{"id": 2}, {"id": "two"}, {"id": 2, "place": "list"}]}')] == [2]


def test_a_place_beside_the_findings_own_lines_is_not_named() -> None:
    """Who reads the finding sees the next line too; two lines further on, nobody does."""
    first, next_, further = (finding(line, f"Defect at {line}") for line in (10, 12, 13))
    (kept,), merged = merge([first, next_, further], {1: 0, 2: 0})
    assert [place.line for place in kept.also_at] == [13]
    assert len(merged) == 2
