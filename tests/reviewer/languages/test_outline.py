"""What a text defines: by grammar in each language, by indentation without, and never slowly."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings

import pytest
import tree_sitter_python
from tree_sitter import Language, Parser

from reviewer.languages.outline import defined_on, outline_of, remarks_of, used_on
from reviewer.languages.registry import BY_ENDING, LANGUAGES
from reviewer.languages.registry import Language as Row
from reviewer.languages.treesitter import definitions, parsed

#: A text in each language, and name, first line, last line of its signature, last line, of all that it defines.
TEXTS = {
    "py": (
        "X = 1\n@d\nclass A:\n    def f(\n        self,\n    ):\n        y = 1\n        return y\n",
        [("X", 1, 1, 1), ("A", 3, 3, 8), ("f", 4, 6, 8)],
    ),
    "js": (
        "class A {\n  b = () => {\n    1\n  };\n  m() {\n  }\n}\nconst K = 1\nexports.q = function () {\n};\nq.r = 1\n",
        [("A", 1, 1, 7), ("b", 2, 2, 4), ("m", 5, 5, 6), ("K", 8, 8, 8), ("q", 9, 9, 10)],
    ),
    "ts": (
        "export const x = (a: number) => {\n  return a;\n};\nexport interface I {\n  m(): void;\n}\ntype T = string;\n",
        [("x", 1, 1, 3), ("I", 4, 4, 6), ("m", 5, 5, 5), ("T", 7, 7, 7)],
    ),
    "go": (
        "package a\n\ntype T struct {\n\tA int\n}\n\nfunc (t *T) M(\n\tx int,\n) int {\n\treturn 1\n}\n\nconst A = 1\n",
        [("T", 3, 3, 5), ("M", 7, 9, 11), ("A", 13, 13, 13)],
    ),
    "java": (
        "class A {\n  static final int K = 1;\n  int f(\n    int a) {\n    return 1;\n  }\n}\n",
        [("A", 1, 1, 7), ("K", 2, 2, 2), ("f", 3, 4, 6)],
    ),
    "rb": (
        "module M\n  K = 1\n  class A < B\n    def f?(a)\n      1\n    end\n  end\nend\n",
        [("M", 1, 1, 8), ("K", 2, 2, 2), ("A", 3, 3, 7), ("f?", 4, 4, 6)],
    ),
    "rs": (
        "impl T {\n    pub fn f(&self) -> i32 {\n        1\n    }\n}\nstruct T { a: i32 }\n",
        [("T", 1, 1, 5), ("f", 2, 2, 4), ("T", 6, 6, 6)],
    ),
    "c": (
        "#define K 1\nint *f(int a)\n{\n  return 0;\n}\ntypedef struct { int a; } S;\n",
        [("K", 1, 1, 1), ("f", 2, 3, 5), ("S", 6, 6, 6)],
    ),
    "cpp": (
        "class A {\n  int f() { return 1; }\n};\nint A::g(int a) {\n  return 1;\n}\n",
        [("A", 1, 1, 3), ("f", 2, 2, 2), ("g", 4, 4, 6)],
    ),
    "cs": (
        "namespace N {\n  class A : B {\n    public int F(int a) {\n      return 1;\n    }\n  }\n}\n",
        [("A", 2, 2, 6), ("F", 3, 3, 5)],
    ),
    "php": (
        "<?php\nclass A {\n  const K = 1;\n  function f($a) {\n    return 1;\n  }\n}\n",
        [("A", 2, 2, 7), ("K", 3, 3, 3), ("f", 4, 4, 6)],
    ),
}


@pytest.mark.parametrize("ending", TEXTS)
def test_each_grammar_tells_what_is_defined(ending: str) -> None:
    """Names, whole extents and ends of signatures are exact in all eleven languages."""
    text, expected = TEXTS[ending]
    grammar = BY_ENDING[ending].grammar
    assert grammar is not None
    found = definitions(grammar, text)
    assert found is not None
    assert [(spot.name, spot.first, spot.head, spot.last) for spot in found] == expected


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.grammar], ids=lambda each: each.endings)
def test_each_grammar_of_the_table_is_installed(language: Row) -> None:
    """A row without its wheel would be outlined by indentation, and nobody would notice."""
    assert language.grammar is not None
    assert definitions(language.grammar, "") is not None


def test_without_a_grammar_indentation_tells() -> None:
    """An unknown language is outlined by its keywords and how far the text is indented."""
    outline = outline_of("a.swift", "class A {\n  func f() {\n    g()\n  }\n}\n\nfunc h() {\n}\n")
    assert [(spot.name, spot.first, spot.last) for spot in outline.spots] == [("A", 1, 5), ("f", 2, 4), ("h", 7, 8)]


def test_a_variable_inside_a_function_defines_nothing() -> None:
    """Of a class it does, whatever stands before it."""
    inside = "    val b = 2\n    if (b) {\n      var c = 1\n    }\n"
    text = f"class A {{\n  val a = 1\n  private inline fun f() {{\n{inside}  }}\n}}\n"
    assert [spot.name for spot in outline_of("a.kt", text).spots] == ["A", "a", "f"]


@pytest.mark.slow
def test_a_missing_wheel_is_no_error() -> None:
    """Where tree-sitter is not installed, indentation takes over."""
    code = (
        "import sys; sys.modules['tree_sitter'] = None\n"
        "from reviewer.languages.outline import outline_of\n"
        "print([(s.name, s.first, s.last) for s in outline_of('a.py', 'def f():\\n    pass\\n').spots])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[('f', 1, 2)]\n"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 300_000,
        "{\n" * 100_000,
        "f(\n" * 490 + ")\n" * 490,
        "x => \n" * 60_000,
        "'\"\n" * 100_000,
        "x" * 1_000_000,
        "class A {\n" * 400,
        "\x00\ud800\ufffe" * 1_000,
        "",
    ],
    ids=["open", "deep", "nested", "arrows", "quotes", "one line", "classes", "odd", "empty"],
)
@pytest.mark.parametrize("ending", ["py", "ts", "c", "rb", "nothing"])
@pytest.mark.slow
def test_hostile_texts_neither_hang_nor_crash(ending: str, text: str) -> None:
    """Deep nesting, a megabyte in one line and what is no code at all cost seconds at most."""
    start = time.monotonic()
    outline_of(f"a.{ending}", text)
    assert time.monotonic() - start < 10


def test_time_that_a_busy_machine_spends_elsewhere_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing that is stopped again and again ends with the whole tree; beyond the processor time there is none."""
    data = b"".join(b"def f%d(a):\n    return [a, %d]\n\n\n" % (n, n) for n in range(3_000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parser = Parser(Language(tree_sitter_python.language()), timeout_micros=1_000)
    with pytest.raises(ValueError, match="failed"):
        parser.parse(data)
    parser.reset()
    root = parsed(parser, data)
    assert root is not None
    assert (root.end_byte, root.named_child_count) == (len(data), 3_000)
    monkeypatch.setattr("reviewer.languages.treesitter.MAX_SECONDS", 0.0)
    assert parsed(parser, data) is None
    assert parser.parse(b"x = 1\n").root_node.end_byte == 6  # nothing of the other text is left


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("def f(a):", "f"),
        ("export default function foo(a) {", "foo"),
        ("func (c *Cart) Add(x int) error {", "Add"),
        ("pub(crate) fn x() {", "x"),
        ("static int *foo(void)", "foo"),
        ("  private final Map<String, X> find(String a) throws E {", "find"),
        ("  render() {", "render"),
        ("MAX_SIZE: int = 3", "MAX_SIZE"),
        ("#define K 1", "K"),
        ("  def ok?", "ok?"),
        ("  return foo(a)", None),
        ("  if (x) {", None),
        ("int foo(int);", None),
        ("x = foo(a)", None),
        ("internal fun Long.reverseBytes(): Long {", "reverseBytes"),
        ("fun <T> List<T>.second() = this[1]", "second"),
        ("val String.Companion.blank get() = 1", "blank"),
        ("  val x = Foo.bar()", "x"),
        (" * Copyright (C) 2014 Somebody", None),
        (" *   assertThat(log.entries).containsExactly(", None),
        ("a " * 100_000 + "(", None),
    ],
)
def test_a_line_tells_what_it_defines(line: str, name: str | None) -> None:
    """Definitions of many languages are known by their first line; calls and conditions are none."""
    assert defined_on(line) == name


