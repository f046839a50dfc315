"""`python -m bench [NAME...]`: run all measurements, or those named."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "core",
    "context",
    "prefix",
    "scripted_eval",
    "clicks",
    "cli",
    "app",
    "pages",
    "durable",
    "burst",
    "slow",
    "hostile",
    "memory",
    "acknowledge",
    "sandbox",
    "proving",
    "later_runs",
    "install",
)
_FOLDERS = dict.fromkeys(
    ("durable", "burst", "slow", "hostile", "memory", "acknowledge"), "bench.deliveries"
)  # the App under load
_FOLDERS |= dict.fromkeys(("context", "prefix", "scripted_eval", "clicks"), "bench.asking")
_FOLDERS |= dict.fromkeys(("proving", "later_runs"), "bench.testgen")

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        importlib.import_module(f"{_FOLDERS.get(name, 'bench')}.{name}").main()
