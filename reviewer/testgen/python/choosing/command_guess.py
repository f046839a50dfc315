"""Guess the repository's test command from its own files, where no setting names it. Pure except for reading the tree.

The `run:` lines of workflows come first, because they are what the project itself relies on, then tox, nox and the
Makefile. Only commands of pytest and unittest count. A guess is used only if it works: see `generate.prepare`.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

from reviewer.languages.parsers import python_tree
from reviewer.testgen.working_tree import folder_of, text_of

#: The most workflow files that are read, and the longest line that is a command.
MOST_WORKFLOWS, MOST_LINE = 20, 400

_COMMAND = re.compile(
    r"(?:^|[\s;&|])(?P<command>(?:[A-Z_][A-Z0-9_]{0,60}=\S{0,100} ){0,4}"
    r"(?:(?:poetry|uv|pdm|hatch|pipenv|rye) run )?(?:(?:python3?|coverage run) -m )?(?:pytest|py\.test|unittest)\b"
    r"[^#;&|\n]{0,300})"
)
#: What a tool fills in, and what only makes sense in a shell.
_PLACEHOLDER = re.compile(r"\{(?:posargs|toxinidir)(?::[^}\n]{0,100})?\}[/\\]?|\[\]|\$\{\{[^}\n]{0,100}\}\}")


def guessed_commands(tree: Path, cwd: str) -> tuple[str, ...]:
    """Return the test commands that the project's files name, the most trustworthy first, each once."""
    found = [*_workflows(tree), *_tox(tree, cwd), *_nox(tree, cwd), *_makefile(tree, cwd)]
    cleaned = [" ".join(_PLACEHOLDER.sub("", command).split()).rstrip("\\ ") for command in found]
    return tuple(dict.fromkeys(command for command in cleaned if "$" not in command and "{" not in command))


def _commands_in(text: str) -> Iterator[str]:
    for row in text.split("\n"):
        if len(row) <= MOST_LINE and (found := _COMMAND.search(row)):
            words = found["command"].strip().strip("\"'")
            if not re.search(r"\binstall\b|--version|--help", row):
                yield words


def _workflows(tree: Path) -> Iterator[str]:
    folder = ".github/workflows"
    names = sorted(name for name in folder_of(tree, folder) or {} if name.endswith((".yml", ".yaml")))
    tests_first = sorted(names, key=lambda name: not re.search(r"test|ci|build|python", name))
    for name in tests_first[:MOST_WORKFLOWS]:
        text = text_of(tree, f"{folder}/{name}") or ""
        rows = [row for row in text.split("\n") if not row.lstrip().startswith(("#", "name:", "- name:"))]
        yield from _commands_in("\n".join(re.sub(r"^\s*(?:- )?run:\s*[|>]?-?", "", row) for row in rows))


def _tox(tree: Path, cwd: str) -> Iterator[str]:
    text = text_of(tree, _in(cwd, "tox.ini"))
    if text is None:
        return
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in ("testenv", *parser.sections()):
        if section.startswith("testenv") and parser.has_section(section):
            yield from _commands_in(parser[section].get("commands", ""))


def _nox(tree: Path, cwd: str) -> Iterator[str]:
    text = text_of(tree, _in(cwd, "noxfile.py"))
    try:
        nodes = ast.walk(python_tree(text)) if text is not None else ()
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            words = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            yield from _commands_in(" ".join(words))


def _makefile(tree: Path, cwd: str) -> Iterator[str]:
    text = text_of(tree, _in(cwd, "Makefile")) or ""
    target = ""
    for row in text.split("\n"):
        if row[:1] not in ("\t", " ", ""):
            target = row.partition(":")[0].strip()
        elif row.startswith("\t") and re.fullmatch(r"(?:check|tests?|unit\S{0,20}|pytest)", target):
            yield from _commands_in(row.strip().lstrip("@-"))


def _in(cwd: str, name: str) -> str:
    return f"{cwd}/{name}" if cwd else name
