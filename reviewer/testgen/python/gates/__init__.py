"""The gates that a suggested Python test must pass, in order of their cost."""
