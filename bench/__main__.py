"""`python -m bench [NAME...]`: run all measurements, or those named."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "core",
    "context",
    "cli",
    "app",
    "pages",
    "durable",
    "burst",
    "slow",
    "hostile",
    "sandbox",
    "proving",
    "install",
)
_DELIVERIES = frozenset({"durable", "burst", "slow", "hostile"})  # the App under load

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        folder = "bench.deliveries" if name in _DELIVERIES else "bench"
        importlib.import_module(f"{folder}.{name}").main()
