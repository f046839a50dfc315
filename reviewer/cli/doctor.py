"""`reviewer doctor`: check what a review needs, and print what works and what is missing."""

from __future__ import annotations

from pathlib import Path

from reviewer.cli.console import print_line
from reviewer.cli.model_client import open_client
from reviewer.errors import UsageError
from reviewer.git.worktree import open_worktree


def run() -> int:
    """Run the command and return its exit code. Raises ReviewerError if the model cannot be used."""
    code = 0
    try:
        open_worktree(Path.cwd())
        print_line("git: this is a repository")
    except UsageError as error:
        print_line(f"git: {error}")
        code = error.exit_code
    with open_client(None) as client:
        models = client.models()
        listed = "listed" if client.model in models else f"not listed (the service lists {', '.join(models)})"
        print_line(f"model: {client.base_url} answers; {client.model} is {listed}")
    return code
