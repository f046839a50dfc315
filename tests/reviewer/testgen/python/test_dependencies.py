"""What a test's author is shown beside the function: its class and what it uses, by Python's rules for imports."""

from __future__ import annotations

from reviewer.testgen.evidence import CodeUnit
from reviewer.testgen.python.dependencies import DefinitionLookup, used_by

FILES = {
    "src/shop/__init__.py": "from .money import Price\nfrom . import tax as taxes\n",
    "src/shop/money.py": "class Price:\n    cents: int\n\n    def __init__(self, cents):\n"
                         "        self.cents = cents\n\n    def doubled(self):\n        return Price(self.cents * 2)\n",
    "src/shop/tax.py": 'RATE = 19\n\n\ndef of(price):\n    """Return the tax in a price."""\n'
                       + "".join(f"    price += {n}\n" for n in range(20)) + "    return price\n",
    "src/shop/broken.py": "def nothing(:\n",
}  # fmt: skip
CART = '''from __future__ import annotations

import os.path
from shop import Price
from . import tax
from .broken import nothing

LIMIT = 3


class Cart:
    """Some goods."""

    owner: str = "me"

    def __init__(self, goods):
        self.goods = goods

    @property
    def empty(self):
        """Whether there is nothing in it."""
        return not self.goods

    def total(self, prices: Price) -> Price:
        goods = self.goods[:LIMIT]
        paid = Price(sum(prices[one] for one in goods))
        nothing()
        return tax.of(paid.cents), os.path.sep, helper(paid)


def helper(paid):
    return paid
'''


def unit(name: str, text: str = CART, path: str = "src/shop/cart.py") -> CodeUnit:
    """Return the unit of that name in the text."""
    rows = text.split("\n")
    first = next(number for number, row in enumerate(rows, 1) if f"def {name}(" in row)
    depth = len(rows[first - 1]) - len(rows[first - 1].lstrip())
    last = first
    while last < len(rows) and (not rows[last].strip() or len(rows[last]) - len(rows[last].lstrip()) > depth):
        last += 1
    while not rows[last - 1].strip():
        last -= 1
    return CodeUnit(path, name, first, last, (first,), text, frozenset({first + 1}))


def used(name: str) -> str:
    """Return what is shown for the unit."""
    return used_by(unit(name), DefinitionLookup(FILES.get, ("src",)))


def test_the_class_is_shown_with_its_maker_and_without_bodies() -> None:
    """Fields and `__init__` whole, other methods by their heads, the unit itself not again."""
    own = used("total").split("\n\n# ")[0]
    assert own.startswith("# src/shop/cart.py:11\nclass Cart:\n")
    assert '    owner: str = "me"' in own
    assert "        self.goods = goods" in own
    assert '    @property\n    def empty(self):\n        """Whether there is nothing in it."""' in own
    assert "return not" not in own
    assert "def total" not in own


def test_names_are_followed_through_imports() -> None:
    """A constant and a function of the file, a class that a package hands on, a function of an imported module."""
    text = used("total")
    assert "# src/shop/cart.py:8\nLIMIT = 3" in text
    assert "# src/shop/money.py:1\nclass Price:\n    cents: int" in text
    assert '# src/shop/tax.py:4\ndef of(price):\n    """Return the tax in a price."""' in text
    assert "price += 3" not in text
    assert "# src/shop/cart.py:31\ndef helper(paid):" in text
    assert text.index("LIMIT = 3") < text.index("class Price")
    assert "broken.py" not in text
    assert text.count("\n\n# ") == 4


def test_what_uses_nothing_and_what_cannot_be_read_have_nothing() -> None:
    """An empty text, for a function of plain Python and for a file that is no Python."""
    assert used("helper") == ""
    assert used_by(unit("f", "def f(:\n    x\n"), DefinitionLookup(FILES.get, ("src",))) == ""


def test_imports_in_a_circle_end() -> None:
    """Two modules that take a name from each other give nothing, and no endless search."""
    files = {"a.py": "from b import x\n", "b.py": "from a import x\n"}
    circle = unit("f", "from a import x\n\n\ndef f():\n    return x\n", "c.py")
    assert used_by(circle, DefinitionLookup(files.get, ("",))) == ""
