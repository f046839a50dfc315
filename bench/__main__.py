"""`python -m bench [NAME...]`: run all measurements, or those named."""

from __future__ import annotations

import importlib
import sys

NAMES = ("core", "context", "cli", "app", "durable", "burst", "sandbox", "proving", "install")

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        importlib.import_module(f"bench.{name}").main()
