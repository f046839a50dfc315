"""Measure what is sent to the model, what the prompts of a review share, and what becomes of its suggestions."""
