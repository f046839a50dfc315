"""A change in, a review out. Knows nothing of GitHub, of Flask or of the job engine."""

__version__ = "0.1.0"
