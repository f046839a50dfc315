"""The values of a review: the change, its findings, their severity, the settings, the port to the code."""
