"""Claims about a Python project: true ones with right and wrong fixes, false ones, and tests that show nothing."""

from __future__ import annotations

from reviewer.domain.demonstrations import DemonstrationGate as Gate
from reviewer.domain.demonstrations import FixGate
from tests.samples.demonstrations.claims import DEMONSTRATED, PYTHON_COMMAND, REFUTED, SampleClaim, SampleProject

_STATS_BASE = '''"""Numbers of the shop."""


def mean(values):
    """Return the mean of the values; 0.0 for no values."""
    if not values:
        return 0.0
    return sum(values) / len(values)
'''
_STATS = '''"""Numbers of the shop."""


def mean(values):
    """Return the mean of the values; 0.0 for no values."""
    return sum(values) / len(values)


def spread(values):
    """Return the largest value less the smallest; 0 for no values."""
    if not values:
        return 0
    return max(values) - min(values)


def first_word(text):
    """Return the first word of a text; an empty text for none."""
    words = text.split()
    return words[0] if words else ""
'''
_SHIPPING = '''"""What it costs to send a parcel."""

from shop.limits import FREE_FROM, weight_class


def shipping(total):
    """Return the price of shipping in cents. It is free from FREE_FROM on."""
    if total > FREE_FROM:
        return 0
    return 490


def fee(weight):
    """Return the fee in cents for a weight in grams: by its class, twice as much abroad."""
    return {"light": 100, "heavy": 300}[weight_class(weight)]
'''
_LIMITS = '''"""Limits of the shop."""

FREE_FROM = 5000


def weight_class(weight):
    """Return `light` up to 1000 grams, `heavy` up to 5000, `freight` above."""
    if weight <= 1000:
        return "light"
    return "heavy" if weight <= 5000 else "freight"
'''
_STORE = '''"""Orders in the database."""

import psycopg_that_is_not_here


def order_total(order):
    """Return the total of an order."""
    return psycopg_that_is_not_here.total(order) + 1
'''
_SERVICE = '''"""A service that is not there in tests."""


def connect(host="db"):
    """Open a connection to the database."""
    raise ConnectionRefusedError(host)


def count_orders(host="db"):
    """Return the number of orders."""
    return connect(host).count + 1
'''
_TESTS = """import pytest

from shop.limits import weight_class
from shop.shipping import fee, shipping
from shop.stats import mean


def test_mean():
    assert mean([1, 2, 3]) == 2.0


@pytest.mark.parametrize(("total", "price"), [(100, 490), (4500, 490), (6000, 0)])
def test_shipping(total, price):
    assert shipping(total) == price


def test_fee():
    assert fee(500) == 100
    assert fee(4000) == 300


def test_weight_class():
    assert weight_class(9000) == "freight"
"""
PYTHON = SampleProject(
    "python",
    base={"shop/__init__.py": "", "shop/stats.py": _STATS_BASE, "tests/test_shop.py": _TESTS, "README.md": "A shop.\n"},
    head={
        "shop/stats.py": _STATS,
        "shop/shipping.py": _SHIPPING,
        "shop/limits.py": _LIMITS,
        "shop/store.py": _STORE,
        "shop/service.py": _SERVICE,
        "README.md": "A shop that sells.\n",
    },
    command=PYTHON_COMMAND,
)

_MEAN = "    return sum(values) / len(values)"
_MEAN_CLAIM = "`mean([])` raises ZeroDivisionError\nThe docstring promises 0.0 for no values, but len(values) is 0."
_MEAN_TEST = "from shop.stats import mean\n\n\ndef test_mean_of_nothing():\n    assert mean([]) == 0.0\n"
_MEAN_FIX = "    return sum(values) / len(values) if values else 0.0"

_FREE = "    if total > FREE_FROM:"
_FREE_CLAIM = "`shipping(5000)` costs 490, although it is free from 5000 on\nThe comparison is strict."
_FREE_TEST = "from shop.shipping import shipping\n\n\ndef test_free_from():\n    assert shipping(5000) == 0\n"

_FEE = '    return {"light": 100, "heavy": 300}[weight_class(weight)]'
_FEE_CLAIM = "`fee(6000)` raises KeyError\nThe class `freight` has no price."
_FEE_TEST = "from shop.shipping import fee\n\n\ndef test_fee_of_freight():\n    assert fee(6000) == 900\n"

