"""What the model asks to see is found by meaning, ranked, cut with what is left out, and only inside the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

import pytest

from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.models import planned_tokens
from reviewer.llm.usage import Attempt
from reviewer.tasks.lookups.handler import LookupBudget, LookupHandler
from reviewer.tasks.lookups.requests import MAX_LOOKUPS, Lookup, LookupKind, is_only_a_request, read_request
from reviewer.tasks.lookups.results import MAX_TOKENS
from tests.fakes.mapped_sources import MappedSources

DIFF = parse_diff(
    "diff --git a/src/shop/cart.py b/src/shop/cart.py\n--- a/src/shop/cart.py\n+++ b/src/shop/cart.py\n"
    "@@ -1,4 +1,4 @@\n from shop.money import rounded\n \n \n-def total(items):\n+def total(items, day):\n"
    "diff --git a/src/shop/gone.py b/src/shop/gone.py\ndeleted file mode 100644\n"
    "--- a/src/shop/gone.py\n+++ /dev/null\n"
    "@@ -1 +0,0 @@\n-GONE = 1\n"
    "diff --git a/src/shop/old.py b/src/shop/new.py\nsimilarity index 50%\nrename from src/shop/old.py\n"
    "rename to src/shop/new.py\n--- a/src/shop/old.py\n+++ b/src/shop/new.py\n"
    "@@ -1 +1 @@\n-def was(): ...\n+def now(): ...\n"
)
CART = "from shop.money import rounded\n\n\ndef total(items, day):\n    return rounded(sum(items))\n"
HEAD = {
    "src/shop/cart.py": CART,
    "src/shop/money.py": "class Money:\n    def rounded(self):\n        return 1\n\n\n"
                         "def rounded(x):\n    return round(x, 2)\n",
    "src/shop/new.py": "def now(): ...\n",
    "src/far/away/report.py": "from shop.money import rounded\n\n\n"
                              "def report(x):\n    y = 1\n    return rounded(x) + y\n",
    "tests/test_money.py": "from shop.money import rounded\n\n\ndef test_it():\n    assert rounded(1) == 1\n",
    "vendor/money.py": "def rounded(x):\n    return 'vendored'\n",
    "config/locales/en.yml": "rounded: Rounded\n",
    "docs/money.md": "Use rounded for sums.\n",
    "src/long.py": "".join(f"def step_{n}():\n    return {n}\n\n\n" for n in range(200)),
    "a:b#c d.py": "ODD = 1\n",
    **{f"src/many/m{n:03}.py": f"def use_{n}():\n    everywhere({n})\n" for n in range(400)},
}  # fmt: skip
BASE = HEAD | {
    "src/shop/cart.py": CART.replace(", day", ""),
    "src/shop/gone.py": "GONE = 1\n",
    "src/shop/old.py": "def was(): ...\n",
}


def handler(files: Mapping[str, str] = HEAD, before: Mapping[str, str] = BASE) -> LookupHandler:
    return LookupHandler.of(Change(DIFF, sources=MappedSources(files, before)), "data-0")


def look_up(**request: object) -> str:
    """Return what is found for a request that the model writes."""
    parsed = read_request(json.dumps(request))
    assert parsed is not None
    return handler().look_up(parsed)


def test_a_definition_is_shown_whole_and_other_peoples_code_is_left_out() -> None:
    """The file is found by the name; a vendored namesake and a translation are counted only."""
    text = look_up(definition=["rounded"])
    assert "src/shop/money.py:\n    2 |     def rounded(self):" in text
    assert "    6 | def rounded(x):\n    7 |     return round(x, 2)" in text
    assert "vendored'" not in text
    assert "2 places in generated, vendored or translated files left out" in text


@pytest.mark.parametrize("name", ["Money.rounded", "Money#rounded", "shop.money.Money.rounded", "`Money::rounded()`"])
def test_an_owner_chooses_among_definitions(name: str) -> None:
    """However it is written, only the definition in the class is shown."""
    text = look_up(definition=[name])
    assert "    2 |     def rounded(self):" in text
    assert "def rounded(x)" not in text


def test_callers_come_with_what_is_around_them_code_before_tests() -> None:
    """Signature and line of each use; imports and the definition itself are no uses; the nearest file is first."""
    text = look_up(callers=["rounded"])
    order = ["src/shop/cart.py:", "src/far/away/report.py:", "tests/test_money.py:", "docs/money.md:"]
    places = [text.index(path) for path in order]
    assert places == sorted(places)
    assert "    4 | def report(x):\n    5 |     y = 1\n    6 |     return rounded(x) + y" in text
    assert "src/shop/money.py" not in text


def test_a_search_is_ranked_and_can_be_narrowed() -> None:
    """First where the word is defined; with a pattern, also files that are left out otherwise."""
    text = look_up(search=["rounded"])
    assert text.splitlines()[1].startswith("src/shop/money.py:2 |")
    assert "locales" not in text.partition("\n(")[0]
    assert "config/locales/en.yml:1 | rounded: Rounded" in look_up(search=["rounded in config/**"])
    assert "vendor/money.py:1" in look_up(search=["rounded in vendor"])
    assert look_up(search=["return rounded(x)"]).count("|") == 1


def test_a_word_that_is_everywhere_is_cut_and_says_how_to_narrow_it() -> None:
    """What fits is shown, the rest is counted, and a pattern is suggested."""
    text = look_up(search=["everywhere"], callers=["everywhere"])
    assert planned_tokens(text) <= MAX_TOKENS * 1.1
    assert "400 places in 400 files" in text
    assert "more places are left out: ask for `search everywhere in GLOB`" in text
    assert text.count("src/many/m00") >= 10


def test_lines_definitions_outlines_and_folders_are_read() -> None:
    """Ranges in the forms that models write, one definition, a long file as its outline, a folder as its files."""
    assert "    4 | def total(items, day):\n    5 | " in look_up(read=["src/shop/cart.py:4-5"])
    assert look_up(read=["src/shop/cart.py#L4-L5"]).count(" | ") == 2
    assert look_up(read=["src/shop/money.py#Money.rounded"]).count(" | ") == 2
    assert "    5-6 | def step_1():" in look_up(outline=["src/long.py"])
    assert "it is long, so this is its outline" in look_up(read=["src/long.py"])
    assert "src/shop/money.py" in look_up(outline=["src/shop"])
    assert "ODD = 1" in look_up(read=["a:b#c d.py"])


def test_a_range_that_is_too_long_says_where_to_go_on() -> None:
    """The lines that do not fit are named."""
    text = look_up(read=["src/long.py:1-800", "src/shop/cart.py:1-2"])
    assert "are left out: read `src/long.py:" in text
    assert "### read src/shop/cart.py:1-2" in text


def test_the_version_before_the_change_is_shown() -> None:
    """By `history` or `base:`, also of a file that had another name, and of one that is gone."""
    assert "def total(items):" in look_up(history=["src/shop/cart.py#total"])
    assert "def total(items):" in look_up(read=["base:src/shop/cart.py:1-9"])
    assert "def was(): ..." in look_up(history=["src/shop/new.py"])
    assert "GONE = 1" in look_up(read=["base:src/shop/gone.py"])


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("../etc/passwd", "not a path inside"),
        ("/etc/passwd", "not a path inside"),
        (".git/config", "not a path inside"),
        ("x/../../y:1-2", "not a path inside"),
        ("src/shop/gone.py", "the change removes it"),
        ("src/shop/mony.py", "there is src/shop/money.py"),
        ("src/shop", "it is a folder of 3 files"),
        ("src/shop/cart.py:900-950", "it has only 5 lines"),
        ("src/shop/cart.py#nothing", "it defines total"),
        ("base:src/shop/none.py", "no such file before the change"),
    ],
)
def test_what_cannot_be_shown_has_a_reason(item: str, reason: str) -> None:
    """Outside, deleted, misspelt, beyond the end: the answer says so; nothing outside is asked of the sources."""
    sources = MappedSources(HEAD, BASE)
    request = read_request(json.dumps({"read": [item]}))
    assert request is not None
    assert reason in LookupHandler.of(Change(DIFF, sources=sources), "data-0").look_up(request)
    assert all(path.startswith("src/") for path, _ in sources.asked)


def test_a_base_that_is_gone_is_said() -> None:
    """In a shallow clone the version before the change is missing."""
    text = handler(HEAD, {}).look_up(read_request('{"history": ["src/shop/cart.py#total"]}'))  # type: ignore[arg-type]
    assert "it is not in this clone" in text


def test_nothing_is_looked_up_twice() -> None:
    """The same request gives the same text without another search; in the same conversation it is only named."""
    sources = MappedSources(HEAD, BASE)
    looking = LookupHandler.of(Change(DIFF, sources=sources), "data-0")
    request = read_request('{"definition": ["rounded"], "callers": ["rounded"], "search": ["rounded"]}')
    assert request is not None
    first = looking.look_up(request)
    asked = list(sources.asked)
    assert looking.look_up(request) == first
    assert sources.searched == ["rounded"]
    assert sources.asked == asked
    assert len(asked) == len(set(asked))
    assert looking.look_up(request, [first]).count("(shown above)") == 3
    assert (looking.counts.rounds, looking.counts.asked, looking.counts.wasted) == (3, 9, 3)


@pytest.mark.parametrize(
    ("text", "lookups"),
    [
        ('{"read": "a.py"}', [("read", "a.py")]),
        ('{"reason": "x", "search": ["a", 7, null, "a"]}', [("search", "a")]),
        ('I need:\n```json\n{"requests": ["definition f", "callers: g", "nonsense"]}\n```',
         [("definition", "f"), ("callers", "g")]),
        ('{"read": [{"path": "a.py", "start": 3, "end": 9}]}', [("read", "a.py:3-9")]),
        ('{"search": [{"word": "x", "in": "src/**"}]}', [("search", "x in src/**")]),
        ('{"history": [{"path": "a.py", "name": "f"}]} {"outline": ["b"]}', [("history", "a.py#f"), ("outline", "b")]),
    ],
)  # fmt: skip
def test_broken_forms_are_understood(text: str, lookups: list[tuple[str, str]]) -> None:
    """A single text, objects, remarks, a list of sentences, several objects."""
    request = read_request(text)
    assert request is not None
    assert request.lookups == tuple(Lookup(LookupKind(kind), item) for kind, item in lookups)


@pytest.mark.parametrize(
    "text", ['{"findings": []}', '{"read": ["a"], "findings": []}', "{}", "read a.py", '{"verdicts": []}', "[1]"]
)
def test_an_answer_is_no_request(text: str) -> None:
    """Only an object of lookups alone asks for something."""
    assert read_request(text) is None
    assert not is_only_a_request(text)


def test_too_many_lookups_are_cut_and_counted() -> None:
    """The rest is named, not forgotten."""
    text = look_up(definition=[f"name_{n}" for n in range(MAX_LOOKUPS + 3)])
    assert "3 more lookups were not made" in text
    assert text.count("### definition") == MAX_LOOKUPS


@pytest.mark.parametrize("item", ["", "   ", "$(id)", "\u202e", ".*", "-e", "(", "x" * 5000])
@pytest.mark.parametrize("kind", list(LookupKind))
def test_hostile_names_are_answered(kind: LookupKind, item: str) -> None:
    """Nothing raises, and nothing but words is searched."""
    request = read_request(json.dumps({kind.value: [item]}))
    assert request is not None
    sources = MappedSources(HEAD, BASE)
    text = LookupHandler.of(Change(DIFF, sources=sources), "data-0").look_up(request)
    assert planned_tokens(text) < MAX_TOKENS
    assert "\u202e" not in text
    assert all(word.isalnum() for word in sources.searched)


def test_the_budget_ends_the_lookups() -> None:
    """Dollars, tokens and seconds: over any of them a request is refused, and counted."""
    ask = Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "u")), may_look_up=True)
    dear = Reply('{"read": ["src/shop/cart.py"]}', attempts=(Attempt("m", "ok", 900, 10, Decimal("0.02")),))
    for budget in (LookupBudget(usd=Decimal("0.03")), LookupBudget(tokens=1000), LookupBudget(seconds=5)):
        times = iter((0.0, 0.0, 9.0, 9.0))
        looking = handler()
        looking.budget, looking.clock = budget, lambda times=times: next(times, 9.0)  # type: ignore[misc]
        assert looking(ask, dear, 3) is not None
        assert looking(ask, dear, 2) is None
        assert looking.counts.refused == 1


def test_sides_are_told_apart() -> None:
    """What is asked of the base is read there."""
    sources = MappedSources(HEAD, BASE)
    request = read_request('{"read": ["base:src/shop/cart.py"]}')
    assert request is not None
    LookupHandler.of(Change(DIFF, sources=sources), "data-0").look_up(request)
    assert ("src/shop/cart.py", Side.LEFT) in sources.asked


@pytest.mark.parametrize(
    "line", ["CREATE TABLE refunds (", "create table if not exists shop.refunds (", 'CREATE TABLE "shop"."refunds" (']
)
def test_a_table_is_a_definition(line: str) -> None:
    """What code calls by a text, a schema defines: the whole table is shown, not the line with its name."""
    schema = f"{line}\n  id bigint,\n  reason varchar(80) NOT NULL\n);\n\nCREATE TABLE other (\n  id bigint\n);\n"
    files = HEAD | {"db/schema.sql": schema, "src/shop/refunds.py": 'insert("refunds", reason)\n'}
    request = read_request('{"definition": ["refunds"]}')
    assert request is not None
    text = handler(files).look_up(request)
    assert "    3 |   reason varchar(80) NOT NULL" in text
    assert "other" not in text


def test_of_a_word_that_is_everywhere_the_nearest_places_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All places are counted, but only those in the folders nearest to the change are ranked."""
    monkeypatch.setattr("reviewer.tasks.lookups.names.MAX_WEIGHED", 50)
    near = {f"src/shop/use_{n}.py": "def near():\n    everywhere(1)\n" for n in range(60)}
    request = read_request('{"search": ["everywhere"], "callers": ["everywhere"]}')
    assert request is not None
    text = handler(HEAD | near).look_up(request)
    assert "### search everywhere: 460 places\nsrc/shop/use_0.py:2 |" in text
    assert "### callers everywhere: more than 50 uses" in text
    assert "src/many" not in text.partition("most are in")[0]


def test_the_owners_file_is_read_although_many_have_the_name() -> None:
    """A constructor is defined in every class: the one of the class that was named is found all the same."""
    made = "<?php\nclass {0} {{\n    public function __construct() {{\n        echo '{0}';\n    }}\n}}\n"
    files = {f"src/shop/A{n:02}.php": made.format(f"A{n:02}") for n in range(30)}
    files["src/far/StreamHandler.php"] = made.format("StreamHandler")
    request = read_request(json.dumps({"definition": ["StreamHandler.__construct"]}))
    assert request is not None
    text = handler(HEAD | files).look_up(request)
    assert "echo 'StreamHandler';" in text
    assert "echo 'A" not in text


def test_a_text_of_several_words_that_is_nowhere_is_said_so() -> None:
    """Places of its longest word are shown in its stead, and called that."""
    assert "(the whole of it is nowhere: these hold `rounded`;" in look_up(search=["has rounded"])
    assert "the whole of it" not in look_up(search=["return rounded"])
