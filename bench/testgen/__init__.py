"""Measure and recount tests that were suggested, kept and run."""
