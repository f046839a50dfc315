"""Check what the model reported: place it in the diff, prove suggestions, try to refute it, rank it."""
