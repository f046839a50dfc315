"""Model text posted on GitHub stays text, and code stays code."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reviewer.safety.code_blocks import code_span, fence, postable, suggestion_block, suggestion_in
from reviewer.safety.invisible import show_invisible
from reviewer.safety.markdown import neutralise

ZERO_WIDTH = "\u200b"
ACTIVE = re.compile(r"@\w|#\d|gh-\d|(?:https?|ftp)://|www\.|(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])", re.IGNORECASE)
FORBIDDEN = {"link_open", "image", "html_inline", "html_block"}


def tokens(markdown: str) -> list[Token]:
    """Return every block and inline token, as rendered with HTML, tables and strikethrough switched on."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return [leaf for token in parser.parse(markdown) for leaf in (token, *(token.children or ()))]


def prose(markdown: str) -> str:
    """Return what a reader sees outside code; pieces that the markup keeps apart are kept apart."""
    pieces = [t.content if t.type in {"text", "text_special"} else "\0" for t in tokens(markdown) if t.type != "inline"]
    return "".join(pieces)


def code(markdown: str) -> list[str]:
    return [t.content for t in tokens(markdown) if t.type in {"code_inline", "fence"}]


TEXTS = {
    "mention of a user": ("ask @octocat now", "ask @octocat now"),
    "mention of a team": ("cc @org/team", "cc @org/team"),
    "escaped mention": (r"\@octocat and \@_x", "@octocat and @_x"),
    "issue": ("see #12", "see #12"),
    "escaped issue": (r"see \#12", "see #12"),
    "issue elsewhere": ("see owner/repo#1", "see owner/repo#1"),
    "issue by GH": (r"GH-4 and gh\-5", "GH-4 and gh-5"),
    "commit": ("since e83c5163316f89bfbde7d9ab23ca2e25604af290", "since e83c5163316f89bfbde7d9ab23ca2e25604af290"),
    "image": ("![alt](http://evil.example/p.png)", "![alt](\0)"),
    "link by reference": ("[a][b]\n\n[b]: /x", "[a][b]\0\0[b]: /x"),
    "mail": ("to a@b.example", "to a@b.example"),
    "bare www": ("www.evil.example", "www.evil.example"),
    "html": ("<b onclick=x>hi</b>", "<b onclick=x>hi</b>"),
    "end of details": ("</details> out", "</details> out"),
    "comment": ("a <!-- b --> c", "a <!-- b --> c"),
    "entity for a mention": ("&#64;octocat", "&#64;octocat"),
    "entity for a sign": ("a &lt; b", "a < b"),
    "footnote": ("a[^1]", "a[^1]"),
    "direction": ("a \u202e b", "a {U+202E} b"),
    "tilde fence in a sentence": ("x ~~~ y", "x ~~~ y"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_shown_and_nothing_else(name: str) -> None:
    """The reader sees what the model wrote, as text: no token but text, and nothing in it that GitHub acts on."""
    source, shown = TEXTS[name]
    safe = neutralise(source)
    assert prose(safe).strip("\0").replace(ZERO_WIDTH, "") == shown
    assert not ACTIVE.search(prose(safe))
    assert not FORBIDDEN & {token.type for token in tokens(safe)}


def test_addresses_are_shown_as_code() -> None:
    """An address is not linked but can be copied whole, without the sentence's punctuation."""
    safe = neutralise("See [docs](https://docs.example/a_b?c=1#d), or https://x.example. Or <http://y.example/>")
    assert code(safe) == ["https://docs.example/a_b?c=1#d", "https://x.example", "http://y.example/"]
    assert "link_open" not in {token.type for token in tokens(safe)}


UNTOUCHED = [
    "Use `@property` and `a[0] < b` with ``x ` y``.",
    "`int | None` is not `#12` of `<!-- html -->`, `https://x.example` neither",
    "```python\n@decorator\ndef f(x: '<b>') -> None:  # see #12, GH-1\n    return x[0]  # https://x.example\n```",
    "~~~\n```\n@x\n~~~",
    "````md\n```\n@x\n```\n````",
    "1. First:\n   ```sh\n   a && b\n\n   @c\n   ```\n2. Second `@d`",
    "> ```py\n> @a\n> ```\n> end",
    "**Bold**, _it_, ~~no~~\n\n- a\n- b\n\n## Head\n\n> quote\n\n---",
    "| a | b |\n|---|---|\n| `x \\| y` | `@z` |",
]


@pytest.mark.parametrize("source", UNTOUCHED)
def test_code_and_plain_markup_stay_as_written(source: str) -> None:
    """Code spans, fenced blocks, lists, quotes, headings and tables come back to the character."""
    assert neutralise(source) == source


def test_an_open_fence_is_closed() -> None:
    """What follows model text is not swallowed by a fence the model left open."""
    assert neutralise("a\n```py\nx = 1") == "a\n```py\nx = 1\n```"
    assert "@" not in code(neutralise("- a\n  ```\n@octocat\n"))[0]


def test_a_less_indented_end_of_a_fence_is_its_end() -> None:
    """A closing fence that the model forgot to indent ends the block instead of opening another one."""
    safe = neutralise("1. Do:\n   ```py\n   x\n```\nrest @y")
    assert code(safe) == ["x\n"]
    assert safe.endswith(f"   ```\nrest @{'&#8203;'}y")


@pytest.mark.parametrize("info", ["suggestion", "Suggestion", "mermaid", "geojson", "math"])
def test_fences_that_github_acts_on_are_plain_code(info: str) -> None:
    """The model cannot post a suggestion that was not proven, nor a diagram with links."""
    assert neutralise(f"```{info}\nx\n```") == "```text\nx\n```"


def test_our_own_markers_cannot_be_forged() -> None:
    """The text that begins a marker of ours never comes out, wherever it is put, code included."""
    forged = "<!-- reviewer:finding abc -->"
    for source in (
        forged,
        f"\\{forged}",
        f"`{forged}`",
        f"```\n{forged}\n```",
        f"```\n{forged}",
        f"https://x/{forged}",
    ):
        assert "<!-- reviewer:" not in neutralise(source)
    assert "<!-- reviewer:" not in fence(forged) + code_span(forged)
    assert not postable(forged)


def test_slash_commands_are_inert() -> None:
    """No line of text begins with a slash that a bot could take for a command, and it is shown all the same."""
    safe = neutralise("/lgtm\n  /close\nsee /etc/hosts")
    assert safe == "\\/lgtm\n  \\/close\nsee /etc/hosts"
    assert "/lgtm" in prose(safe)


def test_a_pipe_in_a_table_does_not_free_a_mention() -> None:
    """A cell ends at a pipe even inside backticks, so code with a pipe is not trusted in a table."""
    safe = neutralise("|a|b|\n|-|-|\n|`x|y @octocat z`|")
    assert not ACTIVE.search(prose(safe))
    assert "@" not in "".join(code(safe))


def test_long_text_is_cut_visibly() -> None:
    """The result never exceeds the limit, says that it was cut, and leaves no fence open."""
    for source in ("@a " * 30_000, "`" * 40_000, "```\n" + "x\n" * 40_000, "<" * 29_999, "é" * 70_000):
        safe = neutralise(source, limit=1000)
        assert 500 < len(safe) <= 1000
        assert safe.endswith("… (cut here: too long)")
        assert "cut here" in prose(safe)
    assert neutralise("x" * 1000, limit=1000) == "x" * 1000
    assert neutralise("@user", limit=0) == ""


@pytest.mark.parametrize(
    "unit", ["> ", "- ", "`", "`a``b", "[](", "0a", "a://", "\\", "<", "```\n", "|-", " ", "www.", "|-|\n"]
)
@pytest.mark.slow
def test_time_is_bounded(unit: str) -> None:
    """Text made to provoke backtracking takes a moment, however long it is."""
    start = time.process_time()
    neutralise(unit * 500_000)
    assert time.process_time() - start < 3


def test_invisible_characters_are_shown_and_joined_letters_stay() -> None:
    """Controls, directions, tags and lone surrogates are written out; emoji and other scripts are not harmed."""
    assert (
        show_invisible("a\x1b[31m\u202eb\u200b\ud800\U000e0041\t\n")
        == "a{U+001B}[31m{U+202E}b{U+200B}{U+D800}{U+E0041}\t\n"
    )
    kept = "👩‍👩‍👧 ⚠️ می‌خواهم é"
    assert show_invisible(kept) == kept


FRAGMENTS = [
    *(
        "@user",
        "@org/team",
        "#12",
        "o/r#1",
        "GH-3",
        "abcdef1234567",
        "https://e.example/x",
        "www.e.example",
        "a@b.example",
    ),
    *(
        "<b>",
        "<img src=x>",
        "<a href='`'>",
        "</details>",
        "<!-- x -->",
        "<!--",
        "-->",
        "<!-- reviewer:x -->",
        "<?x",
        "<![CDATA[",
    ),
    *(
        "&#64;user",
        "&lt;",
        "&",
        "\\",
        "`",
        "``",
        "```",
        "````",
        "~~~",
        "[",
        "]",
        "](",
        "[x]: /e",
        "![a](b)",
        "[^1]: x",
        "|",
    ),
    *(
        "|-|-|",
        "-|-",
        "\n",
        "\n",
        "\n\n",
        " ",
        "   ",
        "    ",
        "\t",
        "> ",
        "- ",
        "1. ",
        "10. ",
        "# ",
        "---",
        "*",
        "_",
        "$",
    ),
    *(
        "a",
        "b c",
        "suggestion",
        "py",
        "/lgtm",
        "\r",
        "\u202e",
        "\u200b",
        "\u2028",
        "\x0b",
        "://",
        "!",
        "(",
        ")",
        "- ```",
        "> ```",
    ),
]
MARKDOWN = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(MARKDOWN)
@example("para\n2. ```py\n\n   @user\n   ```")
@example("- a\n  ```\n@user\n```\n@user")
@example("- > ```\n> @user")
@example("text\n    ~~~\n    @user\n    ~~~")
@example("`a|b @user`\n-|-")
@example("- > ~~~\n  > ```\n  > ~~~\n  > @user")
def test_nothing_active_survives(source: str) -> None:
    """Whatever the model writes, no link, image, HTML, mention or reference is left outside code, and no marker."""
    safe = neutralise(source)
    assert not FORBIDDEN & {token.type for token in tokens(safe)}
    assert not ACTIVE.search(prose(safe)), safe
    assert "<!-- reviewer:" not in safe
    assert "after" in prose(f"{safe}\n\nafter\n")


LANGUAGE = st.sampled_from(["", "py", "c++", "diff"])
CODE = st.text(alphabet="ab@#1<>[]`~|\\ \n", max_size=30)
SPAN = st.text(alphabet="ab@#1<>[]|\\", min_size=1, max_size=8)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.tuples(st.just("block"), CODE, LANGUAGE), st.tuples(st.just("span"), SPAN, st.just(""))),
        max_size=5,
    )
)
def test_code_survives_to_the_character(parts: list[tuple[str, str, str]]) -> None:
    """Code that was properly marked up comes through unchanged, between text that is made inert."""
    source = "\n\n".join(
        fence(text, info) if kind == "block" else f"ask @me about {code_span(text)} in #7" for kind, text, info in parts
    )
    assert code(neutralise(source)) == code(source)


