"""From the model's quote to a place in the diff: right lines, or a reason, never a guess."""

from __future__ import annotations

import pytest

from reviewer.diff.model import Side
from reviewer.diff.parser import parse_diff
from reviewer.tasks.verification.anchoring import LocatedQuote, NotLocated, locate
from reviewer.tasks.verification.quoting.path_names import resolve_path

DIFF = parse_diff(
    b"diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n"
    b"@@ -1,7 +1,8 @@\n"
    b" def first(xs):\n"  # new 1
    b"-    if not xs:\n"  # old 2
    b"-        return None\n"  # old 3
    b"+    check(xs)\n"  # new 2
    b"     return xs[0]\n"  # old 4, new 3
    b" \n"  # 5, 4
    b" def last(xs):\n"  # 6, 5
    b"+    check(xs)\n"  # new 6
    b"+    print(xs)\r\n"  # new 7
    b"     return xs[-1]\n"  # 7, 8
    b"@@ -20,2 +21,3 @@\n"
    b" def other():\n"  # 20, 21
    b"+    check(xs)\n"  # new 22
    b"     return None\n"  # 21, 23
    b"diff --git a/src/deep/b.py b/src/deep/b.py\n--- a/src/deep/b.py\n+++ b/src/deep/b.py\n"
    b"@@ -1 +1 @@\n-token = get()\n+token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'\n"
)


@pytest.mark.parametrize(
    ("quote", "line", "expected"),
    [
        ("    print(xs)", None, (Side.RIGHT, None, 7)),
        ("    print(xs)", 999, (Side.RIGHT, None, 7)),
        ("print(xs)", 7, (Side.RIGHT, None, 7)),
        ("    check(xs)\n    return xs[0]", None, (Side.RIGHT, 2, 3)),
        ("\n    check(xs)\n    return xs[0]\n", 2, (Side.RIGHT, 2, 3)),
        ("    check(xs)", 6, (Side.RIGHT, None, 6)),
        ("    check(xs)", 22, (Side.RIGHT, None, 22)),
        ("    check(xs)", 23, (Side.RIGHT, None, 22)),
        ("    if not xs:\n        return None", 3, (Side.LEFT, 2, 3)),
        ("        return None", 3, (Side.LEFT, None, 3)),
        ("    return None", 23, (Side.RIGHT, None, 23)),
        ("def  first( xs ):", None, (Side.RIGHT, None, 1)),
        ("+    print(xs)", None, (Side.RIGHT, None, 7)),
        ("          7 |+    print(xs)", None, (Side.RIGHT, None, 7)),
        ("    2       |-    if not xs:", None, (Side.LEFT, None, 2)),
    ],
)
def test_a_quote_is_found(quote: str, line: int | None, expected: tuple[Side, int | None, int]) -> None:
    """Exact, dedented, respaced and marked quotes are found; the number only decides between equals."""
    located = locate(DIFF, "src/a.py", quote, line)
    assert isinstance(located, LocatedQuote)
    assert (located.anchor.side, located.anchor.start_line, located.anchor.line) == expected
    assert located.exact


@pytest.mark.parametrize(
    ("path", "quote", "line", "reason"),
    [
        ("src/a.py", "    check(xs)", None, "ambiguous"),
        ("src/a.py", "    check(xs)", 12, "ambiguous"),
        ("src/a.py", "    raise ValueError", 2, "quote not found"),
        ("src/a.py", "", 2, "no quote"),
        ("src/a.py", "   \n\t\n", 2, "no quote"),
        ("src/z.py", "x", 1, "unknown file"),
        ("src/a.py", "    return xs[-1]\ndef other():", 8, "quote not found"),
    ],
)
def test_what_has_no_place_says_why(path: str, quote: str, line: int | None, reason: str) -> None:
    """Hallucinated, empty, ambiguous and hunk-spanning quotes are refused by name."""
    result = locate(DIFF, path, quote, line)
    if reason == "quote not found" and line == 8:
        # The number and the line there agree, so the finding is kept on that line, without a provable suggestion.
        assert isinstance(result, LocatedQuote)
        assert (result.anchor.line, result.exact) == (8, False)
        return
    assert isinstance(result, NotLocated)
    assert result.reason == reason


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("set body(value: string | Buffer | undefined) {\nassert.any([is.string, ...], value);", 3),
        ("set body(value: string | Buffer | undefined) {\nassert(value);\nthis.value = value.toString();", None),
        ("set body(value: string | Buffer | undefined) {\nassert(value);\nreturn value;", None),
        ("assert.any([is.string, ...], value);\nthis.value = value.toString();", None),
    ],
)
def test_a_quote_of_which_a_line_is_shortened_is_found_by_the_others(quote: str, line: int | None) -> None:
    """Half of it has to be there, with a line that can mean nothing else; the click is not offered."""
    rows = "  set body(value: string | Buffer | undefined) {", "    assert.any([is.string, is.buffer], value);"
    code = (*rows, "    this.value = value.toString();", "  }")
    diff = parse_diff("--- a/a.ts\n+++ b/a.ts\n@@ -9,0 +10,4 @@\n" + "".join(f"+{row}\n" for row in code))
    located = locate(diff, "a.ts", quote, line)
    if "return value" in quote or not quote.startswith("set"):
        assert isinstance(located, NotLocated)
        return
    assert isinstance(located, LocatedQuote)
    assert (located.anchor.line, located.exact) == (10, False)


