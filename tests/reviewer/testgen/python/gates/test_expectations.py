"""What tests demand, read from their text by meaning: inputs and outcomes, whatever the words are."""

from __future__ import annotations

import pytest

from reviewer.testgen.python.gates.demands import expectations
from reviewer.testgen.python.gates.expectations import copied_demand, renewed_tests, turned_demands

HEAD = "import pytest\nfrom m import f, LIMIT\n\nFIVE = 5\n\n\n"


def demands(body: str) -> list[tuple[str, str]]:
    rows = "\n".join(f"    {row}" for row in body.split("\n"))
    return [(demand.given, demand.demanded) for demand in expectations(f"{HEAD}def test_a():\n{rows}\n")]


@pytest.mark.parametrize(
    ("body", "given", "demanded"),
    [
        ("assert f([5], 5) == []", "f([5], 5)", "_ == []"),
        ("assert [] == f([FIVE], FIVE)", "f([5], 5)", "_ == []"),
        ("got = f([FIVE], 2 + 3)\nassert got == []", "f([5], 5)", "_ == []"),
        ("wanted = []\nassert f([5], 5) == wanted", "f([5], 5)", "_ == []"),
        ("assert len(f(LIMIT)) == 1", "f(LIMIT)", "len(_) == 1"),
        ("assert 3 < f(1)", "f(1)", "_ > 3"),
        ("assert not f(1)", "f(1)", "not _"),
        ("with pytest.raises(ValueError):\n    f(-1)", "f(-1)", "raises ValueError"),
        ("for a, b in [(1, 2)]:\n    assert f(a) == b", "f(1)", "_ == 2"),
        ("self.assertEqual(f(1), 2)", "f(1)", "_ == 2"),
        ("self.assertTrue(f(1) == 2)", "f(1)", "_ == 2"),
    ],
)
def test_a_demand_is_the_same_however_it_is_written(body: str, given: str, demanded: str) -> None:
    assert demands(body) == [(given, demanded)]


def test_rows_of_parametrize_are_demands_of_their_own() -> None:
    code = f"{HEAD}@pytest.mark.parametrize('n, w', [(1, 2), (FIVE, 6)])\ndef test_a(n, w):\n    assert f(n) == w\n"
    assert [(demand.given, demand.demanded) for demand in expectations(code)] == [
        ("f(1)", "_ == 2"),
        ("f(5)", "_ == 6"),
    ]


def test_demands_joined_by_and_are_several() -> None:
    assert demands("assert f(1) == 2 and f(2) == 3") == [("f(1)", "_ == 2"), ("f(2)", "_ == 3")]


BEFORE = f"{HEAD}def test_a():\n    assert f(1) == 2\n    assert f([LIMIT]) == []\n"


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("== []", "== [LIMIT]"),
        BEFORE.replace("assert f([LIMIT]) == []", "got = f([LIMIT])\n    assert got == [1]"),
        BEFORE.replace("f([LIMIT]) == []", "len(f([LIMIT])) == 1"),
        BEFORE.replace("test_a", "test_b").replace("== []", "== [LIMIT]"),
        BEFORE.replace("    assert f([LIMIT]) == []", '    """Now documented."""\n    assert f([LIMIT]) != []'),
    ],
)
def test_another_demand_on_the_same_input_is_copied(after: str) -> None:
    assert copied_demand(BEFORE, after, {"test_a": 9}) == "test_a"


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("f([LIMIT])", "f([LIMIT], exclusive=True)"),  # another call, the same demand
        BEFORE.replace("    assert f([LIMIT]) == []\n", ""),
        BEFORE.replace("f([LIMIT]) == []", "f([]) == []"),
        BEFORE,
    ],
)
def test_another_call_is_a_repair(after: str) -> None:
    assert copied_demand(BEFORE, after, {"test_a": 9}) is None


def test_rows_that_passed_are_no_turned_demands() -> None:
    row = "@pytest.mark.parametrize('n, w', [(1, 2), (5, 6)])\ndef test_a(n, w):\n    assert f(n) == w\n"
    kept = "def test_b():\n    assert f(1) == 2\n"
    assert turned_demands(HEAD + row, HEAD + kept, "test_a", 9) == frozenset()
    assert turned_demands(HEAD + row, HEAD + kept.replace("2", "3"), "test_a", 9) == frozenset({"test_b"})


def test_renewed_are_those_with_new_demands() -> None:
    renamed = BEFORE.replace("test_a", "test_b")
    assert renewed_tests(BEFORE, renamed) == frozenset()
    assert renewed_tests(BEFORE, BEFORE.replace("f(1) == 2", "f(7) == 8")) == frozenset({"test_a"})
    assert renewed_tests(BEFORE, f"{BEFORE}\n\ndef test_more():\n    assert f(1) == 2\n") == frozenset()
