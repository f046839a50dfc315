"""The daily report: what a shop sold on one day of its own calendar."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from shop.orders import OrderStore


@dataclass(frozen=True)
class Shop:
    """A shop. `zone` is the IANA name of the time zone that its days are counted in."""

    id: int
    name: str
    zone: str


@dataclass(frozen=True)
class DailyReport:
    """Sales of one shop on one day, in the shop's currency."""

    shop: Shop
    day: date
    orders: int
    revenue: Decimal
    by_product: dict[str, Decimal]

    @property
    def average(self) -> Decimal:
        """Return the mean value of an order, zero on a day without orders."""
        if not self.orders:
            return Decimal(0)
        return (self.revenue / self.orders).quantize(Decimal("0.01"))


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the day and that of the next one, in UTC."""
    start = datetime.combine(day, time.min, tzinfo=UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
    return start, end


def daily_report(shop: Shop, store: OrderStore, day: date) -> DailyReport:
    """Sum up the orders that were placed on the shop's day."""
    start, end = day_bounds(day, shop.zone)
    by_product: dict[str, Decimal] = defaultdict(Decimal)
    count = 0
    for order in store.placed_between(shop.id, start, end):
        count += 1
        for line in order.lines:
            by_product[line.product] += line.price * line.quantity
    return DailyReport(shop, day, count, sum(by_product.values(), Decimal(0)), dict(by_product))


def yesterday(shop: Shop, now: datetime) -> date:
    """Return the shop's previous day, seen from an aware instant."""
    return now.astimezone(ZoneInfo(shop.zone)).date() - timedelta(days=1)


def mail_text(report: DailyReport) -> str:
    """Return the report as the lines of a mail, the best product first."""
    rows = sorted(report.by_product.items(), key=lambda row: (-row[1], row[0]))
    head = f"{report.shop.name}, {report.day:%A %d %B %Y}: {report.orders} orders, {report.revenue:.2f}"
    return "\n".join([head, "", *(f"{revenue:>10.2f}  {product}" for product, revenue in rows)])
