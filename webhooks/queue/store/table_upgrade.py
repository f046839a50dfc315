"""Bring a table of an older version up to date, so that the older version can still use it beside the newer one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

#: Key in the `info` of a column that stores of older versions lack; it may be null.
ADDED_LATER = "added later"


def add_newer(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Add those later columns, and those indexes of their tables, that this database lacks."""
    for table in metadata.sorted_tables:
        if columns := [column for column in table.columns if ADDED_LATER in column.info]:
            _add(connection, table, columns)


def _add(connection: sa.Connection, table: sa.Table, columns: Sequence[sa.Column[Any]]) -> None:
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
