"""Quotes that are not to the letter: each spelling of each line of some files finds that line, or nothing."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from reviewer.diff.model import Diff, Side
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import QuoteMatch
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from reviewer.tasks.verification.quoting.path_names import line_in_path, resolve_path

FILES = {
    "src/alerts.py": """\
def check(domains, limit):
    down = [item for item in domains if item.days < limit and not item.muted]
    if domains:
        print(
            f"ALERT: {len(down)} domain(s) are down"
        )
    store.execute(
        "INSERT INTO checks (domain, at)"
        " VALUES (?, ?)", down,
    )
    return down
""",
    "pkg/scan.go": """\
func scan(rows []Row, limit int) (int, error) {
\ttotal := 0
\tfor i := 0; i < len(rows); i++ {
\t\tif rows[i].Size > limit && !rows[i].Skipped {
\t\t\treturn 0, fmt.Errorf("row %d is too large", i)
\t\t}
\t\ttotal += rows[i].Size
\t}
\treturn total, nil
}
""",
    "deploy/app.yaml": """\
service: shop
image: registry.example.org/shop:latest
replicas: 3
resources:
  limits: {memory: "512Mi", cpu: "2"}
command: ["serve", "--port", "8080"]
""",
    "web/list.ts": """\
export function visible(items: Item[], query: string): Item[] {
  const wanted = query.trim().toLowerCase();
  const found = items.filter((item) => item.name.toLowerCase().includes(wanted));
  return found.length > 0 && wanted !== "" ? found : items;
}
""",
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A quote as a model might write it. `lines` are the first and last line that it means, None: it has no place."""

    kind: str
    path: str
    written: str
    quote: str
    line: int | None
    lines: tuple[int, int] | None


def added(files: dict[str, str] = FILES) -> Diff:
    """Return the diff that adds the files."""
    parts = []
    for path, text in files.items():
        rows = text.removesuffix("\n").split("\n")
        head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        parts.append(f"{head}@@ -0,0 +1,{len(rows)} @@\n" + "".join(f"+{row}\n" for row in rows))
    return parse_diff("".join(parts).encode())


def of_one_line(text: str, number: int) -> Iterator[tuple[str, str]]:
    """Yield ways to write one line."""
    bare = text.strip()
    yield "back-ticks", f"`{bare}`" if "`" not in bare else bare
    yield "fence", f"```\n{text}\n```"
    yield "long fence", f"````python\n{text}\n````"
    yield "number", f"{number}: {bare}"
    yield "number and bar", f"{number} | {text}"
    yield "L number", f"L{number}: {bare}"
    yield "number in brackets", f"[{number}] {bare}"
    yield "number in round brackets", f"({number}) {text}"
    yield "grep", f"src/some-file.py:{number}: {text}"
    yield "sentence", f"`{bare}` in the new code" if "`" not in bare else bare
    yield "numbered sentence", f"line {number}: `{bare}`" if "`" not in bare else bare
    yield "dots", f"...{bare}..."
    yield "dot", f"\u2026 {bare} \u2026"
    yield "punctuation", f"{text};" if not text.endswith((";", ",", ".")) else text
    yield "row of the prompt", f"      {number:>5} |+{text}"
    yield "new number and mark", f"{number} |+{text}"
    yield "mark", f"+{text}"
    yield "quotation", f"> {bare}"
    yield "comment", f"{text}  # should be something else"
    yield "other comment", f"{text} // <-- here"
    yield "spaces", re.sub(r" ", "  ", bare)
    yield "JSON", json.dumps(text)
    yield "escaped quotes", text.replace('"', '\\"')
    if html.escape(text) != text:
        yield "entities", html.escape(text)
        yield "double entities", html.escape(html.escape(text))
        yield "code points", text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    yield "trailing space", f"{text}   "


