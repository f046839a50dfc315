"""Limit what is spent: for whom the App works, how much is left, and what is said when nothing is left."""
