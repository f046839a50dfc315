"""Run tests of one project for a demonstration: Python with the harness, other languages with the runner table."""
