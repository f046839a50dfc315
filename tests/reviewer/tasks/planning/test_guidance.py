"""Of a guide for contributors, what is about code reaches the model; how to set up, report and release does not."""

from __future__ import annotations

import pytest

from reviewer.domain.change import Guidance
from reviewer.tasks.planning.guidance import about_code

GUIDE = """# Contributing

Welcome.

## Getting started

Clone it.

```sh
# Coding style is no heading here
make
```

### Windows

Use WSL.

### Code style

Names are short.

## Reporting issues

Open one.

## Pull requests

Functions must not log secrets.

## Commit messages

Be brief.

## Values

Small things.
"""


def test_what_is_not_about_code_is_left_out() -> None:
    """A section inside one that is left out stays where it is about code, and one that demands something of code."""
    text = about_code(Guidance("CONTRIBUTING.md", GUIDE))
    assert [line for line in text.split("\n") if line] == [
        "# Contributing", "Welcome.", "### Code style", "Names are short.", "## Pull requests",
        "Functions must not log secrets.", "## Values", "Small things.",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md"])
def test_a_guide_for_tools_is_shown_whole(path: str) -> None:
    """Who writes such a file wants all of it to be read."""
    assert about_code(Guidance(path, GUIDE)) == GUIDE


def test_where_nothing_is_about_code_nothing_is_shown() -> None:
    """Headings alone tell nothing; a guide without headings is shown."""
    assert about_code(Guidance("CONTRIBUTING.md", "# Contributing\n\n## Installation\n\nRun `make`.\n")) == ""
    assert about_code(Guidance("docs/CONTRIBUTING.md", "Run the tests.\n")) == "Run the tests.\n"
