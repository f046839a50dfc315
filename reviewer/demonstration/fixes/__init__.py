"""Show a fix by tests that pass: edits in memory, the gates of a fix, the rounds with the model."""
