"""The documentation is true about the repository: what it links to or names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob(".github/*.md")]
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

#: Paths of the repository, as prose names them. What lies in `tests/` itself is an example of a user's test.
FOLDERS = (
    r"(?:(?:minimax_reviewer|reviewer|webhooks|prompts|bench|evals|deploy|docs|requirements)/|tests/(?!test_)[a-z]+/?)"
)
PATH = re.compile(rf"(?<![\w./-]){FOLDERS}(?:[\w-]+(?:\.[\w-]+)*/?)*")
#: A module that is named without its folder, such as `follow_ups.py`.
BARE = re.compile(r"(?<![\w./*-])\w+\.py(?![\w/])")
#: `make` at the beginning of a line of code, also after variables.
MAKE = re.compile(r"^\s*(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


@cache
def blocks(page: Path) -> list[Token]:
    """Return the blocks of a page."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def tokens(page: Path) -> Iterator[Token]:
    """Yield the blocks and what stands inside them."""
    for token in blocks(page):
        yield token
        yield from token.children or ()


def code(page: Path) -> Iterator[str]:
    """Yield each code span and each block of code."""
    yield from (token.content for token in tokens(page) if token.type in {"code_inline", "fence", "code_block"})


def links(page: Path) -> Iterator[str]:
    """Yield where each link and each image leads."""
    for token in tokens(page):
        if token.type in {"link_open", "image"}:
            yield str(token.attrs.get("href") or token.attrs.get("src"))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings: lower case, no punctuation, blanks become hyphens."""
    found: set[str] = set()
    inside = False
    for token in blocks(page):
        if inside:
            words = "".join(child.content for child in token.children or ())
            found.add(re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-"))
        inside = token.type == "heading_open"
    return found


@cache
def modules() -> frozenset[str]:
    """Return the names of all modules."""
    folders = ("minimax_reviewer", "reviewer", "webhooks", "tests", "bench")
    return frozenset(path.name for folder in folders for path in (ROOT / folder).rglob("*.py")) | {"app.py"}


def missing_paths(page: Path) -> list[str]:
    """Return the paths and modules that the page names and that are not there."""
    spans = list(code(page))
    paths = [match[0] for span in spans for match in PATH.finditer(span)]
    names = [match[0] for span in spans for match in BARE.finditer(span)]
    return [path for path in paths if not (ROOT / path).exists()] + [name for name in names if name not in modules()]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    """A relative link names a file or a folder that is there; its anchor is a heading of that page."""
    page = ROOT / name
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_of_a_page_exists(name: str) -> None:
    """What a page tells people to make is a target of the Makefile."""
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    asked = {target for span in code(ROOT / name) for target in MAKE.findall(span)}
    assert asked - targets == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_path_and_module_of_a_page_exists(name: str) -> None:
    """Nobody is sent to a module that was moved or renamed."""
    assert missing_paths(ROOT / name) == []


@pytest.mark.parametrize("package", ["reviewer", "webhooks"])
def test_every_folder_of_the_product_is_introduced(package: str) -> None:
    """Who reads the list of folders finds each that `ls` shows, and what it is for."""
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    architecture, guide = ((ROOT / name).read_text("utf-8") for name in ("docs/architecture.md", "AGENTS.md"))
    assert {name for name in folders if f"| `{package}/{name}/` |" not in architecture} == set()
    assert {name for name in folders if not re.search(rf"^  {name}(?:  |$)", guide, re.MULTILINE)} == set()


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    """Who opens docs/ finds each page."""
    index = set(links(ROOT / "docs" / "README.md"))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - index == {"README.md"}


def test_the_checks_see_what_is_broken(tmp_path: Path) -> None:
    """A page with a broken path, module and target is not passed over."""
    page = tmp_path / "page.md"
    page.write_text(
        "See `reviewer/gone.py`, `webhooks/queue/gone/` and `gone_too.py`.\n\n```sh\nmake nothing\n```\n",
        encoding="utf-8",
    )
    assert missing_paths(page) == ["reviewer/gone.py", "webhooks/queue/gone/", "gone_too.py"]
    assert [MAKE.findall(span) for span in code(page)][-1] == ["nothing"]
