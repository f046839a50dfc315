"""Orders, and where they are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    product: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Order:
    id: int
    placed_at: datetime
    lines: tuple[Line, ...]


class OrderStore:
    """Orders in SQLite. Instants are stored as ISO text in UTC, which sorts as the instants do."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def placed_between(self, shop_id: int, start: datetime, end: datetime) -> Iterator[Order]:
        """Yield the orders with start <= placed_at < end, oldest first. Both instants are aware and in UTC."""
        rows = self._connection.execute(
            "SELECT id, placed_at FROM orders WHERE shop_id = ? AND placed_at >= ? AND placed_at < ? ORDER BY placed_at",
            (shop_id, start.isoformat(), end.isoformat()),
        ).fetchall()
        for id_, placed_at in rows:
            yield Order(id_, datetime.fromisoformat(placed_at), self._lines(id_))

    def _lines(self, order_id: int) -> tuple[Line, ...]:
        rows = self._connection.execute(
            "SELECT product, quantity, price FROM order_lines WHERE order_id = ? ORDER BY position", (order_id,)
        )
        return tuple(Line(product, quantity, Decimal(price)) for product, quantity, price in rows)