@settings(deadline=None)
@given(CODE)
def test_fences_and_spans_hold_any_code(text: str) -> None:
    """A fence shows exactly its code, whatever backticks are in it; a code span shows it on one line."""
    ended = text if not text or text.endswith("\n") else text + "\n"
    assert code(fence(text, "py")) == [ended]
    assert code(suggestion_block(text)) == [ended]
    flat = text.replace("\n", " ")
    assert code(f"x {code_span(text)} y") == ([flat] if flat else [])


def test_suggestions_are_exact() -> None:
    """A suggestion block keeps line ends and indentation; no text deletes the lines, one newline is an empty line."""
    assert suggestion_block("") == "```suggestion\n```"
    assert suggestion_block("\n") == "```suggestion\n\n```"
    assert suggestion_block("\ta\r\n  b\r") == "```suggestion\n\ta\r\n  b\r\n```"
    assert suggestion_block("```\nx") == "````suggestion\n```\nx\n````"


@pytest.mark.parametrize("code", ["", "\n", "x", "\tx\n\n  y", "```\nx\n```", "````suggestion\nx\n````"])
def test_a_suggestion_is_read_as_it_was_written(code: str) -> None:
    """The first block of a comment counts, also with GitHub's line ends; one that is only shown does not."""
    comment = f"{fence(suggestion_block('no'))}\n\n{suggestion_block(code)}\n\n{suggestion_block('later')}\n"
    assert suggestion_in(comment) == suggestion_in(comment.replace("\n", "\r\n")) == code


@pytest.mark.parametrize(
    "comment", ["", "text", fence("x"), fence(suggestion_block("x")), "```suggestion\nx", "```suggestion`\nx\n```"]
)
def test_a_comment_without_a_whole_suggestion_has_none(comment: str) -> None:
    assert suggestion_in(comment) is None
    assert suggestion_in("`" * 20_000 + "suggestion\n" + "```\n" * 20_000) is None
    assert postable("\ta\r\n")
    assert not postable("a\u202eb")
    assert not postable("\udc80")