_SPREAD = "    return max(values) - min(values)"
_WORD = '    return words[0] if words else ""'


def _claim(name: str, path: str, quote: str, claim: str, *tests: str, ends: str, **more: object) -> SampleClaim:
    return SampleClaim(name, PYTHON, path, quote, claim, tests, ends, "tests/test_claim.py", **more)  # type: ignore[arg-type]


def _mean(name: str, test: str, ends: str, **more: object) -> SampleClaim:
    return _claim(name, "shop/stats.py", _MEAN, _MEAN_CLAIM, test, ends=ends, **more)


TRUE = (
    _mean("a right suggestion", _MEAN_TEST, DEMONSTRATED, verdict="confirmed", suggestion=_MEAN_FIX, fix="button",
          worked_before=True),
    _claim("an exception that the claim names", "shop/shipping.py", _FEE, _FEE_CLAIM, _FEE_TEST, ends=DEMONSTRATED,
           verdict="confirmed", fix="button",
           fixes=[[{"quote": '"heavy": 300}', "replacement": '"heavy": 300, "freight": 900}'}]]),
    _claim("a suggestion that breaks a test", "shop/shipping.py", _FREE, _FREE_CLAIM, _FREE_TEST, ends=DEMONSTRATED,
           verdict="confirmed", suggestion="    if total >= 4000:", fix="button",
           fixes=[[{"quote": _FREE, "replacement": "    if total >= FREE_FROM:"}]]),
    _claim("a suggestion that mends nothing", "shop/shipping.py", _FREE, _FREE_CLAIM, _FREE_TEST, ends=DEMONSTRATED,
           verdict="confirmed", suggestion="    if total > FREE_FROM + 1:", fix=FixGate.OFFERED, fixes=[[], []]),
    _claim("two wrong fixes", "shop/shipping.py", _FREE, _FREE_CLAIM, _FREE_TEST, ends=DEMONSTRATED,
           verdict="confirmed", fix=FixGate.KEEPS,
           fixes=[[{"quote": _FREE, "replacement": "    if True:"}],
                  [{"quote": _FREE, "replacement": "    if total > 4000:"}]]),
    _claim("a fix of the test instead of the code", "shop/shipping.py", _FREE, _FREE_CLAIM, _FREE_TEST,
           ends=DEMONSTRATED, verdict="confirmed", fix="button",
           fixes=[[{"path": "tests/test_shop.py", "quote": "import pytest", "replacement": "import os"}],
                  [{"quote": "if total > FREE_FROM:", "replacement": "if total >= FREE_FROM:"}]]),
    _claim("a fix in two files", "shop/shipping.py", _FEE, _FEE_CLAIM, _FEE_TEST, ends=DEMONSTRATED,
           verdict="confirmed", fix="patch",
           fixes=[[{"quote": _FEE, "replacement": "    return PRICES[weight_class(weight)]"},
                   {"quote": "import FREE_FROM, weight_class", "replacement": "import FREE_FROM, PRICES, weight_class"},
                   {"path": "shop/limits.py", "quote": "FREE_FROM = 5000\n",
                    "replacement": 'FREE_FROM = 5000\nPRICES = {"light": 100, "heavy": 300, "freight": 900}\n'}]]),
)  # fmt: skip

