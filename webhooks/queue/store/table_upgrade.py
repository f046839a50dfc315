"""Bring a table of an older version up to date, so that the older version can still use it beside the newer one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def add_newer(connection: sa.Connection, table: sa.Table, *columns: sa.Column[Any]) -> None:
    """Add those of the columns, which may be null, and those indexes of the table that it lacks in this database."""
    present = sa.inspect(connection)
    names = {column["name"] for column in present.get_columns(table.name)}
    for column in columns:
        if column.name not in names:
            kind = column.type.compile(connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
    indexes = {index["name"] for index in present.get_indexes(table.name)}
    for index in table.indexes:
        if index.name not in indexes:
            index.create(connection)
