"""What a repository's formatters say of its files."""

from __future__ import annotations

import pytest

from reviewer.domain.formatting import FormatRules, read_formatting

EDITORCONFIG = """
root = true
[*]
indent_style = space
indent_size = 2
trim_trailing_whitespace = true
; a comment
[*.{py,pyi}]
indent_size = 4
indent_style = space
max_line_length = 100 # as the linter has it
[{Makefile,lib/**.mk}]
indent_style = tab
[docs/*.md]
trim_trailing_whitespace = false
[*.txt]
max_line_length = off
"""


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("src/a.py", FormatRules("    ", 100, True)),
        ("a.ts", FormatRules("  ", None, True)),
        ("sub/Makefile", FormatRules("\t", None, True)),
        ("docs/a.md", FormatRules("  ", None, False)),
        ("other/docs/a.md", FormatRules("  ", None, True)),
        ("a.txt", FormatRules("  ", None, True)),
    ],
)
def test_editorconfig(path: str, rules: FormatRules) -> None:
    """Later sections win, and what they leave out stays."""
    assert read_formatting({".editorconfig": EDITORCONFIG}).of(path) == rules


def test_formatters_own_files_win() -> None:
    """The formatter that runs in CI reads its own file."""
    formatting = read_formatting({
        ".prettierrc": '{"printWidth": 90, "useTabs": true}',
        "pyproject.toml": "[tool.ruff]\nline-length = 88\n",
        "rustfmt.toml": "max_width = 110\ntab_spaces = 3\n",
        ".editorconfig": EDITORCONFIG,
    })  # fmt: skip
    assert formatting.of("a.py") == FormatRules("    ", 88, True)
    assert formatting.of("web/a.tsx") == FormatRules("\t", 90, True)
    assert formatting.of("src/a.rs") == FormatRules("   ", 110, True)
    assert formatting.of("a.go").line_length is None


@pytest.mark.parametrize(
    "texts",
    [
        {".prettierrc": "semi: false\n"},
        {".prettierrc": "[" * 9_000},
        {".prettierrc": "[1]"},
        {"pyproject.toml": "tool = 3\n"},
        {"pyproject.toml": "[tool.ruff\n"},
        {"pyproject.toml": "[tool.black]\nline-length = true\n"},
        {".editorconfig": "[*]\nindent_size = " + "9" * 4_000 + "\nindent_style = space\n"},
        {".editorconfig": "[" + "{a,b}" * 40 + "]\nindent_style = tab\n"},
        {".editorconfig": "[*]\nindent_style = tab\n" + "#" * 30_000},
        {".editorconfig": "indent_style = tab\n"},
        {"package.json": "{}"},
    ],
)
def test_what_cannot_be_read_says_nothing(texts: dict[str, str]) -> None:
    assert read_formatting(texts).of("a.py") == FormatRules()
    assert read_formatting(texts).of("a.ts") == FormatRules()


def test_words_for_a_prompt() -> None:
    assert str(FormatRules("  ", 80)) == "2 spaces, lines of at most 80 characters"
    assert (str(FormatRules("\t")), str(FormatRules())) == ("tabs", "")
