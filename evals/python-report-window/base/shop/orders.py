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

    def all_of(self, shop_id: int) -> Iterator[Order]:
        """Yield a shop's orders, oldest first."""
        rows = self._connection.execute(
            "SELECT id, placed_at FROM orders WHERE shop_id = ? ORDER BY placed_at", (shop_id,)
        ).fetchall()
        for id_, placed_at in rows:
            yield Order(id_, datetime.fromisoformat(placed_at), self._lines(id_))

    def _lines(self, order_id: int) -> tuple[Line, ...]:
        rows = self._connection.execute(
            "SELECT product, quantity, price FROM order_lines WHERE order_id = ? ORDER BY position", (order_id,)
        )
        return tuple(Line(product, quantity, Decimal(price)) for product, quantity, price in rows)
