"""Suggestions are offered only when applying them is proven to do what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.formatting import NO_RULES, FormatRules
from reviewer.tasks.verification.anchoring import LocatedQuote, locate
from reviewer.tasks.verification.suggestions import (
    ProvenSuggestion,
    UnprovenSuggestion,
    drop_overlapping,
    prove_suggestion,
)
from tests.reviewer.tasks.verification.test_triage import finding


def located(path: str, head: str, quote: str) -> LocatedQuote:
    """Return where the quote stands in a new file of that text."""
    lines = head.encode().split(b"\n")
    body = b"".join(b"+" + line + b"\n" for line in lines[:-1])
    name = path.encode()
    diff = b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n@@ -0,0 +1,%d @@\n%b" % (
        name, name, name, len(lines) - 1, body,
    )  # fmt: skip
    place = locate(parse_diff(diff), path, quote, None)
    assert isinstance(place, LocatedQuote)
    return place


FREED = "void f(struct s *c) {\n    if (c->p) {\n        free(c->p);\n    }\n    c->p = 0;\n}\n"
PYTHON = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.mark.parametrize(
    ("path", "head", "quote", "suggestion", "expected"),
    [
        ("a.py", PYTHON, "    return 2", "    return 3", "    return 3"),
        ("a.py", PYTHON, "    return 2", "    return 3\n", "    return 3"),
        ("a.py", PYTHON, "    return 2", "```python\n    return 3\n```", "    return 3"),
        ("a.py", PYTHON, "    return 2", "return 3", "    return 3"),
        ("a.py", PYTHON, "    if x:\n        return 1", "if not x:\n    return 1", "    if not x:\n        return 1"),
        ("a.py", PYTHON, "    return 2", "", ""),
        ("a.py", PYTHON, "    return 2", "    y = 3\n\n    return y", "    y = 3\n\n    return y"),
        (
            "a.py",
            PYTHON.replace("\n", "\r\n"),
            "    return 2",
            "    y = 3\n    return y",
            "    y = 3\r\n    return y\r",
        ),
        ("a.json", '{"a": 1,\n"b": 2}\n', '"b": 2}', '"b": 3}', '"b": 3}'),
        ("a.go", "func f() {\n\treturn\n}\n", "\treturn", "\tpanic(1)", "\tpanic(1)"),
        ("a.js", 'f("(");\n', 'f("(");', 'g("[");', 'g("[");'),
        ("a.js", "f(() => {\n  let x = 1;\n  g(x);\n  h(x);\n});\n", "  g(x);", "  g(2);", "  g(2);"),
        ("a.js", "f(() => {\n  const {x, y} = o;\n  g(x);\n});\n", "  g(x);", "  g(y);", "  g(y);"),
        ("a.ts", "get().then(async (x) => {\n  use(x);\n});\n", "  use(x);", "  await use(x);", "  await use(x);"),
        ("a.mjs", "use(1);\n", "use(1);", "await use(1);", "await use(1);"),
        ("a.cs", "class A { async Task F() {\n  G();\n} }\n", "  G();", "  await G();", "  await G();"),
        ("a.c", FREED, "    if (c->p) {\n        free(c->p);\n    }", "    free(c->p);", "    free(c->p);"),
        (
            "a.c",
            FREED,
            "    if (c->p) {\n        free(c->p);\n    }\n    c->p = 0;",
            "    free(c->p);\n    c->p = 0;",
            "    free(c->p);\n    c->p = 0;",
        ),
    ],
)
def test_a_sound_suggestion_is_proven(path: str, head: str, quote: str, suggestion: str, expected: str) -> None:
    """Indentation and line ends are the file's, fences are taken off, and the text replaces exactly the quote."""
    assert prove_suggestion(located(path, head, quote), suggestion, head) == ProvenSuggestion(expected)


#: By language: a sound file, a line of it, and a replacement whose brackets match but which is no code.
BROKEN = {
    "go": ("package p\n\nfunc f() int {\n\treturn 1\n}\n", "\treturn 1", "\treturn return 1"),
    "ts": ("function f(): number {\n  return 1;\n}\n", "  return 1;", "  return const 1;"),
    "tsx": ("const a = <b>{x}</b>;\n", "const a = <b>{x}</b>;", "const a = <b>{x}</c;"),
    "js": ("function f() {\n  return 1;\n}\n", "  return 1;", "  let = = 1;"),
    "java": ("class A {\n  int f() { return 1; }\n}\n", "  int f() { return 1; }", "  int f() { return 1 2; }"),
    "rb": ("def f\n  1\nend\n", "  1", "  if x\n  1"),
    "rs": ("fn f() -> i32 {\n    1\n}\n", "    1", "    let 1 1"),
    "c": ("int f() {\n  return 1;\n}\n", "  return 1;", "  return 1 1;"),
    "cs": ("class A { int F() {\n  return 1;\n} }\n", "  return 1;", "  return 1 1;"),
    "php": ("<?php\nfunction f() {\n  return 1;\n}\n", "  return 1;", "  return 1 1;"),
}


