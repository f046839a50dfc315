"""What a repository's formatters expect: how files are indented, how long a line may be. Pure.

Read from the base branch, where it costs nothing more: `.editorconfig` (https://spec.editorconfig.org), the line length
that Black or Ruff take from `pyproject.toml`, Prettier's and rustfmt's own files at the top. What cannot be read is
left out: a formatter's settings are a help, and nothing depends on them.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from reviewer.domain.path_patterns import PathPatterns

_MOST_CHARACTERS, _MOST_SECTIONS, _MOST_ALTERNATIVES, _LONGEST_GLOB = 20_000, 200, 64, 400
_PRETTIER = PathPatterns(["*.js", "*.jsx", "*.mjs", "*.cjs", "*.ts", "*.tsx", "*.vue", "*.css", "*.scss", "*.json"])
_SECTION = re.compile(r"\[(.+)\]")
_ENTRY = re.compile(r"([\w-]+)[ \t]*[=:][ \t]*([^\s;#]+)")
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class FormatRules:
    """What holds for a file; None where nothing says it. `indent` is a tab or the spaces of a step."""

    indent: str | None = None
    line_length: int | None = None
    trims_line_ends: bool | None = None

    def over(self, other: FormatRules) -> FormatRules:
        """Return these rules, and the other's where these say nothing."""
        return FormatRules(
            *(
                mine if (mine := getattr(self, rule.name)) is not None else getattr(other, rule.name)
                for rule in fields(self)
            )
        )

    def __str__(self) -> str:
        """Return the rules as a prompt shows them, as "4 spaces, lines of at most 100 characters"."""
        kind = {None: "", "\t": "tabs"}.get(self.indent, f"{len(self.indent or '')} spaces")
        length = f"lines of at most {self.line_length} characters" if self.line_length else ""
        return ", ".join(filter(None, (kind, length)))


NO_RULES = FormatRules()


@dataclass(frozen=True, slots=True)
class Formatting:
    """A repository's rules: each for the paths it names; a later one wins."""

    rules: tuple[tuple[PathPatterns, FormatRules], ...] = field(default=())

    def of(self, path: str) -> FormatRules:
        """Return what holds for a file."""
        found = NO_RULES
        for matches, rules in self.rules:
            if matches(path):
                found = rules.over(found)
        return found


NO_FORMATTING = Formatting()


def read_formatting(texts: Mapping[str, str]) -> Formatting:
    """Return the rules that these files (path -> text, of `FORMAT_PATHS`) hold. A file that cannot be read has none."""
    found: list[tuple[PathPatterns, FormatRules]] = []
    for path, read in _READERS.items():
        if path in texts and len(texts[path]) <= _MOST_CHARACTERS:
            try:
                found += read(texts[path])
            except (ValueError, RecursionError):  # not TOML, not JSON, too deep
                continue
    return Formatting(tuple(found))


# ----------------------------------------------------------------------- each file


def _editorconfig(text: str) -> Iterator[tuple[PathPatterns, FormatRules]]:
    patterns: list[str] = []
    entries: dict[str, str] = {}
    sections = 0
    for line in itertools.chain(text.splitlines(), ["[end]"]):
        words = line.strip()
        if section := _SECTION.fullmatch(words):
            if patterns:
                yield PathPatterns(patterns), _editorconfig_rules(entries)
            sections += 1
            if sections > _MOST_SECTIONS:
                return
            patterns, entries = [_anchored(glob) for glob in _alternatives(section[1])], {}
        elif entry := _ENTRY.match(words):
            entries[entry[1].lower()] = entry[2].lower()


def _editorconfig_rules(entries: Mapping[str, str]) -> FormatRules:
    size = entries.get("indent_size", "")
    width = _number(entries.get("tab_width") if size == "tab" else size)
    style = entries.get("indent_style")
    indent = "\t" if style == "tab" else " " * width if style == "space" and width else None
    trims = {"true": True, "false": False}.get(entries.get("trim_trailing_whitespace", ""))
    return FormatRules(indent, _number(entries.get("max_line_length")), trims)


def _anchored(glob: str) -> str:
    """Return a glob of `.editorconfig` as a pattern of .gitignore: with a slash in it, it begins at the top."""
    return glob if "/" not in glob or glob.startswith(("/", "**")) else f"/{glob}"


def _alternatives(glob: str) -> list[str]:
    """Return what a glob with braces stands for: `*.{js,ts}` is `*.js` and `*.ts`."""
    globs = [glob] if len(glob) <= _LONGEST_GLOB else []
    while any(map(_BRACES.search, globs)):
        globs = [
            glob[: braces.start()] + choice + glob[braces.end() :] if braces else glob
            for glob in globs
            for braces in [_BRACES.search(glob)]
            for choice in (braces[1].split(",") if braces else [""])
        ]
        if len(globs) > _MOST_ALTERNATIVES:
            return []
    return globs


def _pyproject(text: str) -> Iterator[tuple[PathPatterns, FormatRules]]:
    tools = _table(_toml(text), "tool")
    for tool in ("black", "ruff"):
        length = _number(_table(tools, tool).get("line-length"))
        if length:
            yield PathPatterns(["*.py", "*.pyi"]), FormatRules(line_length=length)


def _rustfmt(text: str) -> Iterator[tuple[PathPatterns, FormatRules]]:
    settings = _toml(text)
    tabs, width = settings.get("hard_tabs") is True, _number(settings.get("tab_spaces"))
    indent = "\t" if tabs else " " * width if width else None
    yield PathPatterns(["*.rs"]), FormatRules(indent, _number(settings.get("max_width")))


def _prettier(text: str) -> Iterator[tuple[PathPatterns, FormatRules]]:
    """Read Prettier's settings where they are JSON (https://prettier.io/docs/options)."""
    settings = json.loads(text)
    if isinstance(settings, dict):
        width = _number(settings.get("tabWidth"))
        indent = "\t" if settings.get("useTabs") is True else " " * width if width else None
        yield _PRETTIER, FormatRules(indent, _number(settings.get("printWidth")))


_READERS: dict[str, Callable[[str], Iterator[tuple[PathPatterns, FormatRules]]]] = {
    ".editorconfig": _editorconfig,
    "pyproject.toml": _pyproject,
    "rustfmt.toml": _rustfmt,
    ".prettierrc": _prettier,
    ".prettierrc.json": _prettier,
}
#: The files that `read_formatting` reads, from the top of the base branch.
FORMAT_PATHS = tuple(_READERS)


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where there is a file to read

    return tomllib.loads(text)


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int | None:
    """Return a sensible number of columns; None for anything else, `off` and `unset` included."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 and 0 < int(text) <= 1000 else None
