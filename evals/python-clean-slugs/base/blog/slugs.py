"""Slugs: the readable part of a post's address."""

from __future__ import annotations

import re
import sqlite3
import unicodedata

MAX_LENGTH = 60


def slugify(title: str) -> str:
    """Return the title in lower-case ASCII letters, digits and dashes; `post` where nothing is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].rstrip("-")
    return slug or "post"


def unique_slug(connection: sqlite3.Connection, title: str) -> str:
    """Return a slug that no post has: the plain one, or with the lowest free number behind it.

    Must be called inside the transaction that inserts the post; the column is UNIQUE beside.
    """
    slug = slugify(title)
    candidate, number = slug, 1
    while connection.execute("SELECT 1 FROM posts WHERE slug = ?", (candidate,)).fetchone():
        number += 1
        candidate = f"{slug}-{number}"
    return candidate
