"""What a click does to the file: suggestions that people saw spoil their files, and what is offered instead."""

from __future__ import annotations

import pytest

from reviewer.tasks.verification.replacements.lost_code import loses_code
from reviewer.tasks.verification.replacements.other_line import changes_other_line
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines
from reviewer.tasks.verification.suggestions import ProvenSuggestion, UnprovenSuggestion, prove_suggestion
from tests.reviewer.tasks.verification.test_suggestions import located

DOCUMENTED = 'def words(text):\n    """Split a text.\n\n    Blanks are left out.\n    """\n    return text.split()\n'
MEAN = "function mean(values) {\n  const n = values.length;\n  return total(values) / n;\n}\n"
LOAD = (
    "import os\n\n\ndef load(path):\n    # Read the settings.\n    text = open(path).read()\n    return text.strip()\n"
)
MAKEFILE = "all:\n\techo a\n\ttouch $(OUT)\n\nclean:\n\trm -rf $(OUT)\n"
GO = (
    "package m\n\nfunc f(x int) int {\n\tfor i := 0; i < x; i++ {\n\t\tif i > 3 {\n"
    "\t\t\treturn 10 / (i - 4)\n\t\t}\n\t}\n"
    "\treturn 1\n}\n"
)
GUIDE = "# Shop\n\n```sh\nmake tset\n```\n\nMore.\n"
DOCSTRING = 'X = 1\nDOC = """\n```\nrun(\n```\n"""\n'
DATABASE = 'import os\n\n\ndef db():\n    return connect("postgres://app:Zk8vQ2mN4xR7tB1w@db.shop.net/x", timeout=0)\n'
SHELL = "set -e\nfor name in a b; do\n  cp $name out\ndone\n"
TABLE = "| Name | Times |\n|---|---|\n| a | 1 |\n| b | 2 |\n"
COMMENTED = "/*\n * One word.\n */\nint a;\n"
TWICE = "package a\n\nfunc f() {\n\t{\n\t\tc(1)\n\n\t\tb(0)\n\t\tc(1)\n\t}\n\n\t{\n\t\tb(1)\n\t}\n}\n"
IMPORTS = 'package a\n\nimport (\n\t"os"\n\t"path"\n)\n'
GETTER = (
    "<?php\nclass A\n{\n    /**\n     * @var array<A>\n     */\n    public function all(): array\n"
    "    {\n        return $this->all;\n    }\n}\n"
)
MIXED = "void f(void)\n{\n  if (a) {\n\tif (b) {\n      c(1);\n\t}\n  }\n}\n"
DOCKERFILE = "FROM a\nRUN b && \\\n    c\nENV A=1 \\\n    B=2 \\\n    C=3\n"
SWITCH = (
    "function f(a) {\n    if (a) {\n        switch (a) {\n            case 1:\n                b();\n"
    "        }\n    }\n}\n"
)
CALL = "def f(a):\n  if (\n        a\n        == 'a'\n    ):\n    return 1\n  return 2\n"
TABS = 'case "$1" in\n\t    -a)\n\t\ta=1\n\t\t;;\nesac\n'
SCRIPT = "run: |\n    case $a in\n    1) ;;\n    *)\n      b=2 ;;\n    esac\n    echo $b\n"
BRANCHES = "  if a; then\n    b=1\n  else\n    b=3\n  fi\n"
LIST = "function f(to, cmd) {\n  const all = [\n    to,\n    cmd,\n  ]\n  return all\n}\n"
LOG = 'log = "[redacted: password]"'
BLOCK = "```sh\nmake test\n```"