def test_names_in_strings_and_comments_do_not_count() -> None:
    """Only code uses names, and a parenthesis tells a call."""
    assert used_on("a.py", ["x = foo(a.bar('no(1)'), T)  # baz()"]) == {
        "x": False, "foo": True, "a": False, "bar": True, "T": False,
    }  # fmt: skip


def test_of_sql_the_tables_count() -> None:
    """Whatever schema stands before them, and in whichever quotes; columns and words of the language do not."""
    rows = [
        "-- fill the identities from auth.people",
        'insert into {{ index .Options "Namespace" }}.identities (id) on conflict (id) do nothing;',
        'SELECT u.id FROM "auth"."users" AS u LEFT JOIN `teams` t ON t.id = u.team WHERE u.x <> \'from him\';',
        "CREATE INDEX IF NOT EXISTS by_cart ON public.orders (cart); ALTER TABLE ONLY lines ADD a int REFERENCES cart;",
    ]
    assert list(used_on("a.sql", rows)) == ["identities", "users", "teams", "orders", "lines", "cart"]
    assert defined_on('CREATE TABLE IF NOT EXISTS {{ index .Options "Namespace" }}.identities (') == "identities"


def test_of_terraform_variables_and_modules_count() -> None:
    """Also where a text holds them; a comment does not."""
    rows = [
        "# var.old",
        '  name = "${var.prefix}-${module.net.id}"',
        "  for_each = local.all",
        "  count = var.make ? 1 : 0",
    ]
    assert [name for name, called in used_on("a.tf", rows).items() if called] == ["prefix", "net", "make"]
    assert defined_on('variable "prefix" {') == "prefix"
    assert [spot.name for spot in outline_of("a.tf", 'variable "a" {\n  type = any\n}\n').spots] == ["a"]


def test_a_name_of_phps_global_namespace_is_none_of_the_projects() -> None:
    """`DateTime` behind a backslash is built in, whatever a class is called; behind another name it is none."""
    names = used_on("a.php", ["$x = new \\DateTime(\\count(3), \\Shop\\Money::of(1));"])
    assert "DateTime" not in names
    assert "count" not in names
    assert {"Shop", "Money", "of"} <= set(names)


def test_lines_that_only_comment_are_known() -> None:
    """A block comment goes on over its lines; a pattern that holds its mark opens none."""
    web = ["/**", "got('https://a.b')", "*/", "a = 'src/**/*.ts'", "/* a */ b()", "// c", "d() /* e"]
    assert remarks_of("a.ts", web) == {1, 2, 3, 6}
    assert remarks_of("a.py", ["# a", "b = 1  # c", "/* d"]) == {1}
    value = [
        'a = """',
        "b()",
        '"""',
        "def f():",
        '    """Say',
        "    b.",
        '    """',
        "    c()",
        "    r'''d'''",
        "# '''",
        "e",
    ]
    assert remarks_of("a.py", value) == {5, 6, 7, 9, 10}