@pytest.mark.parametrize(
    ("path", "head", "quote", "suggestion", "why"),
    [
        ("a.py", PYTHON, "    return 2", "    return 2", "changes nothing"),
        ("a.py", PYTHON, "    return 2", "    return (2", "no longer parse"),
        ("a.py", PYTHON, "        return 1", "", "no longer parse"),
        ("a.py", PYTHON, "    return 2", "  return 3", "no longer parse"),
        ("a.py", "def f(:\n    x\n", "    x", "    y", "does not parse as it is"),
        ("a.json", '{"a": 1}\n', '{"a": 1}', '{"a": 1,}', "no longer parse"),
        ("a.yaml", "a: 1\nb: 2\n", "b: 2", "b: [2", "no longer parse"),
        ("a.toml", "a = 1\n", "a = 1", "a = ", "no longer parse"),
        ("a.kt", "fun f() {\n\treturn\n}\n", "fun f() {", "fun f() {\n\tif (x) {", "brackets"),
        ("a.lua", "f(a);\n", "f(a);", "f(a;", "brackets"),
        (
            "a.ts",
            "f(() => {\n  const x = g();\n  if (a || x) {\n    h();\n  }\n});\n",
            "  if (a || x) {",
            "  if (a) {",
            "`x`",
        ),
        ("a.go", "func f() {\n\tx := g()\n\th(x)\n}\n", "\th(x)", "\th(1)", "leaves `x` declared and unused"),
        (
            "a.go",
            'package a\n\nimport (\n\t"a.b/fmt"\n)\n\nvar x = fmt.A(1)\n',
            "var x = fmt.A(1)",
            "var x = 1",
            "`fmt`",
        ),
        ("a.py", PYTHON, "    return 2", "    return await g(2)", "not async"),
        ("a.ts", "get().then((x) => {\n  use(x);\n});\n", "  use(x);", "  await use(x);", "not async"),
        (
            "a.cs",
            "class A { void F() {\n  var f = async () => 1;\n  G();\n} }\n",
            "  G();",
            "  await G();",
            "not async",
        ),
        *((f"a.{ending}", *case, "no longer parse") for ending, case in BROKEN.items()),
    ],
)
def test_an_unsound_suggestion_is_not(path: str, head: str, quote: str, suggestion: str, why: str) -> None:
    """No change, broken syntax and unbalanced brackets are refused with the reason."""
    result = prove_suggestion(located(path, head, quote), suggestion, head)
    assert isinstance(result, UnprovenSuggestion)
    assert why in result.reason


def test_the_file_must_be_there_and_be_the_one_of_the_diff() -> None:
    """Without the head file, or with another version of it, nothing is proven."""
    place = located("a.py", PYTHON, "    return 2")
    assert prove_suggestion(place, "    return 3", None) == UnprovenSuggestion("the file could not be read")
    assert prove_suggestion(place, "    return 3", "# new first line\n" + PYTHON) == UnprovenSuggestion(
        "the file has moved on"
    )


