"""The gates that a suggested Python test must pass, in the order of their cost."""
