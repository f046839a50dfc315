"""`/config`: the settings in force and where each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from reviewer.domain.findings import Preference
from reviewer.domain.settings_layers import DEFAULT, settings_in_force
from reviewer.safety.code_blocks import code_span
from reviewer.safety.markdown import neutralise
from reviewer.safety.redaction import redact
from reviewer.safety.shortening import shorten
from webhooks.events.job import Job
from webhooks.github.types import Pull
from webhooks.handling.base_files import read_base
from webhooks.handling.job_context import JobContext
from webhooks.handling.job_outcome import JobOutcome
from webhooks.publishing.people.learning.learn import learned_preferences
from webhooks.publishing.text import count_noun, fold

#: Characters of one value that are shown.
_LONGEST_VALUE = 300

#: Preferences that are listed.
_MOST_LEARNED = 30


def handle(job: Job, context: JobContext, pull: Pull) -> JobOutcome:
    """Answer with what the settings files set, and where; what is wrong; all defaults; and what was learned."""
    del job
    base = read_base(context.repository, pull, ())
    own: list[str] = []
    defaults: list[str] = []
    for setting in settings_in_force(base.settings, base.layers):
        row = f"| {code_span(setting.key)} | {code_span(shown_value(setting.value))} |"
        if setting.origin == DEFAULT:
            defaults.append(row)
        else:
            own.append(f"{row} {code_span(shorten(setting.origin, _LONGEST_VALUE))} |")
    parts = [f"The settings in force here, as they stand on {code_span(shorten(base.revision, _LONGEST_VALUE))}:"]
    if own:
        parts.append("\n".join(["| setting | value | from |", "|---|---|---|", *own]))
    else:
        parts.append("No settings file sets anything: all defaults hold. `.github/reviewer.yml` would be the place.")
    parts += [f"⚠️ {neutralise(str(problem))}" for problem in base.problems]
    parts.append(fold(f"{len(defaults)} defaults", "\n".join(["| setting | value |", "|---|---|", *defaults])))
    if learned := learned_preferences(context.memory, base.settings):
        parts.append(fold(f"{count_noun(len(learned), 'preference')} learned from dismissals", _learned(learned)))
    return JobOutcome.answered(pull.head_sha, "\n\n".join(parts))


def _learned(preferences: Sequence[Preference]) -> str:
    """Return what was learned, each with where and from whom, and how to be rid of it."""
    rows = []
    for preference in preferences[:_MOST_LEARNED]:
        where = f"[{count_noun(preference.count, 'dismissal')}]({preference.url})"
        rows.append(f"- {neutralise(preference.sentence())} ({where}, by {code_span(preference.by)})")
    if len(preferences) > _MOST_LEARNED:
        rows.append(f"- and {len(preferences) - _MOST_LEARNED} more")
    ways = "`review.learn: false` turns this off. The App's page `/learned` lets who administers it forget each."
    return "\n".join([*rows, "", ways])


def shown_value(value: Any) -> str:
    """Return a value in a line, without secrets."""
    if isinstance(value, tuple):
        text = ", ".join(shown_value(item) for item in value) or "none"
    elif isinstance(value, BaseModel):
        text = ": ".join(str(getattr(value, key)) for key in type(value).model_fields)
    elif value is None:
        text = "none"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return shorten(" ".join(redact(text)[0].split()) or "empty", _LONGEST_VALUE).replace("|", "/")
