"""The sections of the settings file as frozen values: what may stand there, what holds without it. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from reviewer.domain.path_patterns import checked_pattern
from reviewer.domain.settings_parts.entries import MAX_PATTERN, MAX_PATTERNS, separate_texts
from reviewer.domain.severity import Confidence, DemonstrateLevel, FailLevel, Severity

#: Decimal places of an amount in dollars.
_MOST_PLACES = 12


class SettingsSection(BaseModel):
    """A section of the settings file."""

    # Built at the first validation, which a repository without settings never needs (see `DEFAULTS`).
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


Pattern = Annotated[str, Field(max_length=MAX_PATTERN), AfterValidator(checked_pattern)]


class PathInstructions(SettingsSection):
    """Extra instructions for the files that match a pattern (as in .gitignore)."""

    path: Pattern = Field(min_length=1, description="Pattern as in .gitignore, for example `src/api/**`.")
    instructions: str = Field(min_length=1, max_length=10_000, description="What the reviewer should mind there.")


def _one_line(text: str) -> str:
    """Refuse a line break: the text stands within a line of prompts, and must not begin another one there."""
    if len(text.splitlines()) > 1:
        raise ValueError("it must stand on one line")
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_words(value: Any) -> Any:
    return separate_texts(value) if isinstance(value, str) else value


def _plain_amount(amount: Decimal) -> Decimal:
    """Refuse a number with so many places that writing it out would fill the memory."""
    if (amount and amount.adjusted() < -_MOST_PLACES) or len(amount.as_tuple().digits) > _MOST_PLACES * 2:
        raise ValueError(f"a number of dollars has at most {_MOST_PLACES} decimal places")
    return amount


def _as_switch(value: Any) -> Any:
    """YAML reads `on` and `off` as true and false."""
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


Switch = Annotated[Literal["on", "read-only", "off"], BeforeValidator(_as_switch)]

Patterns = Annotated[
    tuple[Pattern, ...],
    Field(max_length=MAX_PATTERNS),
    BeforeValidator(_as_list, json_schema_input_type=tuple[str, ...] | str),
]
Rules = Annotated[
    tuple[PathInstructions, ...],
    Field(max_length=MAX_PATTERNS),
    # A mapping from pattern to text is a list of rules when it comes here: see `usable_rules`.
    BeforeValidator(_as_list, json_schema_input_type=tuple[PathInstructions, ...] | dict[str, str]),
]
Words = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)], ...],
    Field(max_length=50),
    BeforeValidator(_as_words, json_schema_input_type=tuple[str, ...] | str),
]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000), AfterValidator(_plain_amount)]


class ReviewSettings(SettingsSection):
    """When a review is made, of which files, and how much is posted."""

    auto: bool = Field(default=True, description="Review a pull request when it is opened and on every push.")
    drafts: bool = Field(default=False, description="Review drafts too.")
    bots: bool = Field(default=True, description="Review pull requests opened by bots too.")
    labels: Words = Field(
        default=(),
        description="Review without being asked only pull requests with one of these labels; `!label`: none with it.",
    )
    skip_title: Words = Field(
        default=(), description="Do not review without being asked where the title holds one of these words."
    )
    generated: bool = Field(default=False, description="Review generated and vendored files too.")
    include: Patterns = Field(default=(), description="Review only files that match one of these patterns.")
    exclude: Patterns = Field(default=(), description="Never review files that match one of these patterns.")
    severity: Severity = Field(default=Severity.INFO, description="Lowest severity posted as an inline comment.")
    confidence: Confidence = Field(
        default=Confidence.MEDIUM, description="Lowest confidence posted as an inline comment."
    )
    max_comments: int = Field(
        default=5, ge=0, le=40, description="Most inline comments of one review; the rest is listed."
    )
    max_refactorings: int = Field(default=2, ge=0, le=20, description="Most refactoring suggestions of one review.")
    fail_level: FailLevel = Field(default=FailLevel.NEVER, description="Lowest severity that fails the check run.")
    author_may_dismiss: bool = Field(
        default=False, description="Let the author dismiss findings without write access, so that the check passes."
    )
    wait_for_checks: int = Field(
        default=0, ge=0, le=3600, description="Seconds to wait for other checks of the head before a review; 0: none."
    )
    ask: Literal["write", "read"] = Field(
        default="write", description="Who may use /ask: who may write, or everybody who can read the repository."
    )
    replies: Switch = Field(
        default="on",
        description="Answer in the threads of findings: on, read-only (answers change nothing), or off.",
    )
    learn: bool = Field(
        default=True,
        description="Learn from findings that people with write access dismiss: do not show such ones again.",
    )
    language: Annotated[str, AfterValidator(_one_line)] = Field(
        default="English", min_length=2, max_length=40, description="Language of what is posted."
    )
    instructions: str = Field(default="", max_length=10_000, description="Instructions for all files.")
    path_instructions: Rules = Field(default=(), description="Instructions for the files that match a pattern.")


class DescribeSettings(SettingsSection):
    """What `/describe` does."""

    place: Literal["reply", "description"] = Field(
        default="reply", description="Where the text goes: a reply, or the pull request's description, between marks."
    )
    labels: Words = Field(
        default=(), description="Labels of which /describe adds those that fit the change, three at most."
    )


class TestsSettings(SettingsSection):
    """Suggested unit tests."""

    __test__ = False

    suggest: bool = Field(default=True, description="Suggest unit tests, as text, with each review.")
    auto: bool = Field(default=False, description="Run suggested tests without being asked (Action only).")
    demonstrate: DemonstrateLevel = Field(
        default=DemonstrateLevel.ERROR, description="Show findings from this severity on by a test that fails (Action)."
    )
    command: str | None = Field(default=None, max_length=1000, description="Command that runs the repository's tests.")
    setup: str | None = Field(default=None, max_length=1000, description="Command that prepares the tests.")


class BudgetSettings(SettingsSection):
    """Ceilings in US dollars; null means none. A model whose price is unknown cannot be held to them."""

    per_review_usd: Dollars | None = Field(default=Decimal(2), description="Most that one review may cost.")
    per_pull_usd: Dollars | None = Field(
        default=None, description="Most that all reviews of one pull request may cost."
    )
    per_month_usd: Dollars | None = Field(
        default=None, description="Most that a repository may cost in a calendar month."
    )
