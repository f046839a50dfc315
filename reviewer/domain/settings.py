"""The settings of `.github/reviewer.yml`, as frozen values with good defaults.

Bad input never stops a review: an unknown key or bad value is reported with its line, and its default is used. Reads
text, never a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewer.domain.severity import Confidence, Severity

if TYPE_CHECKING:
    from yaml import Node

#: The settings file, read from the base branch only: the head may be anybody's.
SETTINGS_PATH = ".github/reviewer.yml"

#: A settings file is a page of text; a larger one is a mistake or an attack.
MAX_SETTINGS_BYTES = 64_000


class FailLevel(StrEnum):
    """The lowest severity that makes a run fail; `never` only reports."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of that severity fails the run."""
        return self is not FailLevel.NEVER and severity.rank >= Severity(self.value).rank


class _Section(BaseModel):
    # Built when something is validated: where a repository sets nothing, never (see `DEFAULTS`).
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PathInstructions(_Section):
    """Extra instructions for the files that match a pattern (as in .gitignore)."""

    path: str = Field(min_length=1, description="Pattern as in .gitignore, for example `src/api/**`.")
    instructions: str = Field(min_length=1, max_length=10_000, description="What the reviewer should mind there.")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_rules(value: Any) -> Any:
    """Accept `{pattern: text}` as well as `[{path: pattern, instructions: text}]`."""
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return [{"path": pattern, "instructions": text} for pattern, text in value.items()]
    return value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=tuple[str, ...] | str)]
Rules = Annotated[
    tuple[PathInstructions, ...],
    BeforeValidator(_as_rules, json_schema_input_type=tuple[PathInstructions, ...] | dict[str, str]),
]
Dollars = Annotated[Decimal, Field(ge=0)]


class ReviewSettings(_Section):
    """When a review is made, of what, and how much is said."""

    auto: bool = Field(default=True, description="Review a pull request when it is opened and on every push.")
    drafts: bool = Field(default=False, description="Review drafts too.")
    bots: bool = Field(default=True, description="Review pull requests opened by bots too.")
    generated: bool = Field(default=False, description="Review generated and vendored files too.")
    include: Patterns = Field(default=(), description="Review only files that match one of these patterns.")
    exclude: Patterns = Field(default=(), description="Never review files that match one of these patterns.")
    severity: Severity = Field(default=Severity.INFO, description="Lowest severity posted as an inline comment.")
    confidence: Confidence = Field(
        default=Confidence.MEDIUM, description="Lowest confidence posted as an inline comment."
    )
    max_comments: int = Field(
        default=10, ge=0, le=40, description="Most inline comments of one review; the rest is listed."
    )
    max_refactorings: int = Field(default=2, ge=0, le=20, description="Most refactoring suggestions of one review.")
    fail_level: FailLevel = Field(default=FailLevel.NEVER, description="Lowest severity that fails the check run.")
    author_may_dismiss: bool = Field(
        default=False, description="Let the author dismiss findings without write access, so that the check passes."
    )
    language: str = Field(default="English", min_length=2, max_length=40, description="Language of what is posted.")
    instructions: str = Field(default="", max_length=10_000, description="What the reviewer should mind everywhere.")
    path_instructions: Rules = Field(default=(), description="Instructions for the files that match a pattern.")


class TestsSettings(_Section):
    """Suggested unit tests."""

    __test__ = False

    suggest: bool = Field(default=True, description="Suggest unit tests, as text, with each review.")
    auto: bool = Field(default=False, description="Run suggested tests without being asked (Action only).")
    command: str | None = Field(default=None, max_length=1000, description="Command that runs the repository's tests.")
    setup: str | None = Field(default=None, max_length=1000, description="Command that prepares the tests.")


class BudgetSettings(_Section):
    """Ceilings in US dollars; null means none. A model whose price is unknown cannot be held to them."""

    per_review_usd: Dollars | None = Field(default=Decimal(2), description="Most that one review may cost.")
    per_pull_usd: Dollars | None = Field(
        default=None, description="Most that all reviews of one pull request may cost."
    )
    per_month_usd: Dollars | None = Field(
        default=None, description="Most that a repository may cost in a calendar month."
    )


