"""The page of a review: self-contained, inert, complete; and the small Markdown that it shows."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from reviewer.domain.findings import Review
from reviewer.output.html import to_html
from reviewer.output.html_markdown import inline_to_html, markdown_to_html
from tests.fixtures.factories import anchor, finding, small_diff
from tests.reviewer.output.test_forms import full_review

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:alert(1)) ![b](https://e.example/x)"
)
#: All that may be in the page; no element of these loads or runs anything.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h4", "div", "p", "ul", "li", "pre", "code", "b"),
    *("strong", "small", "span", "details", "summary", "table", "tr", "td"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "colspan", "open"}


class _Elements(HTMLParser):
    """Collects elements and attributes, and holds that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_every_part_of_a_review_is_on_the_page() -> None:
    """Headline, summary, findings with code, suggestion and advice, below the line, tests, skipped, notes, usage."""
    page = to_html(full_review(), small_diff())
    for part in (
        "4 findings (1 error, 2 warnings, 1 remark)", "<code>total</code>, cc @octocat", "The count is ignored",
        "Suggestion, proven to apply", "<td>+         result += item.price * item.count</td>", "Advice, not proven",
        "removed line 12", "src/app.py:13", "Loud log", "tests/test_app.py", "It was not run.", "package-lock.json",
        "Unknown key", "2 refuted", "$0.0123", "[redacted: secret]",
    ):  # fmt: skip
        assert part in page, part
    assert page == to_html(full_review(), small_diff())
    assert to_html(full_review(), small_diff(), title="Two <tests>").count("Two &lt;tests&gt;") == 2


def test_page_loads_and_runs_nothing() -> None:
    """Only harmless elements, no address in any attribute, and a policy that forbids the rest."""
    elements = read(to_html(full_review(), small_diff()))
    assert elements.names <= ELEMENTS
    assert elements.attributes <= ATTRIBUTES
    page = to_html(full_review(), small_diff())
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page
    assert not re.search(r"url\(|@import|https?://", page)


def test_text_of_the_model_and_of_the_code_stays_text() -> None:
    """In titles, bodies, advice, names and code."""
    marked = finding(
        anchor("src/app.py", 12), title=HOSTILE, body=f"{HOSTILE}\n\n```html\n{HOSTILE}\n```", suggestion=None
    )
    review = Review(HOSTILE, findings=(marked,), below=(marked,), notes=(HOSTILE,), files_reviewed=1)
    elements = read(to_html(review, small_diff(), title=HOSTILE))
    assert elements.names <= ELEMENTS
    assert elements.attributes <= ATTRIBUTES


def test_finding_that_has_no_line_here_is_shown_all_the_same() -> None:
    """A place outside of the hunks, or in a file that the diff lacks, costs the finding nothing."""
    for path, line in (("src/app.py", 900), ("elsewhere.py", 3)):
        lost = finding(anchor("src/app.py", 12), title="Lost and found")
        object.__setattr__(lost.anchor, "line", line)
        object.__setattr__(lost.anchor, "path", path)
        assert "Lost and found" in to_html(Review("", findings=(lost,), files_reviewed=1), small_diff())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **b** `c < d`", "<p>a <strong>b</strong> <code>c &lt; d</code></p>"),
        ("one\ntwo\n\nthree", "<p>one two</p><p>three</p>"),
        ("- a\n- b\n  more\n\nend", "<ul><li>a</li><li>b more</li></ul><p>end</p>"),
        ("1. a\n2. b", "<ul><li>a</li><li>b</li></ul>"),
        ("# Head\ntext", "<h4>Head</h4><p>text</p>"),
        ("```py\n<x>\n\n- y\n```\nz", "<pre><code>&lt;x&gt;\n\n- y</code></pre><p>z</p>"),
        ("````\n```\n````", "<pre><code>```</code></pre>"),
        ("```\nopen", "<pre><code>open</code></pre>"),
        ("text\n```\ncode\n```", "<p>text</p><pre><code>code</code></pre>"),
        ("", ""),
        ("a\u202eb", "<p>a{U+202E}b</p>"),
    ],
)
def test_markdown_of_the_model(text: str, shown: str) -> None:
    """What models write is shown as it is meant; the rest is text."""
    assert markdown_to_html(text) == shown


def test_code_in_a_line() -> None:
    """Two signs hold one; signs without a partner are text."""
    assert inline_to_html("``a`b`` and `c") == "<code>a`b</code> and `c"
    assert inline_to_html("**a `b` c**") == "**a <code>b</code> c**"


@pytest.mark.parametrize(
    "text", ["`" * 20_000, "`a" * 20_000, "**a" * 20_000, "- " * 20_000, "```\n" * 10_000, "#" * 40_000]
)
def test_markdown_is_read_in_linear_time(text: str) -> None:
    """Whatever the model repeats."""
    began = time.process_time()
    markdown_to_html(text)
    assert time.process_time() - began < 5
