"""Decide what is reviewed: which files, in which chunks, with which lenses, at what cost."""