@pytest.mark.parametrize(
    ("path", "head", "quote", "suggestion", "expected"),
    [
        ("mean.js", MEAN, "  return total(values) / n;",
         "  const n = values.length;\n  return n ? total(values) / n : 0;",
         "  return n ? total(values) / n : 0;"),
        ("load.py", LOAD, "    text = open(path).read()",
         "    # Read the settings.\n    text = open(path, 'r').read()\n    return text.strip()",
         "    text = open(path, 'r').read()"),
        ("Makefile", MAKEFILE, "\ttouch $(OUT)", "    touch $(OUT).new", "\ttouch $(OUT).new"),
        ("Makefile", MAKEFILE, "\techo a\n\ttouch $(OUT)", "  echo a\n  touch $(OUT) x", "\techo a\n\ttouch $(OUT) x"),
        ("f.go", GO, "\t\t\treturn 10 / (i - 4)", "            return 10 / (i - 5)", "\t\t\treturn 10 / (i - 5)"),
        ("f.go", GO, "\t\tif i > 3 {\n\t\t\treturn 10 / (i - 4)\n\t\t}",
         "if i > 4 {\n\t\t\treturn 10 / (i - 4)\n\t\t}", "\t\tif i > 4 {\n\t\t\treturn 10 / (i - 4)\n\t\t}"),
        ("README.md", GUIDE, "```sh\nmake tset\n```", BLOCK, BLOCK),
        ("README.md", GUIDE, "```sh\nmake tset\n```", f"````md\n{BLOCK}\n````", BLOCK),
        ("README.md", GUIDE, "```sh\nmake tset\n```", f"~~~\n{BLOCK}\n~~~", BLOCK),
        ("README.md", GUIDE, "make tset", BLOCK, "make test"),
        ("README.md", GUIDE, "make tset", "make test", "make test"),
        ("doc.py", DOCSTRING, "```\nrun(\n```", "```\nrun()\n```", "```\nrun()\n```"),
        ("doc.py", DOCSTRING, "run(", "```\nrun()\n```", "run()"),
        ("a.py", LOG + "\nx = 1\n", LOG, LOG.replace("log", "note"), LOG.replace("log", "note")),
        ("a.py", "def f(x):\n    ...\n", "def f(x):\n    ...", "def f(x, y):\n    ...", "def f(x, y):\n    ..."),
        ("a.sh", SHELL, "  cp $name out", "  cp $name new\ndone", "  cp $name new"),
        ("a.html", "<p>a</p>\n", "<p>a</p>", "<p>a &amp; b</p>", "<p>a &amp; b</p>"),
        ("a.py", "x = 'a'\ny = 2\n", "x = 'a'", "x = 'a\\n'", "x = 'a\\n'"),
        ("a.js", "const a = [\n  1,\n];\n", "  1,", "  ...rest,\n  1,", "  ...rest,\n  1,"),
        ("a.txt", "one\r\ntwo", "two", "three\nfour", "three\r\nfour"),
        ("a.sh", BRANCHES, "    b=1", "    b=2\n  else", "    b=2"),
        ("a.js", LIST, "  ]", "to,\n    cmd,\n  ].sort()", "  ].sort()"),
        ("a.c", "/* One.\n   Two words.\n\n   or\n   so. */\nint a;\n", "   Two words.",
         "   Three words.\n\n   or", "   Three words."),
        ("a.yml", "if: >-\n  a == 1\n", "  a == 1", "if: >-\n  a == 2", "  a == 2"),
        ("a.yml", SCRIPT, "      b=2 ;;", "*)\n      b=3 ;;", "      b=3 ;;"),
        ("a.yml", SCRIPT, "      b=2 ;;", "    *)\n      b=3 ;;\n    esac", "      b=3 ;;"),
        ("a.md", TABLE, "| a | 1 |", "|---|---|\n| a | 2 |", "| a | 2 |"),
        ("a.c", COMMENTED, " * One word.", "/*\n * Two words, one word each.", " * Two words, one word each."),
        ("a.js", SWITCH, "            case 1:\n                b();", "\t\t\t\t\tcase 1:\n\t\t\t\t\t\tb(2);",
         "            case 1:\n                b(2);"),
        ("a.c", MIXED, "\tif (b) {\n      c(1);", "if (b) {\n      c(2);", "\tif (b) {\n      c(2);"),
        ("a.c", '# include "a.h"\nint a;\n', '# include "a.h"', '# include "b.h"', '# include "b.h"'),
        ("a.yml", "a:\n  b: 1\nc: 2\n", "c: 2", "c:\n  b: 1", "c:\n  b: 1"),
        ("a.md", "```\n  <ul>\n  {% for a in all %}\n```\n", "  {% for a in all %}",
         "  <ul>\n  {% for a in some %}", "  {% for a in some %}"),
        ("a.kts", 'f(\n  """\n  A: 1\n  """,\n)\n', "  A: 1", '  """\n  A: 2\n  """,', "  A: 2"),
        ("a.go", TWICE, "\t\tb(1)", "\t}\n\n\t{\n\t\tb(2)", "\t\tb(2)"),
        ("a.go", TWICE, "\t\tb(1)", "}\n\n\t{\n\t\tb(2)", "\t\tb(2)"),
        ("a.go", TWICE, "\t\tc(1)\n\n\t\tb(0)", "\t\tc(2)\n\n\t\tb(0)\n\t\tc(1)", "\t\tc(2)\n\n\t\tb(0)"),
        ("a.go", IMPORTS, '\t"path"', '\t"os"\n\t"path/filepath"', '\t"path/filepath"'),
        ("a.yml", "a: |\n  f() {\n    b(\n    )\n  }\n", "    )", "    ).c(\n    )\n  }", "    ).c(\n    )"),
        ("a.php", GETTER, "     * @var array<A>", "{\n    /**\n     * @var array<B>", "     * @var array<B>"),
        ("a.php", GETTER, "        return $this->all;", "    {\n        check();\n        return $this->all;\n    }",
         "        check();\n        return $this->all;"),
        ("a.php", "<?php f(1) ?>\n<p>a</p>\n", "<p>a</p>", "<p>a &lt; b</p>", "<p>a &lt; b</p>"),
    ],
)  # fmt: skip
def test_what_has_one_meaning_is_mended(path: str, head: str, quote: str, suggestion: str, expected: str) -> None:
    """Lines around are taken off, tabs and lost indentation put back, a wrapping is told from a document's fence."""
    whole = head if head.endswith("\n") else head + "\n"
    place = located(path, whole, quote)
    found = prove_suggestion(place, suggestion, head)
    if isinstance(found, UnprovenSuggestion) and head != whole:
        found = prove_suggestion(place, suggestion, head)
    assert found == ProvenSuggestion(expected)


