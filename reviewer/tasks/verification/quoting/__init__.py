"""Find what a model quotes: read its quote, search the lines of a diff for it, find the file that a path means."""
