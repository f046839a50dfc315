"""Decide what is reviewed: which files, in which parts, by which lenses, at what cost."""