@pytest.mark.parametrize(
    ("path", "head", "quote", "suggestion", "why"),
    [
        ("mean.js", MEAN, "  return total(values) / n;", "  const n = values.length || 1;\n  return total(values) / n;",
         "repeats"),
        ("mean.js", MEAN, "  return total(values) / n;",
         "function mean(values) {\n  const n = Math.max(values.length, 1);\n  return total(values) / n;\n}", "repeats"),
        ("load.py", LOAD, "    text = open(path).read()",
         "def load(path):\n    with open(path) as file:\n        return file.read().strip()", "repeats"),
        ("load.py", LOAD, "    text = open(path).read()", "    # ... existing code ...\n    text = 'x'",
         "leaves code out"),
        ("mean.js", MEAN, "  return total(values) / n;", "  // rest of the function\n  return 0;", "leaves code out"),
        ("a.css", "a {\n  color: red;\n}\n", "  color: red;", "  /* unchanged */\n  color: blue;", "leaves code out"),
        ("a.sql", "SELECT a\nFROM b;\n", "FROM b;", "-- ...\nFROM c;", "leaves code out"),
        ("a.html", "<p>a</p>\n", "<p>a</p>", "<!-- ... -->\n<p>b</p>", "leaves code out"),
        ("a.py", "x = run(1, 2)\n", "x = run(1, 2)", "y = run(...)", "leaves code out"),
        ("db.py", DATABASE, '    return connect("postgres://app:Zk8vQ2mN4xR7tB1w@db.shop.net/x", timeout=0)',
         '    return connect("postgres://app:[redacted: password]@db.shop.net/x", timeout=5)', "a mark"),
        ("db.py", DATABASE, '    return connect("postgres://app:Zk8vQ2mN4xR7tB1w@db.shop.net/x", timeout=0)',
         '    return connect("postgres://app:***@db.shop.net/x", timeout=5)', "a mark"),
        ("db.py", DATABASE, '    return connect("postgres://app:Zk8vQ2mN4xR7tB1w@db.shop.net/x", timeout=0)',
         '    return connect("postgres://app:secret@db.shop.net/x", timeout=5)', "a mark"),
        ("a.kt", "fun f() {\n    run()\n}\n", "    run()", "Use a safer call instead of this line.", "in words"),
        ("Makefile", MAKEFILE, "\techo a", "\tYou should quote the name here", "in words"),
        ("a.rb", "def f\n  run\nend\n", "  run", "use the other method instead", "in words"),
        ("doc.py", DOCUMENTED, "    Blanks are left out.",
         "    Please use a generator here to save memory.", "in words"),
        ("doc.py", DOCUMENTED, "    Blanks are left out.", "    You should raise an error instead.", "in words"),
        ("a.php", GETTER, "     * @var array<A>", "     * @var array&lt;A&gt; or null", "escaped"),
        ("a.md", "Use `List<int>`.\n", "Use `List<int>`.", "Use `List&lt;int&gt;` here.", "escaped"),
        ("README.md", GUIDE, "More.", "```\nMore!\n```", "fence may belong"),
        ("README.md", GUIDE, "```sh\nmake tset\n```", "```sh\nmake test", "code block"),
        ("a.py", "if a < b:\n    c()\n", "if a < b:", "if a &lt;= b:", "escaped"),
        ("a.py", "x = a < b\n", "x = a < b", "x = a &lt; b", "escaped"),
        ("a.toml", 'a = "b>=1"\n', 'a = "b>=1"', 'a = "b&gt;=2"', "escaped"),
        ("a.txt", "one\ntwo\n", "two", "-two\n+three", "as a diff"),
        ("a.md", 'Say "yes" or "no".\n', 'Say "yes" or "no".', 'Say \\"yes\\" or \\"never\\".', "escaped"),
        ("a.md", "The team's own.\nIt isn't ours.\n", "The team's own.\nIt isn't ours.",
         "The team's own.\\nIt is not ours, but theirs': see below.", "escaped"),
        ("a.md", "- a\n  - b\n    c\nd\n", "    c\nd", "\tc\n\nd2", "indentation"),
        ("a.md", "Use `a\nor b`. It is\nas `c` is.\n", "or b`. It is\nas `c` is.",
         "or b`. It's\\nas `c` is.", "escaped"),
        ("a.go", "package m\n\n// One.\n// Two.\n", "// One.\n// Two.", "// One.\\n// Three.", "escaped"),
        ("a.c", COMMENTED, " * One word.", " * One word.\n * You should check the result.", "in words"),
        ("a.c", '# include "a.h"\nint a;\n', '# include "a.h"', "/* You should leave it out. */", "in words"),
        ("a.css", "a {\n  color: red;\n}\n", "  color: red;", "Change it to:\n```\n  color: blue;\n```", "in words"),
        ("doc.py", DOCUMENTED, "    Blanks are left out.",
         "    Use a safer call instead of this line.\n    Blanks are left out, always.", "in words"),
        ("Dockerfile", DOCKERFILE, "ENV A=1 \\\n    B=2 \\\n    C=3", "ENV A=1 \\\n\t\tB=4 \\\n\t\tC=5", "indentation"),
        ("a.yml", "a:\n  b: 1\n  c: 2\n", "  c: 2", "  c: 2\n  b: 3", "parse"),
        ("a.c", "/* One.\n   Two words.\n*/\nint a;\n", "   Two words.", "Use it with care, it is slow.", "in words"),
        ("a.js", "// One.\na();\n", "// One.", "// You should check the result before it is used.", "in words"),
        ("a.c", COMMENTED, " * One word.\n */", "You should check the result before it is used.", "in words"),
        ("a.py", CALL, "        == 'a'\n    ):", "\t\t== 'b'\n\t):", "indentation"),
        ("a.sh", TABS, "\t    -a)\n\t\ta=1", "    check\n      -a)\n    a=2", "indentation"),
        ("a.txt", "one\ntwo\n", "two", "    2     2 |+three", "numbers"),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_advice(path: str, head: str, quote: str, suggestion: str, why: str) -> None:
    """Nothing is offered with a click that doubles, drops or soils lines, and the reason is named."""
    result = prove_suggestion(located(path, head, quote), suggestion, head)
    assert isinstance(result, UnprovenSuggestion)
    assert why in result.reason


@pytest.mark.parametrize(
    "better",
    [
        "    Return the words; blanks are left out.",
        "    Blanks of any kind are left out.\n    Use it for short texts only, as it keeps all words in memory.",
        "    White space separates them.",
    ],
)
def test_the_words_of_a_docstring_may_be_changed(better: str) -> None:
    """What reads as documentation, or says with other words what stood there, is a change like any other."""
    place = located("doc.py", DOCUMENTED, "    Blanks are left out.")
    assert prove_suggestion(place, better, DOCUMENTED) == ProvenSuggestion(better)


def test_a_secret_may_be_read_from_elsewhere() -> None:
    """A suggestion that drops the line with the secret for another one does not write over it by accident."""
    quote = '    return connect("postgres://app:Zk8vQ2mN4xR7tB1w@db.shop.net/x", timeout=0)'
    better = '    return connect(os.environ["DATABASE"], timeout=5)'
    assert prove_suggestion(located("db.py", DATABASE, quote), better, DATABASE) == ProvenSuggestion(better)


# ----------------------------------------------------------------------- code that would be lost


def lost(path: str, old: str, new: str) -> str | None:
    """Return the line that the replacement of the whole file loses."""
    lines = tuple(old.split("\n"))
    return loses_code(new.split("\n"), ReplacedLines(path, lines, 0, len(lines)))


@pytest.mark.parametrize(
    ("path", "old", "new", "line"),
    [
        ("a.py", "    save(b)", "    if b is None:\n        return a", "save(b)"),
        ("a.py", "    total = price * amount", "    assert amount > 0", "total = price * amount"),
        ("a.py", "    x = np.mean(xs)", "import numpy as np", "x = np.mean(xs)"),
        ("a.js", "  return render(user);", "  if (!user) {\n    return null;\n  }", "return render(user);"),
        ("a.go", "\tread(body)", "\tdefer body.Close()", "read(body)"),
        ("a.swift", "    show(name)", "    guard let name else { return }", "show(name)"),
        ("a.js", "  log(a);\n  save(b);", "  log(a.id);", "save(b);"),
        ("a.js", "  log(a);\n  save(b);", "  save(b.id);", "log(a);"),
        ("a.py", "    self.cache.clear()\n    send(mail, to)", "    send(mail, to, retry=True)", "self.cache.clear()"),
        ("a.py", "    save(b)\n    return a + b", "    save(b.id)", "return a + b"),
    ],
)
def test_code_that_is_nowhere_any_more(path: str, old: str, new: str, line: str) -> None:
    """The first line that nothing does any more is named."""
    found = lost(path, old, new)
    assert found is not None
    assert found.strip() == line


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("a.py", "    save(b)", "    if b is not None:\n        save(b)"),
        ("a.py", "    return cache[key]", "    if key in cache:\n        return cache[key]"),
        ("a.py", "    print(x)", "    logger.info(x)"),
        ("a.py", "if a:\n    b()", "if a and c:\n    d()"),
        ("a.py", "import os", "import sys"),
        ("a.py", "    x = f(a)\n    return x", "    return f(a)"),
        ("a.py", "    x = a * 2\n    return x + 1", "    return a * 2 + 1"),
        ("a.py", "result = []\nfor i in xs:\n    result.append(i)\nreturn result", "return list(xs)"),
        ("a.py", "    log(a)\n    save(b)", "    log(a)"),
        ("a.py", "    a()\n    b()", "    run_all(a, b)"),
        ("a.js", "  foo(\n    bar(x),\n    y,\n  );", "  foo(x, y);"),
        ("a.js", "const a = f();\nconst b = g(a);", "const b = g2(f());"),
        ("a.py", "    # save(b)\n    log(a)", "    log(a.id)"),
        ("a.py", "    f = open(p)\n    x = f.read()", "    with open(p) as f:\n        x = f.read()"),
        ("README.md", "Call save(b).", "if you need it"),
        ("a.yml", "run: make(a)", "if: always"),
        ("a.py", "    save(b)", ""),
    ],
)
def test_code_that_is_replaced_or_taken_away(path: str, old: str, new: str) -> None:
    """Another call, a simpler form, the same call under a condition, or plain deletion loses nothing."""
    assert lost(path, old, new) is None


