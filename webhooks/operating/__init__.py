"""What is run from a terminal and needs GitHub or the store: `reviewer worker`, `jobs`, `doctor --app`, `pr`."""
