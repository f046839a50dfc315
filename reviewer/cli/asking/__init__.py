"""Ask the model for a command: answers that were paid for are kept, progress is shown, Ctrl-C loses nothing."""
