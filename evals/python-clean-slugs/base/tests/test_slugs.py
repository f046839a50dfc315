from __future__ import annotations

import sqlite3

import pytest

from blog.slugs import slugify, unique_slug


@pytest.fixture
def connection() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE posts (slug TEXT UNIQUE NOT NULL)")
    return made


def add(connection: sqlite3.Connection, *slugs: str) -> None:
    connection.executemany("INSERT INTO posts VALUES (?)", [(slug,) for slug in slugs])


def test_slugify() -> None:
    assert slugify("Caf\u00e9 & Bar!") == "cafe-bar"
    assert slugify("???") == "post"


def test_the_plain_slug_is_taken_first(connection: sqlite3.Connection) -> None:
    assert unique_slug(connection, "Hello") == "hello"


def test_the_lowest_free_number_is_taken(connection: sqlite3.Connection) -> None:
    add(connection, "hello", "hello-2", "hello-4")
    assert unique_slug(connection, "Hello") == "hello-3"
