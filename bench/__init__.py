"""Measurements, printed as tables: `make bench`. Never a test: a slow machine fails nothing."""
