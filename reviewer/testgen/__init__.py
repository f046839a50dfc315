"""Suggest tests, run them on the user's own machine, and keep those that prove something. Never runs on the server."""
