"""What stands around a hunk is shown, whole blocks, nothing twice, within the budget."""

from __future__ import annotations

import difflib

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.tasks.context.enclosing import CONTEXT_TOKENS, surroundings

PYTHON = '''import os


@cache
def first(path):
    """Open it."""
    name = os.path.basename(path)
    a = 1
    b = 2
    c = 3
    d = 4
    e = 5
    result = open(path)
    f = 6
    g = 7
    h = 8
    i = 9
    return result, name


def second():
    return 2
'''
GO = (
    "package a\n\nfunc F(x int) int {\n"
    + "".join(f"\ta{n} := x\n" for n in range(12))
    + "\treturn x\n}\n\nfunc G() {\n}\n"
)


def around(path: str, before: str, after: str, *, budget: int = CONTEXT_TOKENS) -> str:
    """Return the surroundings of the change from one text to the other."""
    rows = difflib.unified_diff(before.split("\n"), after.split("\n"), f"a/{path}", f"b/{path}", lineterm="", n=2)
    return surroundings(parse_diff("\n".join(rows) + "\n").files, {path: after}, budget=budget)


def test_the_whole_function_is_shown_once() -> None:
    """Decorator, header and end of the function, without the hunk's own lines and without the next function."""
    text = around("a.py", PYTHON.replace("result = open(path)", "result = None"), PYTHON)
    assert "    4 | @cache\n    5 | def first(path):" in text
    assert "   18 |     return result, name" in text
    assert "open(path)" not in text
    assert "def second" not in text
    assert "import os" not in text


def test_braces_are_understood_by_indentation() -> None:
    """A Go function with tabs, closing brace included."""
    text = around("a.go", GO.replace("a6 := x", "a6 := 0"), GO)
    assert "    3 | func F(x int) int {" in text
    assert "   17 | }" in text
    assert "func G" not in text


@pytest.mark.parametrize("after", ["x = 1\ny = 2\nz = 4\n", "\n\n\n", "", "a\n" * 3])
def test_top_level_lines_have_no_surroundings(after: str) -> None:
    """Where nothing encloses the change nothing is shown, and odd texts break nothing."""
    assert around("a.py", "x = 1\ny = 2\nz = 3\n", after) == ""


def test_the_budget_holds_and_secrets_leave() -> None:
    """A file of which nothing fits is left out; secrets in the surroundings are replaced."""
    changed = PYTHON.replace("e = 5", "e = 6")
    assert around("a.py", PYTHON, changed, budget=20) == ""
    secret = "ghp_" + "a1B2" * 9
    text = around("a.py", PYTHON.replace("a = 1", f"a = '{secret}'"), changed.replace("a = 1", f"a = '{secret}'"))
    assert secret not in text
    assert "[redacted: github token]" in text


def test_a_file_that_is_not_at_hand_is_left_out() -> None:
    """Without its text, and for a text of another version, there are no surroundings and no crash."""
    diff = parse_diff("--- a/a.py\n+++ b/a.py\n@@ -50,1 +50,2 @@\n x\n+    y\n")
    assert surroundings(diff.files, {}) == ""
    assert surroundings(diff.files, {"a.py": "x\n"}) == ""


def test_branches_and_loops_are_climbed_over() -> None:
    """A change deep in a function shows the function's header, not only the branch."""
    lines = [
        "def f(xs):",
        "    total = 0",
        "    for x in xs:",
        "        if x:",
        *[f"            a{n} = x" for n in range(9)],
    ]
    after = "\n".join([*lines, "        else:", "            total += 1", "    return total", "", "y = 1", ""])
    text = around("a.py", after.replace("a5 = x", "a5 = 0"), after)
    assert "    1 | def f(xs):" in text
    assert "   16 |     return total" in text
    assert "y = 1" not in text


def test_blank_lines_that_come_or_go_need_no_surroundings() -> None:
    """What only a blank line was taken from is not shown; with a line of code it is."""
    spaced = PYTHON.replace("    f = 6\n", "\n    f = 6\n")
    assert around("a.py", spaced, PYTHON) == around("a.py", PYTHON, spaced) == ""
    assert "def first" in around("a.py", spaced, PYTHON.replace("f = 6", "f = 7"))