FALSE = (
    _claim("a crash that cannot happen", "shop/stats.py", _WORD,
           '`first_word("")` raises IndexError\nsplit() of an empty text returns no words.',
           'from shop.stats import first_word\n\n\ndef test_no_word():\n    assert first_word("") == ""\n',
           'from shop.stats import first_word\n\n\ndef test_empty():\n    assert len(first_word("")) == 0\n',
           ends=REFUTED),
    _claim("a demand that nobody promised", "shop/stats.py", _SPREAD,
           "`spread([3])` returns 0 for a single value\nA single value should have no spread: it ought to be None.",
           "from shop.stats import spread\n\n\ndef test_spread():\n    assert spread([3]) == 3\n",
           ends=Gate.AGREED, verdict="refuted"),
    _claim("two wordings that disagree", "shop/stats.py", _SPREAD,
           "`spread([1, 4])` is computed wrongly\nIt looks odd.",
           "from shop.stats import spread\n\n\ndef test_spread():\n    assert spread([1, 4]) == 3\n",
           "from shop.stats import spread\n\n\ndef test_spread_again():\n    assert spread([1, 4]) == 4\n",
           ends=Gate.WORDINGS),
    _claim("the same test twice", "shop/stats.py", _SPREAD, "`spread([1, 4])` is computed wrongly\nIt looks odd.",
           "from shop.stats import spread\n\n\ndef test_spread():\n    assert spread([1, 4]) == 3\n",
           "from shop.stats import spread\n\n\ndef test_other_name():\n    assert spread([1, 4]) == 3\n",
           ends=Gate.WORDINGS),
    _claim("no input to hold it to", "shop/stats.py", _SPREAD, "the spread is not robust\nIt may surprise callers.",
           "from shop.stats import spread\n\n\ndef test_spread():\n    assert spread([1, 4]) == 3\n", ends=Gate.FAILS),
)  # fmt: skip

_SWALLOWS = """from shop.stats import mean


def attempt():
    try:
        return mean([])
    except Exception:
        return None


def test_mean():
    attempt()
    assert "one" == str(len("one"))
"""
_ZONES = """import os

from shop.stats import mean


def test_mean():
    assert mean([2]) == (3.0 if os.environ.get("TZ") == "UTC" else 2.0)
"""
_LEAVES = """from shop.stats import mean


def test_mean():
    name = "left.txt"
    with open(name, "w") as file:
        file.write("x")
    assert mean([2]) == 3.0
"""
_MOCKS = """from shop import stats


def test_mean(monkeypatch):
    monkeypatch.setattr(stats, "mean", lambda values: 1)
    assert stats.mean([]) == 0.0
"""

USELESS = (
    _mean("asserts what the code does", "import pytest\n\nfrom shop.stats import mean\n\n\ndef test_mean():\n"
          "    with pytest.raises(ZeroDivisionError):\n        mean([])\n", Gate.CURRENT),
    _mean("replaces the code under test", _MOCKS, Gate.SMELLS),
    _mean("asserts nothing that can fail otherwise", "def test_mean():\n    assert False\n", Gate.SMELLS),
    _mean("fails whatever the code does", _SWALLOWS, Gate.DEPENDS),
    _mean("imports what is not there", _MEAN_TEST.replace("shop.stats", "shop.statistics"), Gate.COLLECTS),
    _mean("has a typo", _MEAN_TEST.replace("assert mean", "assert meen"), Gate.REASON),
    _mean("asks for a fixture that is not there", _MEAN_TEST.replace("nothing()", "nothing(empty)"), Gate.REASON),
    _mean("tests something else", "from shop.stats import spread\n\n\ndef test_x():\n    assert spread([1]) == 4\n",
          Gate.PLACE),
    _mean("depends on its surroundings", _ZONES, Gate.STEADY),
    _mean("leaves a file", _LEAVES, Gate.CLEAN),
    _mean("is none", "NONE", Gate.OFFERED),
    _mean("overwrites an existing test", _MEAN_TEST, Gate.POLICY),
)  # fmt: skip

NOT_RUNNABLE = (
    _claim("code that cannot be imported", "shop/store.py", "    return psycopg_that_is_not_here.total(order) + 1",
           "`order_total` adds one too many\nThe sum is off by one.",
           "from shop.store import order_total\n\n\ndef test_total():\n    assert order_total([1]) == 1\n",
           ends=Gate.COLLECTS),
    _claim("code that needs a database", "shop/service.py", "    return connect(host).count + 1",
           "`count_orders` counts one too many\nThe sum is off by one.",
           "from shop.service import count_orders\n\n\ndef test_count():\n    assert count_orders() == 0\n",
           ends=Gate.REASON),
    _claim("no code at all", "README.md", "A shop that sells.", "The README is wrong\nIt sells nothing.",
           ends=Gate.RUNNABLE),
)  # fmt: skip

CLAIMS = (*TRUE, *FALSE, *USELESS, *NOT_RUNNABLE)