def right_spellings() -> Iterator[Spelling]:
    """Yield quotes that mean certain lines."""
    for path, content in FILES.items():
        rows = content.removesuffix("\n").split("\n")
        for number, text in enumerate(rows, 1):
            if sum(char.isalnum() for char in text) >= 8:
                yield from (
                    Spelling(kind, path, path, quote, number, (number, number))
                    for kind, quote in of_one_line(text, number)
                )
                part = re.sub(r"^\w*\W*", "", text.strip())
                if content.count(part) == 1 and sum(char.isalnum() for char in part) >= 4:
                    yield Spelling("part", path, path, part, number, (number, number))
        yield from of_three_lines(path, rows)
        yield from (Spelling("path", path, written, rows[2], 3, (3, 3)) for written in spellings_of_path(path))


def of_three_lines(path: str, rows: list[str]) -> Iterator[Spelling]:
    """Yield ways to write three lines as one text."""
    for start in range(len(rows) - 2):
        run, place = rows[start : start + 3], (start + 1, start + 3)
        if sum(char.isalnum() for char in "".join(run)) >= 12:
            joined = " ".join(text.strip() for text in run)
            yield Spelling("joined", path, path, joined, start + 2, place)
            yield Spelling("written out", path, path, "\\n".join(run), start + 3, place)
            yield Spelling("list of lines", path, path, json.dumps(run), start + 3, place)


def spellings_of_path(path: str) -> Iterator[str]:
    """Yield ways to write a path."""
    yield from (f"{path}:3", f"{path} (modified)", f"{path} (added, in part)", f"### {path} (modified)")
    yield from (f"b/{path}", f"./{path}", f"`{path}`", f"{path}#L3", f"{path}:3-4", f"{path}, line 3")
    yield from (f"a/{path}:3", f"/{path}", path.replace("/", "\\"), f'"{path}"', f"b/{path} (new)")


def wrong_spellings() -> Iterator[Spelling]:
    """Yield quotes that have no place, or might have two."""
    python, go = "src/alerts.py", "pkg/scan.go"
    for line in (1, 2, 3, 11):
        yield Spelling("twice", python, python, "down", line, None)
        yield Spelling("twice", python, python, "domain", line, None)
        yield Spelling("within a word", python, python, "omains", line, None)
        yield Spelling("within a word", python, python, "tem.day", line, None)
    for far in (5, 7, 11, 99, None):
        yield Spelling("far", python, python, "days < limit", far, None)
    for line in (1, 3, 4, 6, 7):
        yield Spelling("twice", go, go, "rows[i].Size", line, None)
        yield Spelling("twice", go, go, "i < len", line + 20, None)
    for quote, line in (
        ("    down = [item for item in domains if item.days <= limit and not item.muted]", 2),
        ("    down = [item for item in domains if item.days < limit and item.muted]", 2),
        ("    down = [item for item in domains if item.days < limit or not item.muted]", 2),
        ("    if not domains:", 3),
        ("    if domains == []:", 3),
        ("    return up", 11),
        ("    del down", 11),
        ("def check(domains, limit=5):", 1),
        ("&lt;b&gt;", 2),
        ("\\n", 3),
        ("...", 3),
    ):
        yield Spelling("invented", python, python, quote, line, None)
    for quote, line in (
        ("\tfor i := 0; i <= len(rows); i++ {", 3),
        ("\tfor i := 1; i < len(rows); i++ {", 3),
        ("\t\tif rows[i].Size > limit || !rows[i].Skipped {", 4),
        ("\t\tif rows[i].Size > limit && rows[i].Skipped {", 4),
        ("\t\ttotal -= rows[i].Size", 7),
        ("\treturn total, err", 9),
    ):
        yield Spelling("invented", go, go, quote, line, None)
    for written in ("src/alert.py:3", "lerts.py", "src (modified)", ":3", "(modified)", "src/alerts.py.bak"):
        yield Spelling("no such file", python, written, "    if domains:", 3, None)


DIFF = added()
SPELLINGS = [*right_spellings(), *wrong_spellings()]


