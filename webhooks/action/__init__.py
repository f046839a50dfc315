"""Run as a step of a GitHub workflow: the event file is the delivery."""
