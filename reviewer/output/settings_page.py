"""The table of settings for the documentation, made from the classes. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

from reviewer.domain.settings import DEFAULTS, Settings

#: Between these lines of docs/settings.md stands the table; `make schema` writes it.
BEGIN, END = "<!-- settings: begin, written by `make schema` -->", "<!-- settings: end -->"


def settings_table() -> str:
    """Return one row for each setting: its key, what it means, and its default."""
    rows = ["| key | meaning | default |", "|---|---|---|"]
    for name in Settings.model_fields:
        section = getattr(DEFAULTS, name)
        for key, field in type(section).model_fields.items():
            meaning = (field.description or "").removesuffix(".")
            rows.append(f"| `{name}.{key}` | {meaning} | {_shown(getattr(section, key))} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """Return the page with the table as the classes have it now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{settings_table()}\n\n{END}{after}"


def _shown(value: Any) -> str:
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value.normalize() if isinstance(value, Decimal) else value}`"
