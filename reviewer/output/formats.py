"""The output formats of the command line: a row for each. A new format is a row here, a module and its test.

`--help` needs the names, so a row imports its module only when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reviewer.diff.model import Diff
    from reviewer.domain.findings import Review


class Layout(NamedTuple):
    """How a review is shown: `title` stands above it instead of its headline; the rest is for terminals."""

    title: str | None = None
    colour: bool = False
    width: int | None = None


class OutputFormat(NamedTuple):
    """A format: how to write a review, whether people read it, and whether it can show suggested tests."""

    render: Callable[[Review, Diff, Layout], str]
    for_people: bool
    shows_tests: bool


def _text(review: Review, diff: Diff, layout: Layout) -> str:
    from reviewer.output.text import to_text  # noqa: PLC0415 - see the module's docstring

    return to_text(review, colour=layout.colour, source=diff, title=layout.title, width=layout.width)


def _markdown(review: Review, diff: Diff, layout: Layout) -> str:
    from reviewer.output.markdown import to_markdown  # noqa: PLC0415

    return to_markdown(review, diff, title=layout.title)


def _html(review: Review, diff: Diff, layout: Layout) -> str:
    from reviewer.output.html import to_html  # noqa: PLC0415

    return to_html(review, diff, title=layout.title)


def _json(review: Review, _diff: Diff, _layout: Layout) -> str:
    from reviewer.output.json import to_json  # noqa: PLC0415

    return to_json(review)


def _sarif(review: Review, diff: Diff, _layout: Layout) -> str:
    from reviewer.output.sarif import to_sarif  # noqa: PLC0415

    return to_sarif(review, diff)


#: By the word after `--format`; the first is the default.
FORMATS: Mapping[str, OutputFormat] = {
    "text": OutputFormat(_text, for_people=True, shows_tests=True),
    "markdown": OutputFormat(_markdown, for_people=True, shows_tests=True),
    "html": OutputFormat(_html, for_people=True, shows_tests=True),
    "json": OutputFormat(_json, for_people=False, shows_tests=True),
    "sarif": OutputFormat(_sarif, for_people=False, shows_tests=False),
}