def test_removed_lines_and_partial_quotes_take_no_suggestion() -> None:
    """GitHub replaces lines of the new file only, and only the lines that were quoted."""
    diff = parse_diff(b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 2\n y = 1\n")
    left = locate(diff, "a.py", "x = 1", 1)
    assert isinstance(left, LocatedQuote)
    assert isinstance(prove_suggestion(left, "x = 3", "x = 2\ny = 1\n"), UnprovenSuggestion)
    partial = locate(diff, "a.py", "y = 1\nz = 3", 2)
    assert isinstance(partial, LocatedQuote)
    assert isinstance(prove_suggestion(partial, "y = 3", "x = 2\ny = 1\n"), UnprovenSuggestion)


def test_what_a_grammar_does_not_know_is_no_reason_to_refuse() -> None:
    """An error that stands in the file already may stay; a new one may not, nor may brackets go astray near it."""
    head = "MACRO(a b) {\n  return 1;\n}}\nint x = = 2;\nint y = 3;\n"
    assert prove_suggestion(located("a.c", head, "int y = 3;"), "int y = 4;", head) == ProvenSuggestion("int y = 4;")
    assert isinstance(prove_suggestion(located("a.c", head, "int y = 3;"), "int y = = 4;", head), UnprovenSuggestion)
    assert isinstance(prove_suggestion(located("a.c", head, "int y = 3;"), "int y = (4;", head), UnprovenSuggestion)


def test_of_overlapping_suggestions_the_first_can_be_clicked() -> None:
    """The second becomes advice, so that nobody commits two changes of one line at once; others are left alone."""
    first, second, third = (replace(finding(line), suggestion=f"say({line})") for line in (2, 2, 7))
    kept = drop_overlapping([first, second, third])
    assert [(one.suggestion, one.advice) for one in kept] == [("say(2)", None), (None, "say(2)"), ("say(7)", None)]


TRIMS, TABS, SPACES = FormatRules(trims_line_ends=True), FormatRules("\t"), FormatRules("  ")
FLAT = "call(1);\nlast(2);\n"


@pytest.mark.parametrize(
    ("rules", "path", "head", "quote", "suggestion", "expected"),
    [
        (TRIMS, "a.py", PYTHON, "    return 2", "    y = 2  \n    return y\t", "    y = 2\n    return y"),
        (NO_RULES, "a.py", PYTHON, "    return 2", "    y = 2  \n    return y", "    y = 2  \n    return y"),
        (TRIMS, "a.md", "one  \ntwo\n", "one  \ntwo", "one  \nthree", "one  \nthree"),
        (TABS, "a.js", FLAT, "last(2);", "if (x) {\n    last(2);\n}", "if (x) {\n\tlast(2);\n}"),
        (SPACES, "a.js", FLAT, "last(2);", "if (x) {\n\tlast(2);\n}", "if (x) {\n  last(2);\n}"),
        (NO_RULES, "a.js", FLAT, "last(2);", "if (x) {\n\tlast(2);\n}", "if (x) {\n\tlast(2);\n}"),
        (SPACES, "a.go", "func f() {\n\treturn\n}\n", "\treturn", "\tpanic(1)", "\tpanic(1)"),
    ],
)
def test_formatters_settings(
    rules: FormatRules, path: str, head: str, quote: str, suggestion: str, expected: str
) -> None:
    """They decide what the file itself does not show; lines that were there stay as they are."""
    assert prove_suggestion(located(path, head, quote), suggestion, head, rules) == ProvenSuggestion(expected)


def test_a_file_that_is_not_utf_8_gets_no_letters_of_utf_8() -> None:
    """A click would leave two encodings in one file; ASCII is the same in both."""
    head = "// Gr\udcf6\udcdfe\nsize = 1\n"
    place = located("a.js", "// greater\nsize = 1\n", "size = 1")
    assert prove_suggestion(place, "size = 2", head) == ProvenSuggestion("size = 2")
    assert prove_suggestion(place, "size = 2 // größer", head) == UnprovenSuggestion("the file is not UTF-8")


def test_signs_of_prose_do_not_get_into_code() -> None:
    """No-break spaces become blanks, quotation marks of prose stay advice; where the file has them, they stay."""
    place = located("a.sh", "echo 'hi'\n", "echo 'hi'")
    assert prove_suggestion(place, "echo\u00a0'hello'", "echo 'hi'\n") == ProvenSuggestion("echo 'hello'")
    result = prove_suggestion(place, "echo \u201chello\u201d", "echo 'hi'\n")
    assert result == UnprovenSuggestion("its quotation marks are those of prose")
    text = "let t = 'a\u00a0b \u201cc\u201d';\n"
    place, better = located("a.js", text, text[:-1]), "let t = `a\u00a0b \u201cd\u201d`;"
    assert prove_suggestion(place, better, text) == ProvenSuggestion(better)
    place = located("a.md", "A word here.\n", "A word here.")
    assert prove_suggestion(place, "A\u00a0\u201cword\u201d.", "A word here.\n") == ProvenSuggestion(
        "A\u00a0\u201cword\u201d."
    )


@pytest.mark.parametrize(
    "written",
    [
        "<<<<<<< SEARCH\nSIZE=1\n=======\nSIZE=2\n>>>>>>> REPLACE",
        "<suggestion>SIZE=2</suggestion>",
        "Before: SIZE=1\nAfter: SIZE=2",
        "SIZE=1 -> SIZE=2",
        "SIZE=1 \u2192 SIZE=2",
    ],
)
def test_a_change_that_is_told_is_no_replacement(written: str) -> None:
    """No parser refuses it in such a file. What only looks like it is one."""
    place = located("a.env", "SIZE=1\n", "SIZE=1")
    result = prove_suggestion(place, written, "SIZE=1\n")
    assert result == UnprovenSuggestion("it shows the change, not the new lines")
    for better in ("=====\nSIZE=2\n=====", "SIZE=1 -> 3", "<size>2</size>", "SIZE=2\r"):
        assert prove_suggestion(place, better, "SIZE=1\n") == ProvenSuggestion(better.strip("\r"))
