"""Scripts that run inside the sandbox, on the interpreter of the code under test (3.8 or newer): data to this package.

Nothing here is imported by the reviewer. `run.py` is started, starts `inner.py` in a process of its own, and counts.
"""