def test_a_bracket_is_no_quote() -> None:
    """A closing bracket stands where its number says, give or take two lines, or nowhere, even if it stands once."""
    diff = parse_diff(b"--- a/x.go\n+++ b/x.go\n@@ -1,2 +1,4 @@\n func f() {\n+\tg()\n+\t}\n h()\n")
    for line in (1, 3, 5, None):
        assert isinstance(locate(diff, "x.go", "\t}", line), LocatedQuote), line
    for line in (6, 99):
        found = locate(diff, "x.go", "\t}", line)
        assert isinstance(found, NotLocated)
        assert found.reason == "ambiguous"
    assert isinstance(locate(diff, "x.go", "\tg()\n\t}", 1), LocatedQuote)


def test_a_quote_of_a_redacted_line_is_found() -> None:
    """The model sees `[redacted: ...]`, quotes it, and the secret's line is still the anchor."""
    located = locate(DIFF, "src/deep/b.py", "token = '[redacted: github token]'", 1)
    assert isinstance(located, LocatedQuote)
    assert located.lines[0].text.startswith("token = 'ghp_")


@pytest.mark.parametrize(
    ("line", "quote"),
    [
        ("Alpha \u2014 beta, gamma\u2026", "Alpha - beta, gamma..."),
        ("say \u201cyes\u201d, it\u2019s fine", 'say "yes", it\'s fine'),
        (
            "# \u8bf7\u6ce8\u610f\uff1a\u8fd9\u91cc\u6709\u9519\u8bef\u3002",
            "# \u8bf7\u6ce8\u610f:\u8fd9\u91cc\u6709\u9519\u8bef.",
        ),
        ("print('\uff41\uff42\uff43')", "print('abc')"),
        ("name = 'cafe\u0301'", "name = 'caf\u00e9'"),
        ("\ufeffx = 1", "x = 1"),
        ("\u26a0\ufe0f Careful\u00ad ly", "\u26a0 Careful ly"),
        ("call\u200b_me(1)", "call_me(1)"),
    ],
)
def test_a_quote_with_other_signs_is_found(line: str, quote: str) -> None:
    """Models type a hyphen for a dash and leave out what nobody sees. What they suggest would then change that too."""
    diff = parse_diff(f"--- a/x.md\n+++ b/x.md\n@@ -1 +1,2 @@\n+{line}\n x = 2\n".encode())
    located = locate(diff, "x.md", quote, 1)
    assert isinstance(located, LocatedQuote)
    assert (located.anchor.line, located.exact) == (1, False)


@pytest.mark.parametrize(
    ("encoding", "line", "quote"),
    [
        ("latin-1", "size = 'Größe', 5", "size = 'Gr\ufffd\ufffde', 5"),
        ("latin-1", "size = 'Größe', 5", "size = 'Gr\ufffde', 5"),
        ("latin-1", "size = 'Größe', 5", "size = 'Größe', 5"),
        ("gbk", "return '你好', timeout=0", "'\ufffd\ufffd', timeout=0"),
        ("cp1251", "print('Привет', x)", "print('Привет', x)"),
    ],
)
def test_a_quote_of_a_line_that_is_not_utf_8_is_found(encoding: str, line: str, quote: str) -> None:
    """The model counts the marks wrongly, or guesses the letters that they stand for."""
    diff = parse_diff(b"--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n x = 1\n+    %b\n" % line.encode(encoding))
    located = locate(diff, "x.py", quote, 2)
    assert isinstance(located, LocatedQuote)
    assert located.anchor.line == 2
    assert isinstance(locate(diff, "x.py", "print('Hello', y)", 2), NotLocated)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("src/a.py", "src/a.py"),
        ("b/src/a.py", "src/a.py"),
        ("./src/a.py", "src/a.py"),
        ("`src/a.py`", "src/a.py"),
        ("a.py", "src/a.py"),
        ("deep/b.py", "src/deep/b.py"),
        ("/home/runner/work/shop/shop/src/a.py", "src/a.py"),
        ("https://github.com/o/shop/blob/main/src/a.py#L3", "src/a.py"),
        ("File: src/a.py", "src/a.py"),
        ("+++ b/src/a.py", "src/a.py"),
        ("[src/a.py](src/a.py#L3)", "src/a.py"),
        ("lib/a.py -> src/a.py", "src/a.py"),
        ("{lib => src}/a.py", "src/a.py"),
        ("src/a.py::first", "src/a.py"),
        ("Src/A.py", "src/a.py"),
        ("src//deep/../a.py", "src/a.py"),
        ("src%2Fa.py", "src/a.py"),
        ("/home/runner/work/shop/shop/src/c.py", None),
        ("xsrc/a.py", None),
        ("c.py", None),
        ("py", None),
        ("", None),
    ],
)
def test_paths_are_resolved(written: str, meant: str | None) -> None:
    """Prefixes and unique endings are understood, everything else is not a file of the change."""
    assert resolve_path(DIFF, written) == meant


def test_a_path_with_letters_put_together_otherwise_is_known() -> None:
    """As macOS writes names, and a model does not."""
    diff = parse_diff("--- a/cafe\u0301.md\n+++ b/cafe\u0301.md\n@@ -1 +1 @@\n-a\n+b\n".encode())
    assert resolve_path(diff, "caf\u00e9.md") == "cafe\u0301.md"
