"""What a hostile clone hides."""

from __future__ import annotations

SECRET = "the-word-that-nobody-may-read"
