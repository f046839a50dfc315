"""Call GitHub's API. Nothing else in the project talks to GitHub."""
