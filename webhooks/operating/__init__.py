"""What an operator runs: `reviewer worker`, `reviewer jobs`, and the checks of `reviewer doctor --app`."""