class Settings(_Section):
    """Everything in `.github/reviewer.yml`."""

    review: ReviewSettings = ReviewSettings.model_construct()
    tests: TestsSettings = TestsSettings.model_construct()
    budget: BudgetSettings = BudgetSettings.model_construct()


#: What holds where a repository sets nothing.
DEFAULTS = Settings.model_construct()


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing wrong with a settings file; `line` is 1-based, `key` is dotted, empty for the file as a whole."""

    key: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return the problem as a person should read it."""
        return f"{SETTINGS_PATH}:{self.line}: {f'`{self.key}`: ' if self.key else ''}{self.message}"


def parse_settings(text: str) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Return the settings in that YAML text and what is wrong with it. Never raises for bad text."""
    if not text.strip():
        return DEFAULTS, ()
    if len(text.encode("utf-8", "replace")) > MAX_SETTINGS_BYTES:
        return DEFAULTS, (SettingsProblem("", 1, f"larger than {MAX_SETTINGS_BYTES:,} bytes; the defaults hold"),)
    import yaml  # noqa: PLC0415 - most repositories have no settings file, and the command line should start fast

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "it cannot be read"
        return DEFAULTS, (SettingsProblem("", line, f"not valid YAML ({problem}); the defaults hold"),)
    if data is None:
        return DEFAULTS, ()
    if not isinstance(data, dict) or root is None:
        return DEFAULTS, (SettingsProblem("", 1, "must be a mapping with `review:`, `tests:` or `budget:`"),)
    return _validated(data, root)


def _validated(data: dict[Any, Any], root: Node) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Validate, dropping each value that is wrong, until what is left is right."""
    problems = list(_given_twice(root))
    data = {str(key): ({} if value is None and key in Settings.model_fields else value) for key, value in data.items()}
    while True:
        try:
            return Settings.model_validate(data), tuple(sorted(problems, key=lambda problem: problem.line))
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False):
                path = tuple(str(part) for part in one["loc"][:2])
                if _drop(data, path):
                    problems.append(SettingsProblem(".".join(path), _line(root, path), _words(one, path)))


def _given_twice(root: Node) -> Iterator[SettingsProblem]:
    """Yield the keys that a section, or the file, has more than once: YAML readers take the last without a word."""
    from yaml import MappingNode  # noqa: PLC0415 - see parse_settings

    sections = [(f"{key.value}.", value) for key, value in root.value] if isinstance(root, MappingNode) else []
    for prefix, node in [("", root), *sections]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, MappingNode) else ():
            if (name := str(key.value)) in seen:
                yield SettingsProblem(f"{prefix}{name}", key.start_mark.line + 1, "given twice; the last one counts")
            seen.add(name)


def _drop(data: dict[Any, Any], path: tuple[str, ...]) -> bool:
    """Remove the value at that path; False when it is gone already (several errors in one value)."""
    parent = data
    for part in path[:-1]:
        parent = parent.get(part, {})
        if not isinstance(parent, dict):
            return False
    for key in list(parent):
        if str(key) == path[-1]:
            del parent[key]
            return True
    return False


def _line(root: Node, path: tuple[str, ...]) -> int:
    """Return the 1-based line of the key at that path."""
    from yaml import MappingNode  # noqa: PLC0415 - see parse_settings

    line, node = root.start_mark.line + 1, root
    for part in path:
        for key, value in node.value if isinstance(node, MappingNode) else ():
            if str(key.value) == part:
                line, node = key.start_mark.line + 1, value
                break
    return line


def _words(error: Any, path: tuple[str, ...]) -> str:
    """Say what is wrong, what would be right, and that the default holds."""
    if error["type"] == "extra_forbidden":
        section = Settings.model_fields.get(path[0]) if len(path) > 1 else None
        known = section.annotation.model_fields if section and section.annotation else Settings.model_fields
        return f"unknown key; known here are {', '.join(known)}"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][2:])
    message = str(error["msg"])
    return f"{f'at `{where}`: ' if where else ''}{message[:1].lower()}{message[1:]}; the default holds"


def settings_schema() -> dict[str, Any]:
    """Return the JSON schema of the settings file, for editors."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SETTINGS_PATH}
