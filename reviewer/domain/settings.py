"""The settings of `.github/reviewer.yml`, as frozen values with good defaults.

Bad input never stops a review: an unknown key or bad value is reported with its line, and its default is used. Reads
text, never a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewer.domain.path_patterns import checked_pattern
from reviewer.domain.settings_yaml import YamlText, read_yaml
from reviewer.domain.severity import Confidence, Severity

#: The settings file, read from the base branch only: the head may be anybody's.
SETTINGS_PATH = ".github/reviewer.yml"

#: A settings file is a page of text; a larger one is a mistake or an attack.
MAX_SETTINGS_BYTES = 64_000

#: Patterns of one list, and rules with a pattern.
MAX_PATTERNS = 200

#: Characters of a pattern: a path longer than this is a mistake.
MAX_PATTERN = 300

#: Problems that are reported; of more, their number.
MAX_PROBLEMS = 50

#: Decimal places of an amount in dollars.
_MOST_PLACES = 12

_LONGEST_KEY, _LONGEST_MESSAGE = 100, 400
_GONE = object()


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
    # Built at the first validation, which a repository without settings never needs (see `DEFAULTS`).
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


Pattern = Annotated[str, Field(max_length=MAX_PATTERN), AfterValidator(checked_pattern)]


class PathInstructions(_Section):
    """Extra instructions for the files that match a pattern (as in .gitignore)."""

    path: Pattern = Field(min_length=1, description="Pattern as in .gitignore, for example `src/api/**`.")
    instructions: str = Field(min_length=1, max_length=10_000, description="What the reviewer should mind there.")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _plain_amount(amount: Decimal) -> Decimal:
    """Refuse a number with so many places that writing it out would fill the memory."""
    if (amount and amount.adjusted() < -_MOST_PLACES) or len(amount.as_tuple().digits) > _MOST_PLACES * 2:
        raise ValueError(f"a number of dollars has at most {_MOST_PLACES} decimal places")
    return amount


def _as_rules(value: Any) -> Any:
    """Accept `{pattern: text}` as well as `[{path: pattern, instructions: text}]`."""
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return [{"path": pattern, "instructions": text} for pattern, text in value.items()]
    return value


Patterns = Annotated[
    tuple[Pattern, ...],
    Field(max_length=MAX_PATTERNS),
    BeforeValidator(_as_list, json_schema_input_type=tuple[str, ...] | str),
]
Rules = Annotated[
    tuple[PathInstructions, ...],
    Field(max_length=MAX_PATTERNS),
    BeforeValidator(_as_rules, json_schema_input_type=tuple[PathInstructions, ...] | dict[str, str]),
]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000), AfterValidator(_plain_amount)]


class ReviewSettings(_Section):
    """When a review is made, of which files, and how much is posted."""

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
    instructions: str = Field(default="", max_length=10_000, description="Instructions for all files.")
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


#: The settings of a repository without a settings file.
DEFAULTS = Settings.model_construct()


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing wrong with a settings file; `line` is 1-based, `key` is dotted, empty for the file as a whole."""

    key: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return the problem as text for a person."""
        return f"{SETTINGS_PATH}:{self.line}: {f'`{self.key}`: ' if self.key else ''}{self.message}"


def parse_settings(text: str) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Return the settings in that YAML text and what is wrong with it. Never raises for bad text."""
    if not text.strip():
        return DEFAULTS, ()
    if len(text.encode("utf-8", "replace")) > MAX_SETTINGS_BYTES:
        return DEFAULTS, (SettingsProblem("", 1, f"larger than {MAX_SETTINGS_BYTES:,} bytes; the defaults hold"),)
    read = read_yaml(text)
    problems = [_problem(problem.path, problem.line, problem.message) for problem in read.problems]
    if read.value is None:
        return DEFAULTS, _shown(problems)
    if not isinstance(read.value, dict):
        return DEFAULTS, (SettingsProblem("", 1, "must be a mapping with `review:`, `tests:` or `budget:`"),)
    return _validated(read, problems)


def _validated(read: YamlText, problems: list[SettingsProblem]) -> tuple[Settings, tuple[SettingsProblem, ...]]:
    """Validate, dropping each value that is wrong, until what is left is right."""
    data = {
        str(key): {} if value is None and key in Settings.model_fields else _by_name(value)
        for key, value in read.value.items()
    }
    while True:
        try:
            return Settings.model_validate(data), _shown(problems)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False, include_input=False):
                path = tuple(str(part) for part in one["loc"][:2])
                if _drop(data, path):
                    problems.append(_problem(path, read.line(path), _words(one, path)))


def _by_name(section: Any) -> Any:
    """Return the section with its keys as words: YAML reads some as numbers or dates."""
    return {str(key): value for key, value in section.items()} if isinstance(section, dict) else section


def _problem(path: tuple[str, ...], line: int, message: str) -> SettingsProblem:
    return SettingsProblem(".".join(path)[:_LONGEST_KEY], line, message[:_LONGEST_MESSAGE])


def _shown(problems: list[SettingsProblem]) -> tuple[SettingsProblem, ...]:
    """Return the problems in the order of the file: of very many, the first, and how many more there are."""
    ordered = sorted(problems, key=lambda problem: problem.line)
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    more = len(ordered) - MAX_PROBLEMS
    return (*ordered[:MAX_PROBLEMS], SettingsProblem("", ordered[MAX_PROBLEMS].line, f"and {more:,} more problems"))


def _drop(data: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Remove the value at that path; False when it is gone already (several errors in one value)."""
    parent = data
    for part in path[:-1]:
        parent = parent.get(part, {})
        if not isinstance(parent, dict):
            return False
    return parent.pop(path[-1], _GONE) is not _GONE


def _words(error: Any, path: tuple[str, ...]) -> str:
    """Return a message: what is wrong, what is accepted, and that the default is used."""
    if error["type"] == "extra_forbidden":
        section = Settings.model_fields.get(path[0]) if len(path) > 1 else None
        known = section.annotation.model_fields if section and section.annotation else Settings.model_fields
        return f"unknown key; known here are {', '.join(known)}"
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][2:])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{f'at `{where}`: ' if where else ''}{message[:1].lower()}{message[1:]}; the default holds"


def settings_schema() -> dict[str, Any]:
    """Return the JSON schema of the settings file, for editors."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SETTINGS_PATH}
