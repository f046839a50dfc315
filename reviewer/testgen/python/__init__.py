"""Suggest and prove tests for Python, measured line by line and mutant by mutant."""
