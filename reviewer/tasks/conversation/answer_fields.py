"""Read single fields of a model's JSON in the ways in which models spell them: words, numbers, texts. Pure.

Each function is a validator for pydantic: it returns what the field means, or a value that does not fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from reviewer.domain.severity import Severity

#: Other words that models use for the three severities and the six categories; some translate them with the rest.
_SEVERITIES = {
    "critical": "error", "blocker": "error", "blocking": "error", "high": "error", "major": "error", "fatal": "error",
    "severe": "error", "p0": "error", "p1": "error", "严重": "error", "致命": "error", "错误": "error", "高": "error",
    "medium": "warning", "moderate": "warning", "warn": "warning", "p2": "warning", "警告": "warning", "中": "warning",
    "low": "info", "minor": "info", "note": "info", "notice": "info", "nit": "info", "suggestion": "info",
    "nitpick": "info", "cosmetic": "info", "optional": "info", "important": "warning",
    "s1": "error", "sev1": "error", "s2": "warning", "sev2": "warning", "s3": "info", "sev3": "info",
    "trivial": "info", "p3": "info", "p4": "info", "提示": "info", "建议": "info", "低": "info",
}  # fmt: skip
_CATEGORIES = {
    "correctness": "bug", "logic": "bug", "error": "bug", "defect": "bug", "concurrency": "bug", "reliability": "bug",
    "resource": "bug", "compatibility": "bug", "api": "bug", "data": "bug", "race": "bug", "leak": "bug",
    "crash": "bug", "robustness": "bug", "validation": "bug", "regression": "bug", "accessibility": "bug",
    "vulnerability": "security", "injection": "security", "perf": "performance", "efficiency": "performance",
    "refactor": "refactoring", "simplification": "refactoring",
    "style": "maintainability", "readability": "maintainability", "documentation": "maintainability",
    "duplication": "maintainability", "complexity": "maintainability", "naming": "maintainability",
    "docs": "maintainability", "doc": "maintainability", "comment": "maintainability", "quality": "maintainability",
    "practice": "maintainability", "practices": "maintainability", "nit": "maintainability", "typo": "maintainability",
    "formatting": "maintainability", "clarity": "maintainability", "configuration": "maintainability",
    "tests": "test", "testing": "test",
}  # fmt: skip
_SEVERITIES |= {word.value: word.value for word in Severity}
_CATEGORIES |= {word: word for word in ("bug", "security", "performance", "refactoring", "maintainability", "test")}

_VERDICTS = {
    "confirmed": "confirmed", "confirm": "confirmed", "valid": "confirmed", "true": "confirmed", "确认": "confirmed",
    "refuted": "refuted", "refute": "refuted", "rejected": "refuted", "invalid": "refuted", "false": "refuted",
    "驳回": "refuted", "uncertain": "uncertain", "unclear": "uncertain", "不确定": "uncertain",
}  # fmt: skip

#: Names that models give to the fields of a finding when they forget which ones were asked for.
_NAMES = {
    "file": "path", "filename": "path", "file_path": "path", "filePath": "path", "relevant_file": "path",
    "line_number": "line", "end_line": "line", "lineNumber": "line", "endLine": "line", "lines": "line",
    "code": "quote", "snippet": "quote", "code_snippet": "quote", "existing_code": "quote", "quoted_code": "quote",
    "description": "body", "message": "body", "explanation": "body", "details": "body", "comment": "body",
    "suggested_code": "suggestion", "improved_code": "suggestion", "replacement": "suggestion",
    "suggested_change": "suggestion", "issue": "title", "headline": "title", "type": "category",
    "level": "severity", "priority": "severity",
}  # fmt: skip

#: A word of a phrase such as `High (security)` or `error_handling`.
_PART = re.compile(r"[^\W_]+")
_LONGEST_PHRASE, _MOST_PARTS = 60, 5
_NEGATIONS = frozenset({"not", "non", "no", "partially", "partly", "likely", "probably", "maybe", "possibly"})

#: No line or claim has such a number; infinity, which JSON may spell `1e999`, is no number at all.
_LARGEST = 10**9

#: What models write where they have no replacement, instead of null.
_NO_REPLACEMENT = frozenset({
    "null", "none", "nil", "undefined", "n/a", "na", "not applicable", "no suggestion", "no replacement", "no change",
    "no changes", "no change needed", "no changes needed", "none needed", "unchanged", "same", "same as above",
    "see above", "as is", "removed", "deleted", "delete", "todo", "tbd", "无", "无需修改",
})  # fmt: skip
_WRAPPINGS = ("()", "[]", "<>")


def named_as_asked(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding with the names of fields that were asked for; what is there under its own name stays."""
    meant = {_NAMES[key]: value for key, value in reversed(list(item.items())) if key in _NAMES}
    return meant | {key: value for key, value in item.items() if key not in _NAMES}


def severity_word(value: Any) -> Any:
    """Return the severity that a word or a short phrase means; the value itself where none is known in it."""
    return _meant(value, _SEVERITIES)


def category_word(value: Any) -> Any:
    """Return the category that a word or a short phrase means; the value itself where none is known in it."""
    return _meant(value, _CATEGORIES)


def severity_or_none(value: Any) -> Any:
    """Treat an unknown severity as a missing one: the field is optional."""
    word = severity_word(value)
    return word if isinstance(word, str) and word in set(Severity) else None


def verdict_word(value: Any) -> Any:
    """Return the verdict that a word, two words or a truth value mean; what is said with reserve stays as it is."""
    if isinstance(value, bool):
        return "confirmed" if value else "refuted"
    meant = _meant(value, _VERDICTS, most=2)
    return value.strip().lower() if isinstance(value, str) and meant not in _VERDICTS.values() else meant


def number_or_none(value: Any) -> Any:
    """Accept `"12"`, `12.0` and `"10-12"` (its last number) as 12; anything else means no number."""
    if isinstance(value, str):
        digits = re.findall(r"\d+", value[-100:])
        value = int(digits[-1]) if digits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST < value < _LARGEST:
        return None
    return int(value)


def joined_text(value: Any) -> Any:
    """Accept a list of lines as a text, and null as an empty text."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return "" if value is None else value


def text_or_none(value: Any) -> Any:
    """Accept a text or a list of lines; anything else means no text."""
    value = joined_text(value)
    return value if isinstance(value, str) else None


def replacement(value: Any) -> Any:
    """Accept a list of lines as a replacement; words that stand for none, such as `"null"` or `N/A`, mean none.

    An empty text stays one: it deletes lines.
    """
    if value is None or (isinstance(value, str) and _stands_for_none(value)):
        return None
    return joined_text(value)


def _stands_for_none(text: str) -> bool:
    bare = text.strip()
    if not bare or len(bare) > _LONGEST_PHRASE:
        return False
    if set(bare) <= set("\"'`") or bare in ("-", "...", "\u2026"):
        return True
    bare = bare.strip("\"'`*_. ")
    if f"{bare[:1]}{bare[-1:]}" in _WRAPPINGS:
        bare = bare[1:-1].strip()
    return bare.casefold() in _NO_REPLACEMENT


def _meant(value: Any, words: Mapping[str, str], most: int = _MOST_PARTS) -> Any:
    """Return what the first known word of a short phrase means; the value where none is known, or it is denied."""
    if not isinstance(value, str) or len(value) > _LONGEST_PHRASE:
        return value
    parts = _PART.findall(unicodedata.normalize("NFKC", value).lower())
    if not parts or len(parts) > most or _NEGATIONS.intersection(parts):
        return value
    return next((words[part] for part in parts if part in words), value)
