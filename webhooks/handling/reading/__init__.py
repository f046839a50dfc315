"""Read what is on the pull request beside its change: what we posted, and which checks failed. Never writes."""
