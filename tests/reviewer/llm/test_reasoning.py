"""The answer, told from the thinking."""

import pytest

from reviewer.llm.reasoning import strip_reasoning

JSON = '{"summary": "ok", "findings": []}'


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (JSON, JSON),
        ("", ""),
        (f"<think>\nLet me see.\n</think>\n\n{JSON}\n", JSON),
        (f"  \n<think>a</think>{JSON}", JSON),
        (f"<THINK >a</Think>{JSON}", JSON),
        (f"<thinking>a</thinking>\n{JSON}", JSON),
        # Only the closing tag: the opening one was in the prompt.
        (f"Let me see.\n</think>\n\n{JSON}", JSON),
        (f"Let me see.</think>{JSON}", JSON),
        ("Let me see.</think>The change is fine.", "The change is fine."),
        (f"</think>{JSON}", JSON),
        # Only the opening tag.
        (f"<think>\nLet me see.\n{JSON}", ""),
        ("<think>", ""),
        (f"{JSON}\n<think>Did I miss", JSON),
        # Several blocks.
        (f"<think>a</think>\n<think>b</think>\n{JSON}", JSON),
        (f"<think>a</think></think>\n{JSON}", JSON),
        (f"<think>a\n</think>\nb\n</think>\n{JSON}", JSON),
        (f"<think>a</think>First part.\n<think>b</think>\n{JSON}", f"First part.\n\n{JSON}"),
        ('{"a": <think>one or two?</think>1}', '{"a": 1}'),
        # The thinking speaks of the tag.
        (f"<think>It splits at `</think>` here.\nFine.\n</think>\n\n{JSON}", JSON),
        (f"<think>It splits at </think> here. Fine.</think>{JSON}", JSON),
        (f"The code splits at '</think>' here.\n</think>\n{JSON}", JSON),
        (f"The code opens <think> blocks.\n</think>\n{JSON}", JSON),
        (f'{{"draft": 1}} is not enough.\n</think>\n{JSON}', JSON),
        # Other spellings of the tag.
        (f"<mm:think>a</mm:think>\n{JSON}", JSON),
        (f"Let me see.</mm:think>{JSON}", JSON),
        (f"{JSON}\n<mm:think>A shorter form is {JSON}.</mm:think>", JSON),
        (f'<mm:think>\n<test path="t.py">\nx\n</test>\n</mm:think>\n{JSON}', JSON),
        (f'<think budget="low">a</think>{JSON}', JSON),
        (f"(think)a(/think){JSON}", JSON),
        # Thinking only.
        ("<think>a</think>", ""),
        ("<think>a</think>\n\n  ", ""),
        ("Let me see.</think>", ""),
    ],
)
def test_thinking_is_taken_out(content, answer):
    """Of every form of think block that hosts deliver, only the answer is left."""
    assert strip_reasoning(content) == answer


@pytest.mark.parametrize(
    "answer",
    [
        '{"quote": "text.split(\'</think>\')[-1]"}',
        '{"quote": "if \\"</think>\\" in text:", "n": 1}',
        '{"quote": "<think>"}',
        '{"quote": "a <think>b</think> c"}',
        '{\n  "quote": "text = </think>",\n  "n": 1\n}',
        '```json\n{"quote": "<think>x</think>"}\n```',
        '<test path="t.py" covers="a.py:1-2">\nassert strip("""\n<think>\na\n</think>\nb""") == "b"\n</test>',
        "It looks for `</think>` and cuts there.",
        "Write it so:\n```python\ntext = '''\n</think>\n'''\n```",
    ],
)
@pytest.mark.parametrize("before", ["", "<think>\nLet me see.\n</think>\n\n"])
def test_a_quoted_tag_stays(answer, before):
    """An answer that speaks of think tags, as a review of such code does, is kept whole."""
    assert strip_reasoning(before + answer) == answer


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("The tag </think> ends it.", "The tag </think> ends it."),
        (f"<think>a</think>{JSON}", JSON),
        (f"stray\n</think>\n{JSON}", JSON),
    ],
)
def test_thinking_that_came_beside_the_content_makes_tags_unlikely(content, answer):
    """Where the host split the thinking off, only what cannot be a quotation is taken for a tag."""
    assert strip_reasoning(content, separate=True) == answer


@pytest.mark.parametrize("unit", ["</think>", "<think>", "<think>a</think>", "a\n</think>\n", "`</think>", '{"<think>'])
@pytest.mark.slow
def test_time_is_linear_in_the_number_of_tags(unit, cpu_ratio):
    """A model that loops on a tag costs no more than its length."""
    assert cpu_ratio(strip_reasoning, lambda size: "x" + unit * (size // len(unit)), 200_000) < 3.2
