"""Scripts that run inside the sandbox, on the interpreter of the code under test (Python 3.8 or newer).

The reviewer never imports them. It starts `run.py`, which starts `inner.py` in another process and counts the results.
"""
