"""Look things up in the repository for the model: definitions, callers, outlines, lines, words, earlier versions."""
