"""Tests that were run: candidates of the model, proven or dropped on the user's own machine. Never on the server."""
