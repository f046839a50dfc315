"""Compute identities of findings and of code, to recognise them in a later review. They hold no line numbers. Pure."""

from __future__ import annotations

import hashlib
import re

from reviewer.domain.findings import Category


def fingerprint(path: str, category: Category, quote: str, title: str) -> str:
    """Return the identity of a finding, 16 hex digits. It holds no line numbers, so it survives a rebase."""
    words = re.sub(r"\W+", " ", title.lower()).strip()
    return _digest(path, category.value, _bare(quote), words)


def place_digest(path: str, quote: str) -> str:
    """Return the identity of the code a finding is about, 16 hex digits, however the finding is worded."""
    return _digest(path, _bare(quote))


def code_identity(code: str) -> str:
    """Return the identity of code at any place, 12 hex digits; white space does not count."""
    return _digest(_bare(code))[:12]


def _bare(code: str) -> str:
    return re.sub(r"\s+", " ", code).strip()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
