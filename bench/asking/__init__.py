"""Measure what is sent to the model: the code beside a change, and what the prompts of a review share."""
