"""Commands that are answered by the model in words."""