def _filled(lines: int, indent: str) -> str:
    return "".join(f"{indent}step{n}();\n" for n in range(lines))


@pytest.mark.parametrize(
    "header",
    ["res.send = function send(body) {", "exports.send = (body) => {", "router.get('/', async (req, res) => {"],
)
def test_functions_that_are_assigned_or_passed_on_are_shown(header: str) -> None:
    """No declaration of JavaScript, and still the block that a reader needs; the next one is not shown."""
    end = "});" if header.startswith("router") else "}"
    text = f"{header}\n{_filled(20, '  ')}  last();\n{end}\n\nother.send = function () {{\n  return 1\n}}\n"
    shown = around("a.js", text.replace("step9()", "step()"), text)
    assert f"    1 | {header}" in shown
    assert "   22 |   last();" in shown
    assert "other.send" not in shown


def test_of_what_is_over_the_budget_the_nearest_lines_are_shown() -> None:
    """A long function is cut closer around its change before it is left out; its header stays."""
    text = f"function long() {{\n{_filled(200, '  ')}}}\n"
    before = text.replace("step100()", "step()")
    whole, less = around("a.js", before, text), around("a.js", before, text, budget=400)
    assert "step45()" in whole
    assert "function long() {" in less
    assert "step90()" in less
    assert "step45()" not in less


def test_a_function_inside_another_is_shown_with_what_is_around_it() -> None:
    """The inner function sees the variables of the outer one, which is too long to be shown whole."""
    lines = [f"    a{n} = {n}" for n in range(70)]
    inner = "    def inner():\n        return a69 + stream\n"
    text = "def outer(stream):\n" + "\n".join(lines) + f"\n\n{inner}\n    return inner\n"
    shown = around("a.py", text.replace("a69 + stream", "stream"), text)
    assert "    1 | def outer(stream):" in shown
    assert "   71 |     a69 = 69" in shown
    assert "a0 = 0" not in shown


METHODS = "".join(f"  @Test\n  void test{n}() {{\n    run({n});\n    check({n});\n  }}\n\n" for n in range(40))


@pytest.mark.parametrize(
    ("path", "nearest", "beyond"), [("CartTest.java", "test19", "test17"), ("A.java", "test22", "test30")]
)
def test_a_new_member_of_a_long_class_needs_few_of_its_neighbours(path: str, nearest: str, beyond: str) -> None:
    """The class's name, and some lines beside it: fewest of a test, which has little to do with the next one."""
    before = f"class A {{\n{METHODS}}}\n"
    after = before.replace("  @Test\n  void test20()", "  int limit = 3;\n\n  @Test\n  void test20()")
    shown = around(path, before, after)
    assert "    1 | class A {" in shown
    assert f"void {nearest}()" in shown
    assert f"void {beyond}()" not in shown


def test_of_a_case_without_a_name_the_other_cases_are_not_shown() -> None:
    """A specification's cases are calls with a block; the class around all of them names nothing nearer."""
    case = (
        "  it 'does {0}' do\n    one = {0}\n    two = one\n    three = two\n    four = three\n    check four\n  end\n\n"
    )
    text = "class Spec < Minitest::Spec\n" + "".join(case.format(n) for n in range(30)) + "end\n"
    shown = around("test/spec_a.rb", text.replace("one = 15", "one = 0"), text)
    assert "|     check four" in shown
    assert "it 'does 14'" not in shown
    assert "it 'does 16'" not in shown
    assert "    1 | class Spec < Minitest::Spec" in shown


def test_a_members_comment_that_is_longer_needs_no_neighbours() -> None:
    """Beside it code changed: what stands above and below the comment tells nothing of that."""
    members = "".join(f"  m{n}() {{\n    return {n};\n  }}\n" for n in range(30))
    body = "  /**\n  Kept.\n  */\n  get body(): A {\n    return this.x;\n  }\n"
    before = f"class Options {{\n{members}{body}}}\n"
    text = around("a.ts", before, before.replace("Kept.", "Kept.\n  Sent.").replace("body(): A", "body(): A | B"))
    assert "m27()" not in text
    assert "class Options {" in text
