"""Edits that would mend a red check: proven on the whole file, with a place on GitHub only where the diff has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.usage import Attempt
from reviewer.tasks.conversation.written_edits import WrittenEdit
from reviewer.tasks.explain_checks import MOST_EDITS, ProvenEdit, UnprovenEdit, explain_checks, prove_edits
from tests.fakes.mapped_sources import MappedSources

HEAD = (
    "def mean(xs):\n    total = sum(xs)\n    return total / len(xs)\n" + "\n" * 9 + "def last(xs):\n    return xs[1]\n"
)
DIFF = """diff --git a/mean.py b/mean.py
--- a/mean.py
+++ b/mean.py
@@ -1,2 +1,3 @@
 def mean(xs):
-    return sum(xs) / len(xs)
+    total = sum(xs)
+    return total / len(xs)
"""
FILES = {"mean.py": HEAD, "other.py": "import mean\n\nLIMIT = 3\r\n", "crlf.py": "A = 1\r\nB = 2\r\n"}


def read(paths: Sequence[str]) -> Mapping[str, str]:
    return {path: FILES[path] for path in paths if path in FILES}


CHANGE = Change(parse_diff(DIFF), read_head=read, sources=MappedSources(FILES))
DIVIDES = WrittenEdit("mean.py", 3, "    return total / len(xs)", "    return total / len(xs) if xs else 0", "Empty.")


def proven(edit: WrittenEdit) -> ProvenEdit | UnprovenEdit:
    return prove_edits(CHANGE, [edit])[0]


def test_lines_of_the_diff_have_a_place_on_github() -> None:
    edit = proven(DIVIDES)
    assert isinstance(edit, ProvenEdit)
    assert edit.anchor is not None
    assert (edit.anchor.path, edit.anchor.start_line, edit.anchor.line) == ("mean.py", None, 3)
    assert (edit.first, edit.last, edit.before, edit.after) == (3, 3, DIVIDES.quote, DIVIDES.replacement)


@pytest.mark.parametrize(
    ("edit", "lines", "after"),
    [
        (WrittenEdit("mean.py", 14, "    return xs[1]", "    return xs[-1]"), (14, 14), "    return xs[-1]"),
        (WrittenEdit("other.py", None, "import mean", "import mean  # noqa"), (1, 1), "import mean  # noqa"),
        (WrittenEdit("crlf.py", 1, "A = 1", "A = 3"), (1, 1), "A = 3\r"),
    ],
)
def test_other_lines_have_none(edit: WrittenEdit, lines: tuple[int, int], after: str) -> None:
    """Of a changed file beyond its hunks, and of a file that is not changed: with the file's own line ends."""
    found = proven(edit)
    assert isinstance(found, ProvenEdit)
    assert (found.anchor, (found.first, found.last), found.after) == (None, lines, after)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (WrittenEdit("gone.py", 1, "x = 1", "x = 2"), "could not be read"),
        (WrittenEdit("../mean.py", 1, "x = 1", "x = 2"), "could not be read"),
        (WrittenEdit("mean.py", 3, "    return sum(xs) / len(xs)", "    return 0"), "does not stand in that file"),
        (WrittenEdit("mean.py", 3, DIVIDES.quote, DIVIDES.quote), "it changes nothing"),
        (WrittenEdit("mean.py", 3, DIVIDES.quote, "    return total / (len(xs)"), "no longer parse"),
        (WrittenEdit("mean.py", 3, DIVIDES.quote, "    ..."), "leaves code out"),
        (WrittenEdit("mean.py", 3, DIVIDES.quote, "    key = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'"), "as it is"),
        (WrittenEdit("mean.py", 3, DIVIDES.quote, "    x = 1 #\u202e"), "as it is"),
    ],
)
def test_what_cannot_be_proven_is_named_with_its_reason(edit: WrittenEdit, reason: str) -> None:
    found = proven(edit)
    assert isinstance(found, UnprovenEdit)
    assert reason in found.reason


def test_an_answer_with_edits() -> None:
    """The text is left without them; of two for the same lines one counts, and more than a few are only counted."""
    element = (
        '<edit path="mean.py" line="3">\n<quote>\n    return total / len(xs)\n</quote>\n<replacement>\n'
        "    return total / max(len(xs), 1)\n</replacement>\n</edit>\n"
    )

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        assert "boom" in prompts[0].messages[-1].content
        return [Reply(f"It divides.\n\n{element * 7}", model="m", attempts=(Attempt("m", "ok", 1, 1),))]

    found = explain_checks(CHANGE, Settings(), "boom", ask, salt=b"s")
    assert found.answer.text == "It divides."
    assert [type(edit) for edit in found.edits] == [ProvenEdit, *[UnprovenEdit] * (MOST_EDITS - 1)]
    assert found.left_out == 2
