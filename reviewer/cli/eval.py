"""`reviewer eval`: review known cases as `diff` does, but with the cap on comments, and measure the results."""

from __future__ import annotations

from reviewer.cli.local_change import change_without_progress
from reviewer.cli.model_client import cost_of, open_client
from reviewer.evaluation.command import evaluate
from reviewer.evaluation.relay import open_relay


def run(argv: list[str]) -> int:
    """Run the command and return its exit code. Raises ReviewerError."""
    return evaluate(argv, change_without_progress, open_client, cost_of, open_relay)