def found_lines(diff: Diff, spelling: Spelling) -> tuple[int, int] | None:
    """Return the first and the last line where the quote is found."""
    path = resolve_path(diff, spelling.written)
    if path is None:
        return None
    place = locate(diff, path, spelling.quote, spelling.line)
    return (
        (place.anchor.start_line or place.anchor.line, place.anchor.line) if isinstance(place, LocatedQuote) else None
    )


@pytest.mark.parametrize("kind", sorted({spelling.kind for spelling in SPELLINGS}))
def test_each_spelling_finds_its_lines_or_nothing(kind: str) -> None:
    """Whatever stands around the code, the right lines are found; what may mean two places finds none."""
    mine = [spelling for spelling in SPELLINGS if spelling.kind == kind]
    wrong = [(spelling, found) for spelling in mine if (found := found_lines(DIFF, spelling)) != spelling.lines]
    assert wrong == []


def test_there_are_enough_neighbours() -> None:
    """The table stays large, for quotes with a place and for those without one."""
    assert len(SPELLINGS) >= 500
    assert sum(spelling.lines is None for spelling in SPELLINGS) >= 40


@pytest.mark.parametrize(
    ("quote", "line", "match"),
    [
        ("    if domains:", 3, QuoteMatch.EXACT),
        ("if domains:", 3, QuoteMatch.WHITE_SPACE),
        ('print( f"ALERT: {len(down)} domain(s) are down" )', 5, QuoteMatch.WHITE_SPACE),
        ("`if domains:`", 3, QuoteMatch.TIDIED),
        ("    if domains:  # should be: if down", 3, QuoteMatch.TIDIED),
        ("item.days < limit and not item.muted", 2, QuoteMatch.PART),
        ("down = [item for item in domains if item.days &lt; limit and not item.muted]", 2, QuoteMatch.DECODED),
        ("    if domains:\n    return None", 3, QuoteMatch.ONE_LINE),
        ("    down = [it.name for it in limit if it.days < limit and not it.muted]", 2, None),
        ("    down = [item for item in domain if item.days < limit and not item.muted]", 2, QuoteMatch.SIMILAR),
        ('            f"ALERT: {len(down)} domains(s) are down"', 5, QuoteMatch.SIMILAR),
    ],
)
def test_the_result_says_how_the_quote_was_found(quote: str, line: int, match: QuoteMatch | None) -> None:
    """The loosest step that was needed is named."""
    place = locate(DIFF, "src/alerts.py", quote, line)
    assert (place.match if isinstance(place, LocatedQuote) else None) == match


def test_a_part_of_a_changed_line_is_in_the_new_one() -> None:
    """A part that both the removed and the added line have means the added one, whose code the change makes."""
    rows = b"-total = price * amount\n+total = price * amount + 1\n y = 1\n"
    diff = parse_diff(b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n" + rows)
    place = locate(diff, "a.py", "price * amount", 1)
    assert isinstance(place, LocatedQuote)
    assert (place.anchor.side, place.match) == (Side.RIGHT, QuoteMatch.PART)


def test_a_longer_quote_than_a_comment_can_have_is_found_in_part() -> None:
    """Of a quote of fifty lines the first forty are the place, and nothing may replace them alone."""
    text = "".join(f"value_{number} = {number}\n" for number in range(50))
    place = locate(added({"a.py": text}), "a.py", text, 50)
    assert isinstance(place, LocatedQuote)
    assert (place.anchor.start_line, place.anchor.line, place.exact) == (1, 40, False)


def test_the_number_behind_a_path_chooses_the_line() -> None:
    """A path may carry the number that the entry lacks."""
    diff = added({"a.py": "check()\nx = 1\ny = 2\nz = 3\ncheck()\n"})
    assert line_in_path(diff, "a.py:5") == 5
    assert line_in_path(diff, "a.py#L1-L5") == 5
    assert line_in_path(diff, "a.py") is None
