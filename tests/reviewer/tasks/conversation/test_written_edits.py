"""Edits in an answer: read whole or left in the text, in linear time."""

from __future__ import annotations

import time

import pytest

from reviewer.tasks.conversation.written_edits import WrittenEdit, take_edits

CODE = "        del self.items[sku]"
NEW = "        self.items.pop(sku, None)"
EDIT = (
    f'<edit path="src/cart.py" line="27" why="It may\nnot be there.">\n<quote>\n{CODE}\n</quote>\n'
    f"<replacement>\n{NEW}\n</replacement>\n</edit>"
).replace("may\nnot", "may not")
READ = WrittenEdit("src/cart.py", 27, CODE, NEW, "It may not be there.")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"#### lint\n\nAn error.\n\n{EDIT}\n\nMore.", "#### lint\n\nAn error.\n\nMore."),
        (f"An error.\n\n```xml\n{EDIT}\n```\nMore.", "An error.\n\nMore."),
        (f"An error.\n~~~~\n{EDIT}\n~~~~", "An error."),
        (EDIT, ""),
        (EDIT.replace("\n", "\r\n"), ""),
    ],
)
def test_an_edit_is_taken_out(text: str, kept: str) -> None:
    """Also with a fence around it, and with other line ends."""
    assert take_edits(text) == (kept, (READ,))


def test_of_several_each_is_read() -> None:
    """An empty replacement deletes the lines; a number that is none is no number."""
    second = EDIT.replace(f"<replacement>\n{NEW}\n", "<replacement>\n").replace('"27"', '"27f"')
    text, edits = take_edits(f"A\n\n{EDIT}\n\nB\n\n{second}\n\nC")
    assert text == "A\n\nB\n\nC"
    assert edits == (READ, WrittenEdit("src/cart.py", None, CODE, "", "It may not be there."))


@pytest.mark.parametrize(
    "broken",
    [
        EDIT.replace('path="src/cart.py" ', ""),
        EDIT.replace("<quote>", ""),
        EDIT.replace("</replacement>", ""),
        EDIT.replace(f"\n{CODE}\n", "\n"),
        EDIT.replace("</edit>", ""),
        '<edit path="src/cart.py"',
    ],
)
def test_what_is_no_whole_element_stays(broken: str) -> None:
    assert take_edits(f"Before.\n\n{broken}\n\nAfter.") == (f"Before.\n\n{broken}\n\nAfter.", ())


def test_an_edit_that_is_cut_off_is_dropped() -> None:
    """Of an answer that the model did not end."""
    text, edits = take_edits(f"Before.\n\n{EDIT}\n\n{EDIT[:80]}", complete=False)
    assert (text, edits) == ("Before.", (READ,))


@pytest.mark.parametrize("part", ["<edit ", "<edit ></edit>", "<edit <quote>", '<edit path="', "```\n<edit ></edit>\n"])
def test_hostile_text_is_read_in_linear_time(part: str) -> None:
    began = time.process_time()
    take_edits(part * 100_000)
    assert time.process_time() - began < 5
