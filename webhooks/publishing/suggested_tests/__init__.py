"""Suggested tests on the pull request: as comments that append them, as a commit, as a stacked pull request."""
