"""What tests of the core share."""

from __future__ import annotations

from tests.fuzz.cpu_time import cpu_ratio

__all__ = ["cpu_ratio"]
