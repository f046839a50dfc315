"""Check what the model reported: place it in the diff, prove suggestions, falsify, rank."""