# ----------------------------------------------------------------------- a change of another line


def other(path: str, text: str, quote: str, new: str) -> str | None:
    """Return the line that the replacement of the quoted one is a change of."""
    lines = text.split("\n")
    start = [line.strip() for line in lines].index(quote)
    return changes_other_line([new], ReplacedLines(path, tuple(lines), start, start + 1))


SUM = """def total(items):
    # Sum them all.
    n = 0
    found = add(items, start=n)
    log(found)
    print(len(items))"""


@pytest.mark.parametrize("quote", ["def total(items):", "# Sum them all.", "log(found)", "print(len(items))"])
def test_a_change_of_a_line_nearby(quote: str) -> None:
    """The quoted line would be lost, and what was to change would stay."""
    assert other("a.py", SUM, quote, "    found = add(items, start=n + 1)") == "    found = add(items, start=n)"


def test_what_another_line_of_the_block_sets() -> None:
    """However little is left of that line."""
    style = ".a {\n  color: red;\n  background: blue;\n}\n.b {\n  margin: 0;\n}"
    assert other("a.css", style, "color: red;", "  background: #123456;") == "  background: blue;"
    assert other("a.css", style, "margin: 0;", "  background: #123456;") is None


@pytest.mark.parametrize(
    ("quote", "new"),
    [
        ("log(found)", "    logger.info(found)"),
        ("print(len(items))", "    add(items, start=len(items))"),
        ("n = 0", "    n = first(items, start=0)"),
        ("log(found)", ""),
    ],
)
def test_a_change_of_the_quoted_line(quote: str, new: str) -> None:
    """It has something of that line, is like none nearby, or stands for what was still to be written."""
    assert other("a.py", SUM, quote, new) is None
    assert other("a.py", SUM.replace(quote, "pass"), "pass", new) is None


def test_a_click_is_not_offered_for_a_change_of_another_line() -> None:
    """It is advice, which names the line."""
    quote = "    log(found)"
    result = prove_suggestion(located("a.py", SUM, quote), "    found = add(items, start=n + 1)", SUM)
    assert result == UnprovenSuggestion("it is a change of another line: found = add(items, start=n)")
