"""The default world: an organization's shop, its people, and one open pull request with every kind of file."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from tests.fakes.github.model.git import Entry, GitRepository
from tests.fakes.github.world import World

CART = '''"""A shopping cart."""

from src.money import cents, format_price


class Cart:
    """Items and how many of each."""

    def __init__(self):
        self.items = {}

    def add(self, sku, price, quantity=1):
        """Put an item into the cart."""
        if quantity < 1:
            raise ValueError("quantity must be positive")
        _, held = self.items.get(sku, (price, 0))
        self.items[sku] = (price, held + quantity)

    def remove(self, sku):
        """Take an item out of the cart."""
        self.items.pop(sku, None)

    def count(self):
        """Return how many pieces there are."""
        return sum(quantity for _, quantity in self.items.values())

    def total(self):
        """Return the price of everything, in cents."""
        return sum(cents(price) * quantity for price, quantity in self.items.values())

    def describe(self):
        """Return a line for each item."""
        lines = []
        for sku, (price, quantity) in sorted(self.items.items()):
            lines.append(f"{quantity} x {sku}: {format_price(cents(price) * quantity)}")
        return "\\n".join(lines)
'''

CART_AFTER = (
    CART.replace(
        "from src.money import cents, format_price\n",
        "from src.discounts import discount_for\nfrom src.prices import cents, format_price\n",
    )
    .replace(
        '        """Take an item out of the cart."""\n        self.items.pop(sku, None)\n',
        '        """Take an item out of the cart."""\n        del self.items[sku]\n',
    )
    .replace(
        '    def total(self):\n        """Return the price of everything, in cents."""\n'
        "        return sum(cents(price) * quantity for price, quantity in self.items.values())\n",
        '    def total(self, code=None):\n        """Return the price of everything, in cents."""\n'
        "        full = sum(cents(price) * quantity for price, quantity in self.items.values())\n"
        "        return full - full * discount_for(code, len(self.items)) / 100\n",
    )
)

MONEY = '''"""Prices as whole cents."""

from decimal import Decimal


def cents(price):
    """Return a price such as "12.50" in cents."""
    return int(Decimal(str(price)) * 100)


def format_price(amount):
    """Return cents as a price, "12.50"."""
    return f"{amount // 100}.{amount % 100:02d}"


def parse_price(text):
    """Return the cents of "12.50 EUR"."""
    number, _, currency = text.partition(" ")
    if currency not in ("", "EUR"):
        raise ValueError(f"unknown currency {currency}")
    return cents(number)
'''

PRICES = MONEY.replace('    return f"{amount // 100}.{amount % 100:02d}"', '    return f"{amount / 100:.2f}"')

DISCOUNTS = '''"""Discount codes."""

CODES = {"WELCOME": 10, "SUMMER": 25}


def discount_for(code, pieces, used=[]):
    """Return the discount in percent."""
    if code in used:
        return 0
    used.append(code)
    percent = CODES.get(code, 0)
    if pieces > 10:
        percent += 5
    return percent


def per_piece(total, pieces):
    """Return the average price of a piece."""
    return total / pieces
'''

TESTS = """from src.cart import Cart


def test_total():
    cart = Cart()
    cart.add("tea", "3.20", 2)
    assert cart.total() == 640
"""

TESTS_AFTER = (
    TESTS
    + """

def test_discount():
    cart = Cart()
    cart.add("tea", "10.00")
    assert cart.total("WELCOME") == 900
"""
)

BASE: dict[str, bytes | str | Entry | None] = {
    "README.md": "# Shop\n\nA small shop.\n",
    "AGENTS.md": "Amounts of money are whole cents, never floats.\n",
    "assets/logo.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
    "docs/legacy.md": "# Legacy\n\nNobody reads this.\nIt is old.\n",
    "src/__init__.py": "",
    "src/cart.py": CART,
    "src/money.py": MONEY,
    "tests/test_cart.py": TESTS,
}

#: modified (two hunks), added, removed, renamed with a change, binary, and a test.
CHANGES = {
    "assets/logo.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02",
    "docs/legacy.md": None,
    "src/cart.py": CART_AFTER,
    "src/discounts.py": DISCOUNTS,
    "src/money.py": None,
    "src/prices.py": PRICES,
    "tests/test_cart.py": TESTS_AFTER,
}

PEOPLE = {
    "octocat": "admin",
    "mona": "maintain",
    "alice": "write",
    "trixie": "triage",
    "rita": "read",
}


def default_world(
    directory: Path | None = None,
    *,
    private: bool = False,
    prefix: str = "",
    port: int = 0,
    strict: bool = True,
) -> World:
    """Return a started world: `octo-org/shop`, the App installed on it, and pull request 1 by alice, open.

    `stan` has an account and no role. Deliveries are made, not sent: set `hook.url` and `hook.automatic`, or post them.
    """
    world = World(directory, prefix=prefix, port=port, strict=strict).start()
    repo = world.create_repository("octo-org/shop", _shop(), private=private, permissions=PEOPLE)
    world.user("stan")
    world.install("octo-org")
    body = "Customers can enter a code at the checkout."
    world.opened = world.open_pull(repo, "discounts", title="Add discount codes", body=body, by="alice")
    return world


@functools.cache
def _shop() -> GitRepository:
    """Return the shop's repository with its two commits, from which each world's is copied."""
    folder = tempfile.mkdtemp(prefix="fake-github-shop-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    world = World(Path(folder))
    repo = world.create_repository("octo-org/shop", BASE)
    base = repo.head()
    head = repo.commit(CHANGES, "Add discount codes", branch="discounts", author="alice")
    # What every review asks for is remembered, and copied too.
    for sha in (base, head):
        repo.git.commit_info(sha)
        repo.git.resolve(sha, "tree")
        repo.git.at(sha, "src")
    repo.git.between(base, head)
    repo.git.diff(base, head)
    repo.git.raw(base, head)
    repo.git.merge_base(base, head)
    repo.git.merge_tree(base, head)
    for entry in (*repo.git.tree(base, recursive=True), *repo.git.tree(head, recursive=True)):
        if entry.kind == "blob":
            repo.git.blob(entry.sha)
    return repo.git
