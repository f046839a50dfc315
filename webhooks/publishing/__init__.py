"""Decide what is posted on the pull request, and post it once."""
