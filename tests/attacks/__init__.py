"""Attacks in our own words: each case asserts on what reached the model, GitHub, logs, the store or the disk."""
